"""What is wrong with a coverage gate: the lint of ``gates.coverage``. Pure."""

from collections.abc import Iterator

from strangler.plan.complaint import Complaint, refusal, warning
from strangler.plan.models import Operation, Plan
from strangler.plan.source import Path


def check_coverage(plan: Plan, path: Path, operation: Operation) -> Iterator[Complaint]:
    """Whether the old side has a contract to cover, and whether what is left out is said item by item."""
    gate = operation.gates.coverage
    if gate is None:
        return
    here = (*path, "gates", "coverage")
    old = plan.systems.get(operation.old.system)
    if old is not None and not (old.wsdl or old.openapi) and old.speaks != "odbc":
        message = f"nobody says what {operation.old.system} promises: there is nothing to cover"
        yield refusal("no-contract", here, message, f"add 'openapi:' or 'wsdl:' to systems.{operation.old.system}")
    if old is not None and old.wsdl and not old.openapi and operation.match.soap_action is None:
        message = "the operation of the WSDL is found by its SOAP action, and the match names none"
        yield warning("no-soap-action", here, message, "add 'soap_action:' to the match")
    if not gate.min:
        yield warning("covers-nothing", (*here, "min"), "a gate that nothing can hold", "say min: 0.9, or leave it out")
    seen: set[str] = set()
    for index, left_out in enumerate(gate.never):
        place = (*here, "never", index, "item")
        item = left_out.item
        if not item.rstrip("*").strip():
            yield refusal("leaves-all-out", place, f"{item!r} leaves every item out", "name the items one by one")
        elif item in seen:
            yield refusal("left-out-twice", place, f"{item!r} is left out already", "remove it")
        elif "*" in item.removesuffix("*").replace("[*]", ""):
            yield warning("inner-star", place, "'*' stands for more only at an item's end", "write the item whole")
        seen.add(item)
