"""Where an operation's schedule stands, for the command line and the console."""

from typing import Any

from strangler.overview.session import Session
from strangler.overview.words import span
from strangler.schedules import DONE, Schedule


def schedule_document(session: Session, operation: str, now: float) -> dict[str, Any] | None:
    """The schedule as plain data, with ``told`` as a sentence; ``None`` where there is none.

    ``state`` is ``waiting`` (for its pause), ``held`` (due, and gates hold it: ``reasons``), ``due``, or ``ended``.
    """
    found = session.cutover.schedule(operation)
    if found is None:
        return None
    state, reasons = _state(session, found, now)
    document = {
        "entry": found.seq,
        "asked_by": found.who,
        "why": found.why,
        "steps": [dict(step) for step in found.steps],
        "taken": found.taken,
        "due_at": found.due_at if found.is_running else None,
        "state": state,
        "ended": found.ended,
        "reasons": list(reasons),
    }
    return {**document, "told": _told(found, state, reasons, now)}


def _state(session: Session, found: Schedule, now: float) -> tuple[str, tuple[str, ...]]:
    if not found.is_running:
        return "ended", ()
    if now < found.due_at:
        return "waiting", ()
    try:
        reasons = session.cutover.propose_step(found).reasons
    except ValueError as error:
        reasons = (str(error),)
    return ("held", reasons) if reasons else ("due", ())


def _told(found: Schedule, state: str, reasons: tuple[str, ...], now: float) -> str:
    begun = f"schedule: {found.taken} of {len(found.steps)} steps taken"
    match state:
        case "ended":
            return f"{begun}; {'done' if found.ended == DONE else f'ended: {found.ended}'}"
        case "waiting":
            return f"{begun}; the next in {span(found.due_at - now)}"
        case "held":
            gates = "; ".join(reason.partition(";")[0] for reason in reasons)
            return f"{begun}; the next is due since {span(now - found.due_at)} and held: {gates}"
        case _:
            return f"{begun}; the next is due"
