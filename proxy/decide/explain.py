"""Says why a request is decided as it is: the work behind ``strangler.plan.explain``."""

from proxy.decide.conditions import Condition
from proxy.decide.decision import Decision, decide, find
from proxy.decide.entry import Entry
from proxy.decide.reading import Reading
from proxy.decide.table import Table
from strangler.exchange import Request
from strangler.plan.explain import Explanation, NearMiss, masked

_MOST_NEAR_MISSES = 5


def explain(table: Table, request: Request) -> Explanation:
    """Explain one request's decision. Never raises for anything a caller can send."""
    decision = decide(table, request)
    reading = Reading(request)
    entry = find(table, reading)
    return Explanation(
        request=f"{request.method} {request.path}",
        operation=decision.operation,
        conditions=tuple(condition.says for condition in conditions_of(entry)) if entry else (),
        key=masked(decision.key),
        key_place=entry.key.place if entry and entry.key else None,
        bucket=decision.bucket,
        stage=decision.stage.value,
        answers=decision.answers.value,
        asked=decision.asked.value if decision.asked else None,
        system=decision.system,
        upstream=decision.upstream,
        asked_upstream=decision.asked_upstream,
        reason=decision.reason,
        warnings=tuple(_warnings(decision)),
        near_misses=_near_misses(table, reading, entry),
    )


def conditions_of(entry: Entry) -> tuple[Condition, ...]:
    """All of an operation's conditions, in the order they are tried."""
    return (entry.path_condition, *entry.slot, *entry.values, *entry.body)


def _warnings(decision: Decision) -> list[str]:
    found = []
    if decision.alarm:
        found.append("ALARM: this operation is in complete, and the old system is reached")
    if decision.keyless:
        found.append("counted as not compared (not_asked)")
    if decision.held:
        found.append("held: the kill switch is on")
    return found


def _near_misses(table: Table, reading: Reading, meant: Entry | None) -> tuple[NearMiss, ...]:
    """The operations that came nearest: those with the most conditions held, before the first that failed."""
    misses = []
    for entry in table.entries.values():
        if entry is meant:
            continue
        conditions = conditions_of(entry)
        held = 0
        while held < len(conditions) and conditions[held].holds(reading):
            held += 1
        if held:
            failed = conditions[held].says if held < len(conditions) else ""
            misses.append((NearMiss(entry.name, failed, held), len(conditions) - held, entry.rank))
    misses.sort(key=lambda item: (item[1], -item[0].held, item[2]))
    return tuple(miss for miss, _, _ in misses[:_MOST_NEAR_MISSES])
