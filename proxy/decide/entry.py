"""One operation of the plan, compiled for deciding."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from proxy.decide.conditions import (
    Condition,
    KeyReader,
    body_conditions,
    key_reader,
    path_condition,
    slot_conditions,
    value_conditions,
)
from proxy.decide.reading import Reading
from strangler.evidence import entry_digest
from strangler.plan.addresses import asked_url, base_url, needs_gateway, target_of
from strangler.plan.models import PathMatch, Plan
from strangler.plan.precedence import Rank, rank
from strangler.rollout import seed_of
from strangler.stages import Effect, Side, Stage, duty


@lru_cache(maxsize=4096)
def _shared(system: str, url: str, asked: str | None, timeout_s: float, *, via_gateway: bool) -> "Upstream":
    """One object for all operations that are reached alike: a large table then fits into less memory."""
    return Upstream(system, url, asked, timeout_s, via_gateway)


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where one side of an operation is reached. ``asked_url`` is ``None`` where it must not be asked."""

    system: str
    url: str
    asked_url: str | None
    timeout_s: float
    via_gateway: bool


class Course(NamedTuple):
    """What one stage makes of an operation's requests; the same for all of them."""

    stage: Stage
    answers: Side
    asked: Side | None
    upstream: Upstream
    asked_upstream: str | None
    in_stage: str
    """How a reason ends: ``is in shadow``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation. ``digest`` is that of its plan entry.

    Its conditions are ``path_condition``, ``slot`` (method, SOAP action), ``values`` (headers, query) and ``body``.
    """

    name: str
    effect: Effect
    rank: Rank
    path: PathMatch
    method: str | None
    soap_action: str | None
    path_condition: Condition
    slot: tuple[Condition, ...]
    values: tuple[Condition, ...]
    body: tuple[Condition, ...]
    key: KeyReader | None
    seed: int
    digest: str
    old: Upstream
    new: Upstream
    idempotency_header: str | None
    _courses: dict[Stage, Course] = field(default_factory=dict, repr=False, compare=False)

    def course(self, stage: Stage) -> Course:
        """What the stage makes of this operation's requests; worked out once."""
        found = self._courses.get(stage)
        if found is None:
            duties = duty(stage, self.effect)
            asked_url = self.upstream(duties.asked).asked_url if duties.asked is not None else None
            asked = duties.asked if asked_url is not None else None
            found = Course(stage, duties.answers, asked, self.upstream(duties.answers), asked_url, f"is in {stage}")
            self._courses[stage] = found
        return found

    def is_head(self, reading: Reading) -> bool:
        """Whether the conditions on headers and query hold; the index has seen to path, method and SOAP action."""
        for condition in self.values:  # noqa: SIM110  a generator here costs a third of a decision
            if not condition.holds(reading):
                return False
        return True

    def is_body(self, reading: Reading) -> bool:
        """Whether all conditions on the body hold."""
        return all(condition.holds(reading) for condition in self.body)

    def upstream(self, side: Side) -> Upstream:
        """The side's upstream."""
        return self.old if side is Side.OLD else self.new


def compile_entry(plan: Plan, name: str, order: int) -> Entry:
    """Compile one operation; ``order`` is its position in the plan.

    Raises:
        UsageError: it needs the gateway and the plan names none (``load_plan`` refuses such a plan).
    """
    operation = plan.operations[name]
    match = operation.match
    action = match.soap_action
    return Entry(
        name=name,
        effect=operation.effect,
        rank=rank(match, order),
        path=match.path,
        method=match.method,
        soap_action=action.strip("\"'") if action is not None else None,
        path_condition=path_condition(match.path),
        slot=tuple(slot_conditions(match)),
        values=tuple(value_conditions(match)),
        body=tuple(body_conditions(match)),
        key=key_reader(operation.key) if operation.key else None,
        seed=operation.seed if operation.seed is not None else seed_of(name),
        digest=entry_digest(plan, name),
        old=_upstream(plan, name, Side.OLD),
        new=_upstream(plan, name, Side.NEW),
        idempotency_header=operation.writes.idempotency_header if operation.writes else None,
    )


def _upstream(plan: Plan, name: str, side: Side) -> Upstream:
    target = target_of(plan.operations[name], side)
    return _shared(
        target.system,
        base_url(plan, name, side),
        asked_url(plan, name, side),
        plan.systems[target.system].timeout_s,
        via_gateway=needs_gateway(plan, target),
    )
