"""The plan: what is migrated, and what each operation must show before it moves.

::

    migration.yaml -> source (lines, ${NAME}) -> models (form) -> lint (meaning) -> LoadedPlan

``load_plan`` reports every problem at once; ``schema`` describes the form to editors; ``strangler.plan.explain`` says
why a request is decided as it is; ``strangler.plan.addresses``
tells where each side of an operation is reached.
"""

from strangler.plan.loader import LoadedPlan, load_plan, parse_plan
from strangler.plan.schema import schema

__all__ = ["LoadedPlan", "load_plan", "parse_plan", "schema"]
