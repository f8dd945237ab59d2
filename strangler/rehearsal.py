"""A rollback made on purpose: back and forward again within a bound, with the time that engines took to follow.

Data flow: the gates are asked first, whether they would let the operation forward again; ``Cutover.rollback`` takes it
back; the engines' status files tell when they follow; ``Cutover.come_forward_again`` restores the rollout that was in
force; a ``REHEARSAL`` entry keeps what happened. Whatever goes wrong on the way leaves the operation back, on old.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from strangler.cutover import Cutover
from strangler.errors import Refused
from strangler.evidence import Builds
from strangler.ledger import Entry
from strangler.moves import taken_back
from strangler.people import OPERATORS, check_person
from strangler.plan.models import Plan
from strangler.rollout import Rollout
from strangler.stages import Effect, Stage, is_answered_by_new
from strangler.state import StateFolder

LOOK_EVERY_S = 0.05
SILENT_AFTER_S = 5.0
"""An engine that has said nothing for so long is not waited for: it does not run, or its disk is full."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How engines followed a decision. Engines tell twice a second: ``slowest_s`` is up to half a second too long.

    ``slowest_s`` is ``None`` where an engine did not follow in time, or none runs.
    """

    engines: int
    behind: int
    slowest_s: float | None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rehearsal did: the entries, how engines followed, and why it did not come forward again, if so."""

    back: Entry
    forward: Entry | None
    followed_back: Followed
    followed_forward: Followed | None
    took_s: float
    reasons: tuple[str, ...]


class Rehearsal:
    """Rehearses rollbacks of one programme.

    Args:
        plan: the programme's plan.
        cutover: who moves.
        state: where engines tell what they follow.
        clock: seconds since the epoch, as engines know it.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        plan: Plan,
        cutover: Cutover,
        state: StateFolder,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._plan = plan
        self._cutover = cutover
        self._state = state
        self._clock = clock
        self._sleep = sleep

    def target(self, operation: str) -> Rollout:
        """What a rollback would make of the rollout that is in force."""
        entry = self._plan.operations[operation]
        to = entry.rollback.to if entry.rollback else Stage.SHADOW
        return taken_back(self._cutover.rollouts()[operation], to, entry.effect)

    def against(self, operation: str, who: str, builds: Builds | None = None) -> tuple[str, ...]:
        """Why it cannot be rehearsed on live traffic now, as sentences; empty where it can."""
        entry, now = self._plan.operations[operation], self._cutover.rollouts()[operation]
        if not any(is_answered_by_new(stage) for stage, _ in now.shares) or self.target(operation) == now:
            return (f"it is at {now}: there is nothing to take back",)
        if entry.effect is Effect.WRITE:
            return ("it writes: one key's writes would be answered by new, old and new again for no need of theirs",)
        lacks = []
        schedule = self._cutover.schedule(operation)
        if schedule is not None and schedule.is_running:
            lacks.append("a schedule runs, and a rollback would end it")
        proposal = self._cutover.propose_again(operation, now, who, builds)
        return (*lacks, *proposal.reasons)

    def rehearse(self, operation: str, who: str, why: str, within_s: float, builds: Builds | None = None) -> Rehearsed:
        """Take the operation back and forward again.

        Args:
            operation: one that reads, and of which callers hear the new side.
            who: who decides; needs to be an operator where the plan names people.
            why: the reason.
            within_s: it comes forward again within so many seconds, or stays back.
            builds: what runs on each side.

        Raises:
            Refused: it cannot be rehearsed; nothing moved.
            StoreError: a store is not there. Look at ``status``: it may be back, and then stays back.
        """
        check_person(self._plan.people, who, OPERATORS, "rehearse a rollback")
        if against := self.against(operation, who, builds):
            raise Refused(f"{operation} is not rehearsed", against)
        before, began = self._cutover.rollouts()[operation], self._clock()
        back = self._cutover.rollback(operation, who, f"rehearsal: {why}")
        followed_back = self._until_followed(back.seq, began + within_s / 2)
        forward, followed_forward = None, None
        reasons: tuple[str, ...] = ()
        if followed_back.behind:
            reasons = (f"{followed_back.behind} of {followed_back.engines} engines did not follow in time",)
        elif self._clock() - began > within_s:
            reasons = (f"going back took longer than {within_s:g} s",)
        else:
            try:
                forward = self._cutover.come_forward_again(operation, before, who, back, builds)
            except Refused as refused:
                reasons = refused.reasons or (str(refused),)
            else:
                followed_forward = self._until_followed(forward.seq, self._clock() + within_s / 2)
        took_s = self._clock() - began
        done = Rehearsed(back, forward, followed_back, followed_forward, took_s, reasons)
        self._cutover.record_rehearsal(operation, who, _body(done, why))
        return done

    def _until_followed(self, seq: int, deadline: float) -> Followed:
        began = self._clock()
        while True:
            seen = engines(self._state, self._clock())
            behind = sum(one < seq for one in seen)
            if not behind or self._clock() >= deadline:
                slowest_s = round(self._clock() - began, 3) if seen and not behind else None
                return Followed(len(seen), behind, slowest_s)
            self._sleep(LOOK_EVERY_S)


def engines(state: StateFolder, now: float) -> list[int]:
    """The ledger entry that each engine on this machine follows, as it told in the last seconds."""
    found = []
    for path in state.path.glob("engine-*.json"):
        try:
            told: dict[str, Any] = orjson.loads(path.read_bytes())
            at, seq = float(told["at"]), int(told["table"]["seq"])
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            continue  # it ends, or it is no engine of this version: nobody can wait for it
        if now - at <= SILENT_AFTER_S:
            found.append(seq)
    return found


def _body(done: Rehearsed, why: str) -> dict[str, Any]:
    return {
        "why": why,
        "made": "rollback",
        "back": done.back.seq,
        "forward": done.forward.seq if done.forward else None,
        "followed_back": asdict(done.followed_back),
        "followed_forward": asdict(done.followed_forward) if done.followed_forward else None,
        "took_s": round(done.took_s, 3),
        "reasons": list(done.reasons),
    }
