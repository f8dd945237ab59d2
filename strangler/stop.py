"""The kill switch with nothing but the state folder at hand: no plan, no journal, perhaps no ledger."""

from collections.abc import Sequence

from strangler.errors import Refused, StoreError
from strangler.holds import read_hold, set_hold
from strangler.ledger import EntryKind, Ledger
from strangler.state import StateFolder


def hold_now(state: StateFolder, operations: Sequence[str] | None, who: str, why: str, now: float) -> str:
    """Hold operations (``None``: all) with nothing but the state folder at hand; a sentence on the record made.

    Raises:
        StoreError: the state folder cannot be written at all; nothing was held.
    """
    held = set_hold(state, operations, who, why, now)
    body = {"operations": list(held.operations), "why": why}
    told = "" if held.who == who else f"Everything is held, whatever was named: {held.why}. "
    try:
        with Ledger.open(state.ledger_url) as ledger:
            entry = ledger.append(EntryKind.HOLD, who, body, now=now)
    except StoreError as error:
        return f"{told}The hold is in force, but not on record: {error}"
    return f"{told}On record as ledger entry {entry.seq}."


def release_now(state: StateFolder, who: str, why: str, now: float) -> str:
    """Lift the hold, on record first; a sentence on the record made.

    Raises:
        Refused: there is no hold.
        StoreError: the ledger cannot be written; the hold stays.
    """
    held = read_hold(state.hold_file)
    if held is None:
        raise Refused("there is no hold to release")
    body = {"operations": list(held.operations), "why": why}
    with Ledger.open(state.ledger_url) as ledger:
        entry = ledger.append(EntryKind.RELEASE, who, body, now=now)
    state.hold_file.unlink(missing_ok=True)
    return f"On record as ledger entry {entry.seq}."
