"""Says why a request is decided as it is: for people who write plans. Shows no key in the clear."""

from dataclasses import asdict, dataclass

from proxy.decide.conditions import Condition
from proxy.decide.decision import Decision, decide, find
from proxy.decide.entry import Entry
from proxy.decide.reading import Reading
from proxy.decide.table import Table
from strangler.exchange import Request

_MOST_NEAR_MISSES = 5


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An operation that was not meant. ``failed`` is its first condition that did not hold; ``held`` is how many did.

    ``failed`` is empty where all of them held, and another operation came first.
    """

    operation: str
    failed: str
    held: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything behind one decision. ``key`` is masked; ``conditions`` are the ones that held."""

    request: str
    operation: str | None
    conditions: tuple[str, ...]
    key: str | None
    key_place: str | None
    bucket: int | None
    stage: str
    answers: str
    asked: str | None
    system: str | None
    upstream: str | None
    asked_upstream: str | None
    reason: str
    warnings: tuple[str, ...]
    near_misses: tuple[NearMiss, ...]

    def as_dict(self) -> dict[str, object]:
        """Plain data, for ``--json``."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [self.request, f"  operation  {self.operation or 'none'}"]
        lines += [f"             because {condition}" for condition in self.conditions]
        if self.key_place is not None:
            where = f"bucket {self.bucket} of 1000000" if self.bucket is not None else "no bucket"
            lines.append(f"  key        {self.key or 'none'} at {self.key_place}, {where}")
        lines.append(f"  stage      {self.stage}: {self.reason}")
        if self.upstream is not None:
            lines.append(f"  answers    {self.answers}: {self.system} at {self.upstream}")
            lines.append(f"  asked      {f'{self.asked}: {self.asked_upstream}' if self.asked else 'nobody'}")
        else:
            lines.append("  answers    nobody: 404")
        lines += [f"  note       {warning}" for warning in self.warnings]
        lines += [f"  not        {miss.operation}: {_missed(miss)}" for miss in self.near_misses]
        return "\n".join(lines)


def _missed(miss: NearMiss) -> str:
    return f"{miss.failed} does not hold" if miss.failed else "holds too, but comes later"


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


def masked(key: str | None) -> str | None:
    """A key's ends and length. No digest: there are few enough keys to try them all."""
    if key is None:
        return None
    ends = f"{key[0]}…{key[-1]}" if len(key) > 4 else "…"
    return f"{ends} ({len(key)} characters)"


def conditions_of(entry: Entry) -> tuple[Condition, ...]:
    """All of an operation's conditions, in the order they are tried."""
    return (entry.path_condition, *entry.head, *entry.body)


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
