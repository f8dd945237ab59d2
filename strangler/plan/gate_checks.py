"""What is wrong with gates that a plan adds: those that could never pass, or that say less than they seem to. Pure."""

from collections.abc import Iterator
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from strangler.plan.complaint import Complaint, refusal
from strangler.plan.form import nearest
from strangler.plan.gate_models import WindowGate
from strangler.plan.models import Operation, Plan
from strangler.plan.source import Path


def check_gates(plan: Plan, path: Path, operation: Operation) -> Iterator[Complaint]:
    """The gates of one operation that are off where they are not named."""
    here, gates = (*path, "gates"), operation.gates
    if gates.window is not None:
        yield from _check_window((*here, "window"), gates.window)
    if gates.rows is not None and gates.rows.name not in plan.rows:
        fix = nearest(gates.rows.name, plan.rows) if plan.rows else "add it under 'rows:'"
        yield refusal("unknown-rows", (*here, "rows", "name"), f"there are no rows {gates.rows.name!r}", fix)
    for index, gate in enumerate(gates.custom):
        place = (*here, "custom", index)
        if gate.name in {other.name for other in gates.custom[:index]}:
            yield refusal("gate-twice", (*place, "name"), f"there is another gate {gate.name!r}", "rename one")
        if gate.url is not None and not _is_address(gate.url):
            message = f"{gate.url!r} is no address that can be posted to"
            yield refusal("bad-url", (*place, "url"), message, "write http://host/path, or https")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_window(path: Path, window: WindowGate) -> Iterator[Complaint]:
    try:
        ZoneInfo(window.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fix = nearest(window.zone, available_timezones())
        yield refusal("bad-zone", (*path, "zone"), f"there is no time zone {window.zone!r}", fix)
    for index, opening in enumerate(window.open):
        if not opening.from_ < opening.to:
            message = f"it closes at {opening.to}, and opens no earlier than {opening.from_}"
            fix = 'say two openings: one until "24:00", and one from "00:00" on the next day'
            yield refusal("never-open", (*path, "open", index), message, fix)
    for index, span in enumerate(window.frozen):
        if span.from_ > span.to:
            message = f"it ends on {span.to}, before it begins on {span.from_}"
            yield refusal("bad-freeze", (*path, "frozen", index), message, "swap the two dates")
