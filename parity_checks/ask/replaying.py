"""Asks a recorded window again of the new build that runs now, without any caller.

A copy of each recorded exchange goes into the journal: a new id, ``Origin.REPLAY``, the present plan entry, and as its
answer what old answered then. A running worker judges the copies; where none does, one is made here for them alone. Old
may show something else by now: where the sides disagree, settling asks both again, so that a record that has changed
since is no defect.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast
from uuid import uuid4

from parity_checks.ask.client import Client
from parity_checks.ask.entries import Entries
from parity_checks.ask.probing import OwnWork
from parity_checks.ask.worker import Store, Worker
from strangler.errors import UsageError
from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Observation, Origin, Outcome
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage

if TYPE_CHECKING:
    from strangler.journal import Journal

WORKER_S: Final = 2.0
"""How long a running worker is waited for, without any outcome, before one is made here."""

IDLE_S: Final = 60.0
"""How long outcomes are waited for after the last one."""

_BATCH: Final = 200
_LOOK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked again, oldest first; and of what was recorded, how many are not, by the reason."""

    exchanges: tuple[Exchange, ...]
    left_out: Counter[str]


def why_never(plan: Plan, operation: str) -> str:
    """Why exchanges of an operation are not asked again; empty where they are.

    A write is made again only where the new side's copies are nobody's records.
    """
    entry = plan.operations[operation]
    if entry.effect is Effect.READ or (entry.writes is not None and entry.writes.policy == "sandbox"):
        return ""
    policy = entry.writes.policy if entry.writes else "never"
    return f"it is a write with the policy {policy!r}: replaying it would make it once more (sandbox would not)"


def window(plan: Plan, operation: str, journal: "Journal", since: float, limit: int) -> Window:
    """The newest recorded exchanges of an operation since a point in time, as they are to be asked again.

    Raises:
        UsageError: the operation is a write that must not be made again.
    """
    if reason := why_never(plan, operation):
        raise UsageError(f"{operation}: {reason}")
    run, entry = uuid4().hex[:12], entry_digest(plan, operation)
    made: list[Exchange] = []
    left_out: Counter[str] = Counter()
    recorded = sorted(journal.requests(operation, limit=limit, since=since), key=lambda one: one.at)
    for number, one in enumerate(recorded):
        answer = _of_old(one, journal)
        if answer is None:
            left_out["old gave no answer that is kept whole"] += 1
            continue
        made.append(
            replace(
                one,
                id=f"replay-{run}-{number}",
                stage=Stage.SHADOW,
                answer=answer,
                asked=Side.NEW,
                entry=entry,
                not_compared=None,
                fell_back=None,
                origin=Origin.REPLAY,
            )
        )
    return Window(tuple(made), left_out)


async def replay(
    plan: Plan,
    exchanges: Sequence[Exchange],
    journal: "Journal",
    *,
    worker_s: float = WORKER_S,
    told: Callable[[int], None] = lambda _: None,
) -> list[Outcome]:
    """Journal the copies and see them judged.

    Args:
        plan: the plan in force.
        exchanges: the copies; they keep their order, and each key's order is kept when they are asked.
        journal: where they go.
        worker_s: how long a running worker is waited for.
        told: called with how many more were judged, to show progress.

    Returns:
        The outcomes that are there when nothing more comes.
    """
    now = time.time()
    copies = [replace(one, at=now + number / 1_000_000) for number, one in enumerate(exchanges)]
    for start in range(0, len(copies), _BATCH):
        await asyncio.to_thread(journal.append, copies[start : start + _BATCH])
    judging = _Judging(journal, copies, told)
    if not await judging.is_begun(worker_s):
        await _judged_here(plan, journal, copies, judging)
    else:
        await judging.to_the_end(IDLE_S)
    return judging.outcomes


async def _judged_here(plan: Plan, journal: "Journal", copies: Sequence[Exchange], judging: "_Judging") -> None:
    async with Client(body_bytes=plan.capture.body_bytes) as client:
        worker = Worker(cast("Store", OwnWork(journal, copies)), Entries(plan), client)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            working = group.create_task(worker.run(stop), name="worker of a replay")
            await judging.to_the_end(IDLE_S)
            stop.set()
            await working


def _of_old(exchange: Exchange, journal: "Journal") -> Observation | None:
    """What old answered then: to the caller, or to a worker."""
    seen = [exchange.answer]
    if exchange.answer.side is Side.NEW:
        seen = list(journal.exchange(exchange.id)[1])
    return next((one for one in seen if one.side is Side.OLD and not one.has_failed and one.body is not None), None)


class _Judging:
    """Follows the outcomes of some exchanges in the journal."""

    def __init__(self, journal: "Journal", exchanges: Sequence[Exchange], told: Callable[[int], None]) -> None:
        self._journal = journal
        self._missing = [exchange.id for exchange in exchanges]
        self._told = told
        self.outcomes: list[Outcome] = []

    async def is_begun(self, within_s: float) -> bool:
        """Whether somebody judges them: an outcome comes within this time, or there is nothing to wait for."""
        until = time.monotonic() + within_s
        while self._missing and not await self._look():
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(_LOOK_EVERY_S)
        return True

    async def to_the_end(self, idle_s: float) -> None:
        """Wait until all are judged, or no outcome has come for this time."""
        last = time.monotonic()
        while self._missing:
            if await self._look():
                last = time.monotonic()
            elif time.monotonic() - last > idle_s:
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _look(self) -> int:
        """Take in what has come; how many."""
        found = await asyncio.to_thread(self._found)
        self.outcomes += found.values()
        self._missing = [name for name in self._missing if name not in found]
        if found:
            self._told(len(found))
        return len(found)

    def _found(self) -> dict[str, Outcome]:
        """The outcomes among the next ones; they come nearly in the order in which they were journaled."""
        told = {name: self._journal.exchange(name)[2] for name in self._missing[:_BATCH]}
        return {name: outcome for name, outcome in told.items() if outcome is not None}
