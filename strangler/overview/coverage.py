"""What the evidence has shown of an operation's old contract, for the command line and the console."""

from typing import Any

from strangler import gates
from strangler.evidence import Result, entry_digest, is_item
from strangler.overview.session import Session


def covered_operations(session: Session) -> list[str]:
    """The operations whose old side has a contract, or a gate that asks for one."""
    plan = session.plan
    return [
        name
        for name, operation in plan.operations.items()
        if operation.gates.coverage
        or plan.systems[operation.old.system].wsdl
        or plan.systems[operation.old.system].openapi
    ]


def coverage_document(session: Session, operation: str) -> dict[str, Any]:
    """What was expected and seen under the present evidence, item by item, and what the gate makes of it.

    ``share`` is that of the gate: without the unseen items that the plan says cannot be seen. ``verdict`` is ``None``
    where the plan has no gate.
    """
    evidence = session.cutover.evidence(operation)
    entry = entry_digest(session.plan, operation)
    gate = session.plan.operations[operation].gates.coverage
    patterns = [left_out.item for left_out in gate.never] if gate else []
    found = evidence.coverage
    counted = found.without(patterns) if found else None
    items = session.journal.seen_items(operation, entry, evidence.fingerprint)
    seen = [item for item in items if item.example is not None]
    verdict = gates.coverage(evidence, gate) if gate else None
    return {
        "operation": operation,
        "source": found.source if found else "",
        "trouble": found.trouble if found else "",
        "expected": counted.expected if counted else 0,
        "seen": counted.seen if counted else 0,
        "share": counted.share if counted else None,
        "min": gate.min if gate else None,
        "verdict": verdict.result if verdict else None,
        "reasons": verdict.reasons if verdict else (),
        "unseen": list(counted.unseen) if counted else [],
        "shown": [{"item": item.item, "first_at": item.first_at, "example": item.example} for item in seen],
        "never": [
            {
                "item": left_out.item,
                "why": left_out.why,
                "left_out": [item for item in (found.unseen if found else ()) if is_item(item, left_out.item)],
                "seen_after_all": [item.item for item in seen if is_item(item.item, left_out.item)],
            }
            for left_out in (gate.never if gate else ())
        ],
    }


def exit_code(documents: list[dict[str, Any]]) -> int:
    """0 where every gate passes, 1 where one holds, else 3 where one has no data or only stale data."""
    verdicts = {document["verdict"] for document in documents}
    if Result.HOLD in verdicts:
        return 1
    return 3 if verdicts & {Result.NO_DATA, Result.STALE} else 0
