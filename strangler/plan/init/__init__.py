"""A first plan from what an old system says about itself. What is guessed is marked ``# decide:`` for a person.

::

    WSDL, OpenAPI document, address, table names -> Draft -> migration.yaml

Pure: text in, text out. Who calls it fetches documents and asks databases.
"""

from strangler.plan.init.draft import Draft, DraftOperation, DraftSystem, written
from strangler.plan.init.openapi import draft_from_openapi
from strangler.plan.init.simple import draft_from_http, draft_from_tables
from strangler.plan.init.wsdl import draft_from_wsdl

__all__ = [
    "Draft",
    "DraftOperation",
    "DraftSystem",
    "draft_from_http",
    "draft_from_openapi",
    "draft_from_tables",
    "draft_from_wsdl",
    "written",
]
