"""Which requests two tables decide otherwise. Pure.

A request is read once for both. Where both find the same operation under the same plan entry, seed and rollout, the
decision is the same without looking any further; the key is read only where it can matter.
"""

from dataclasses import dataclass

from proxy.decide.decision import decide, find, place
from proxy.decide.entry import Entry
from proxy.decide.reading import Reading
from proxy.decide.table import Table
from strangler.exchange import Request
from strangler.stages import Side, Stage


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes: its operation, its stage, who answers and who is asked after. ``None`` is nobody."""

    operation: str | None
    stage: Stage
    side: Side
    system: str | None
    upstream: str | None
    asked_upstream: str | None

    def __str__(self) -> str:
        if self.operation is None:
            return f"no operation, {self.system or 'nobody'} answers"
        asked = ", the other side is asked" if self.asked_upstream else ""
        return f"{self.operation} in {self.stage}, {self.system} answers{asked}"


def elsewhere(before: Table, after: Table, request: Request) -> tuple[Route, Route] | None:
    """Where both tables send a request, if not to the same place; ``None`` where they agree. Never raises."""
    reading = Reading(request)
    one, other = find(before, reading), find(after, reading)
    if one is not None and other is not None and _is_same(before, one, after, other):
        return None
    routes = _route(before, one, reading), _route(after, other, reading)
    return None if routes[0] == routes[1] else routes


def _is_same(before: Table, one: Entry, after: Table, other: Entry) -> bool:
    """Whether two entries surely decide alike, whatever the key."""
    return (
        one.name == other.name
        and one.digest == other.digest
        and one.seed == other.seed
        and one.old == other.old
        and one.new == other.new
        and before.move(one.name) == after.move(other.name)
        and before.is_held(one.name) == after.is_held(other.name)
    )


def _route(table: Table, entry: Entry | None, reading: Reading) -> Route:
    if entry is None:
        decision = decide(table, reading.request)
        return Route(None, Stage.OFF, decision.answers, decision.system, decision.upstream, None)
    key = entry.key.read(reading) if entry.key is not None else None
    stage = place(table, entry, key).stage
    course = entry.course(stage)
    answering = course.upstream
    return Route(entry.name, stage, course.answers, answering.system, answering.url, course.asked_upstream)
