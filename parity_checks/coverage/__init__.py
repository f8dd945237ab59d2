"""Which items of the old side's contract the compared exchanges have shown.

::

    WSDL, OpenAPI document, columns --sources--> Contract (items) --shown--> items of one exchange --watch--> journal

``model`` is the form that all contracts take; ``wsdl`` with ``xsd``, ``openapi`` with ``json_schema``, and ``columns``
make it; ``shown`` finds what one exchange shows of it; ``probes`` makes requests that would show more. All of these are
pure. ``sources`` reads documents within bounds, ``watch`` keeps what a worker has given the journal already.
"""

from parity_checks.coverage.model import Contract, NoContract
from parity_checks.coverage.shown import items_of

__all__ = ["Contract", "NoContract", "items_of"]
