"""Takes an operation back by itself, on the plan's conditions, and takes the steps of schedules.

Whether to take back is a pure function; the guard only polls.

After a rollback it does not flap: only what was seen since the rollout last changed counts, and an operation of which
no caller hears the new side has nothing to take back.
"""

import asyncio
import os
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from threading import Event
from typing import Any, Protocol

import orjson
import structlog

from strangler.cutover import Cutover
from strangler.errors import Refused, StranglerError
from strangler.journal import AcceptedSignature, Journal, WindowStats
from strangler.ledger import Entry, Ledger
from strangler.people import GUARD
from strangler.plan import load_plan
from strangler.plan.models import Plan, Rollback
from strangler.rollout import Rollout
from strangler.stages import Stage, is_answered_by_new
from strangler.state import StateFolder

WHO = GUARD
POLL_S = 0.25

_log = structlog.get_logger()


class Control(Protocol):
    """What the guard needs of the cutover."""

    def catch_up(self) -> int:
        """Give engines what is decided, where they have something else."""

    def rollouts(self) -> dict[str, Rollout]:
        """Every operation's rollout."""

    def changed_at(self, operation: str) -> float:
        """When its rollout last changed."""

    def accepted(self, operation: str) -> tuple[AcceptedSignature, ...]:
        """The signatures accepted for it."""

    def rollback(
        self, operation: str, who: str, why: str, to: Stage | None = None, figures: Mapping[str, Any] | None = None
    ) -> Entry:
        """Take it back."""

    def take_steps(self) -> list[Entry]:
        """Take each scheduled step that is due and that every gate lets through."""


class Windows(Protocol):
    """What the guard needs of the journal."""

    def window(self, operation: str, since: float, accepted: Collection[AcceptedSignature] = ()) -> WindowStats:
        """Figures since a point in time."""


def should_roll_back(stats: WindowStats, policy: Rollback) -> tuple[str, ...]:
    """Why the operation must be taken back, as sentences with their figures; empty where it need not be."""
    reasons = []
    when = policy.when
    if stats.failed >= policy.failed_at_most:
        reasons.append(f"new failed {stats.failed:,} times; the plan allows fewer than {policy.failed_at_most:,}")
    if when.errors_over is not None and stats.requests >= policy.min_requests:
        ratio = stats.failed / stats.requests
        if ratio > when.errors_over:
            reasons.append(
                f"new failed {stats.failed:,} of {stats.requests:,} requests ({ratio:.2%}); "
                f"the plan allows {when.errors_over:.2%}"
            )
    if when.mismatch_over is not None and stats.compared >= policy.min_requests:
        ratio = stats.mismatches / stats.compared
        if ratio > when.mismatch_over:
            reasons.append(
                f"{stats.mismatches:,} of {stats.compared:,} comparisons disagreed ({ratio:.2%}); "
                f"the plan allows {when.mismatch_over:.2%}"
            )
    new, old = stats.p99_new_ms, stats.p99_old_ms
    if when.p99_ratio_over is not None and new is not None and old and stats.requests >= policy.min_requests:
        ratio = new / old
        if ratio > when.p99_ratio_over:
            reasons.append(
                f"p99 of new is {new:.1f} ms, {ratio:.2f} times that of old ({old:.1f} ms); "
                f"the plan allows {when.p99_ratio_over:g} times"
            )
    return tuple(reasons)


class Guard:
    """Watches every operation whose callers hear the new side.

    Args:
        plan: what to watch for.
        journal: where figures are read.
        cutover: who takes an operation back.
        clock: seconds since the epoch.
    """

    def __init__(self, plan: Plan, journal: Windows, cutover: Control, clock: Callable[[], float]) -> None:
        self._plan = plan
        self._journal = journal
        self._cutover = cutover
        self._clock = clock
        self.failed_checks = 0
        """How many checks could not be made, because a store was not there."""

    def run(self, stop: Event, poll_s: float = POLL_S) -> None:
        """Check again and again, until told to stop. A check that fails is counted, and made again."""
        while not stop.wait(poll_s):
            self.check_or_count()

    def check_or_count(self) -> None:
        """Check; where a store is not there, count that instead."""
        try:
            self.check()
        except StranglerError as error:
            self.failed_checks += 1
            _log.warning("guard check failed", error=str(error), failed_checks=self.failed_checks)

    def check(self) -> list[Entry]:
        """Look once at every operation; the rollbacks that were made, and then the scheduled steps that were taken.

        First of all engines are given what was decided: whoever decided it may have died before.
        """
        self._cutover.catch_up()
        made = []
        for operation, rollout in self._cutover.rollouts().items():
            policy = self._plan.operations[operation].rollback
            if policy is None or not any(is_answered_by_new(stage) for stage, _ in rollout.shares):
                continue
            since = max(self._clock() - policy.window_s, self._cutover.changed_at(operation))
            stats = self._journal.window(operation, since, self._cutover.accepted(operation))
            reasons = should_roll_back(stats, policy)
            if reasons:
                made += self._take_back(operation, stats, reasons)
        return made + self._take_steps()

    def _take_steps(self) -> list[Entry]:
        taken = self._cutover.take_steps()
        for entry in taken:
            _log.info("guard took a step", kind=entry.kind, operation=entry.body["operation"], seq=entry.seq)
        return taken

    def _take_back(self, operation: str, stats: WindowStats, reasons: tuple[str, ...]) -> list[Entry]:
        try:
            entry = self._cutover.rollback(operation, WHO, "; ".join(reasons), figures=figures_of(stats, reasons))
        except Refused as refused:  # somebody else was first; the next check sees what they decided
            _log.info("guard rollback not needed", operation=operation, reason=str(refused))
            return []
        _log.warning("guard rolled back", operation=operation, reasons=reasons)
        return [entry]


async def run_guard(plan_path: Path, state: StateFolder, *, stop: asyncio.Event) -> None:
    """Guard the plan at this path until told to stop. A changed plan is read again; a broken one is not taken."""
    ended = Event()
    guarding = asyncio.ensure_future(asyncio.to_thread(_guard_until, plan_path, state, ended))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({guarding, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        ended.set()
        await guarding


def _guard_until(plan_path: Path, state: StateFolder, ended: Event) -> None:
    journal = Journal.open(state.journal_url, key=state.journal_key())
    with journal, Ledger.open(state.ledger_url) as ledger:
        plan, stamp = _read_plan(plan_path, state), _stamp(plan_path)
        while not ended.is_set():
            guard = Guard(plan, journal, Cutover(plan, journal, ledger, state, time.time), time.time)
            while _stamp(plan_path) == stamp and not ended.wait(POLL_S):
                guard.check_or_count()
            if ended.is_set():
                return
            stamp = _stamp(plan_path)
            try:
                plan = _read_plan(plan_path, state)
            except StranglerError as error:
                _log.warning("guard keeps the plan it has", error=str(error))


def _read_plan(path: Path, state: StateFolder) -> Plan:
    """The plan, with the process's environment over the variables that ``up`` wrote down."""
    written: dict[str, str] = {}
    if state.environment_file.exists():
        written = orjson.loads(state.environment_file.read_bytes())
    return load_plan(path, {**written, **os.environ}).plan


def _stamp(path: Path) -> int:
    """When the file last changed; 0 while it is not there (an editor may be replacing it)."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def figures_of(stats: WindowStats, reasons: tuple[str, ...]) -> dict[str, Any]:
    """The window's figures as the ledger keeps them."""
    return {
        "since": stats.since,
        "requests": stats.requests,
        "failed": stats.failed,
        "fell_back": stats.fell_back,
        "failures": {str(name): count for name, count in stats.failures.items()},
        "compared": stats.compared,
        "mismatches": stats.mismatches,
        "p99_new_ms": stats.p99_new_ms,
        "p99_old_ms": stats.p99_old_ms,
        "reasons": list(reasons),
    }
