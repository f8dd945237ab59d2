"""What the last rehearsal of an operation showed, for the command line and the console."""

from typing import Any

from strangler.overview.session import Session
from strangler.overview.words import ago


def rehearsal_document(session: Session, operation: str, now: float) -> dict[str, Any] | None:
    """The last rehearsal as plain data, with ``told`` as a sentence; ``None`` where there never was one."""
    entry = session.cutover.rehearsal(operation)
    if entry is None:
        return None
    body = {name: value for name, value in entry.body.items() if name != "operation"}
    told = f"rehearsed {ago(max(0.0, now - entry.at))} by {entry.who}: {body.get('why', '')}"
    if body.get("made") == "rollback":
        told = f"rollback {told}; {_followed('back', body['followed_back'])}"
        if body["forward"] is None:
            told += f"; it stayed back: {'; '.join(body['reasons'])}"
        else:
            told += f", {_followed('forward', body['followed_forward'])}, {body['took_s']:g} s in all"
    return {**body, "entry": entry.seq, "at": entry.at, "who": entry.who, "told": told}


def _followed(way: str, seen: dict[str, Any]) -> str:
    if not seen["engines"]:
        return f"{way}: no engine runs here"
    if seen["behind"]:
        return f"{way}: {seen['behind']} of {seen['engines']} engines did not follow in time"
    return f"{way}: {seen['engines']} engine{'s' * (seen['engines'] != 1)} followed within {seen['slowest_s']:g} s"
