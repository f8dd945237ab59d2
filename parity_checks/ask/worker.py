"""The worker's loop: claim, keep order per key, give results back in batches, and never die of one exchange."""

import asyncio
import os
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import structlog

from parity_checks.ask.asker import Asker
from parity_checks.ask.client import Client
from parity_checks.ask.effects import Consequent, Effects, RowSource
from parity_checks.ask.entries import Entries
from parity_checks.ask.identities import Identities, IdStore
from parity_checks.ask.judges import Judges
from parity_checks.ask.lanes import Lanes
from parity_checks.ask.plan_file import PlanFile
from parity_checks.ask.sampling import Sampling
from parity_checks.ask.settling import Settling, Unsettled
from parity_checks.ask.sides import Sides
from parity_checks.ask.wavering import Wavering
from parity_checks.ask.writes import Writes
from parity_checks.coverage.sources import ColumnsOf, Sources
from parity_checks.coverage.watch import Watch
from strangler.errors import StoreError
from strangler.evidence import NoiseEvidence
from strangler.exchange import Exchange, Judged, Outcome, OutcomeKind, Reason, digest
from strangler.journal import Journal
from strangler.stages import Side
from strangler.state import StateFolder

_log = structlog.get_logger("worker")

BATCH: Final = 256
MOST_HELD: Final = 2_048
"""Most exchanges claimed and not finished."""

MOST_HELD_BYTES: Final = 64 * 1024 * 1024
LEASE_S: Final = 30.0
GRACE_S: Final = 3.0
"""How long running exchanges may take to finish once the worker is told to stop."""

PURGE_EVERY_S: Final = 3600.0
PURGE_BATCH: Final = 500

_IDLE_S = (0.02, 0.25)

_GATHER_S = 0.03
"""How long outcomes gather before they are stored: each time costs a transaction and two changes of thread."""


class Store(IdStore, Protocol):
    """What the worker needs of the journal; ``strangler.journal.Journal`` says what each does."""

    def claim(self, worker: str, limit: int, lease_s: float, now: float) -> list[Exchange]: ...  # noqa: D102
    def renew(self, worker: str, ids: Sequence[str], lease_s: float, now: float) -> int: ...  # noqa: D102
    def release(self, worker: str, ids: Sequence[str]) -> int: ...  # noqa: D102
    def attempts(self, ids: Sequence[str]) -> dict[str, int]: ...  # noqa: D102
    def finish(self, results: Sequence[Judged], now: float) -> int: ...  # noqa: D102
    def last_builds(self, operation: str) -> Mapping[Side, str]: ...  # noqa: D102
    def unfinished_writes(self, key: str) -> list[str]: ...  # noqa: D102
    def noise(self, operation: str, fingerprint: str) -> NoiseEvidence: ...  # noqa: D102
    def purge(self, before: float, now: float, limit: int) -> int: ...  # noqa: D102


class Worker:
    """Asks and compares until told to stop. Any number of workers may share one journal."""

    def __init__(
        self,
        store: Store,
        entries: Entries,
        client: Client,
        *,
        reload: Callable[[], Awaitable[None]] | None = None,
        name: str = "",
        purge_every_s: float = PURGE_EVERY_S,
        coverage: Watch | None = None,
        rows: RowSource | None = None,
    ) -> None:
        self.name = name or f"{socket.gethostname()}-{os.getpid()}"
        self.faults = 0
        """Exchanges on which this worker's own code failed."""
        self.finished = 0
        self.purged = 0
        """Exchanges whose bodies were dropped because the plan keeps them no longer."""
        self._store = store
        self._entries = entries
        self._reload = reload
        self._purge_every_s = purge_every_s
        self._coverage = coverage
        self._identities = identities = Identities(entries, store)
        sides, judges = Sides(entries, Lanes(client), identities), Judges(entries, self._last_builds, identities)
        self._writes = writes = Writes(self._unfinished_writes)
        self._effects = Effects(entries, sides, judges, writes, rows)
        self._asker = Asker(entries, Sampling(entries, sides, judges, writes), judges, identities, self._effects)
        self._settling = Settling(entries, sides, judges, Wavering(sides, judges, writes, self._noise), writes)
        self._held: dict[str, Exchange] = {}
        self._held_bytes = 0
        self._chains: dict[str, deque[tuple[Exchange, bool]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._results: deque[Judged] = deque()
        self._has_results = asyncio.Event()
        self._is_stopping = False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then finish what runs, within a bound, and give the rest back."""
        async with asyncio.TaskGroup() as group:
            finisher = group.create_task(self._finish_results(), name="finisher")
            renewer = group.create_task(self._renew_leases(), name="renewer")
            purger = group.create_task(self._purge_regularly(), name="purger")
            await self._claim_until(stop, group)
            self._is_stopping = True
            await self._drain()
            renewer.cancel()
            purger.cancel()
            self._has_results.set()
            await finisher
        await self._release(list(self._held))

    async def _claim_until(self, stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        idle_s = _IDLE_S[0]
        while not stop.is_set():
            claimed = await self._claim()
            if self._reload is not None:
                await self._reload_for(claimed)
            for exchange, was_claimed_before in claimed:
                self._enqueue(exchange, was_claimed_before, group)
            idle_s = _IDLE_S[0] if claimed else min(idle_s * 1.5, _IDLE_S[1])
            if len(claimed) < BATCH:
                await _sleep_unless(stop, idle_s)

    async def _claim(self) -> list[tuple[Exchange, bool]]:
        room = min(BATCH, MOST_HELD - len(self._held))
        if room < BATCH or self._held_bytes > MOST_HELD_BYTES:  # a few at a time would cost as much as many
            return []
        try:
            exchanges = await asyncio.to_thread(self._store.claim, self.name, room, LEASE_S, time.time())
            writes = [exchange.id for exchange in exchanges if self._asker.is_unrepeatable(exchange)]
            attempts = await asyncio.to_thread(self._store.attempts, writes) if writes else {}
        except StoreError as error:
            _log.warning("the journal cannot be read; trying again", error=str(error))
            await asyncio.sleep(_IDLE_S[1])
            return []
        return [(exchange, attempts.get(exchange.id, 1) > 1) for exchange in exchanges if exchange.id not in self._held]

    async def _reload_for(self, claimed: Sequence[tuple[Exchange, bool]]) -> None:
        """An exchange of an entry nobody knows means that the engine has read a newer plan than this worker."""
        if self._reload and any(self._entries.find(x.operation, x.entry) is None for x, _ in claimed):
            await self._reload()

    def _enqueue(self, exchange: Exchange, was_claimed_before: bool, group: asyncio.TaskGroup) -> None:
        self._held[exchange.id] = exchange
        self._held_bytes += _size(exchange)
        self._writes.claimed(exchange)
        chain = f"key {exchange.key}" if exchange.key is not None else f"id {exchange.id}"
        if chain in self._chains:
            self._chains[chain].append((exchange, was_claimed_before))
            return
        self._chains[chain] = deque([(exchange, was_claimed_before)])
        self._tasks[chain] = group.create_task(self._follow(chain, group), name=chain)

    async def _follow(self, chain: str, group: asyncio.TaskGroup) -> None:
        """One key's exchanges, one after another; what must settle does so beside the next."""
        waiting = self._chains[chain]
        try:
            while waiting and not self._is_stopping:
                exchange, was_claimed_before = waiting.popleft()
                asking = self._asker.judged(exchange, was_claimed_before=was_claimed_before)
                judged = await self._guarded(exchange, asking)
                self._writes.made(exchange)
                if isinstance(judged, Judged):
                    self._give(judged)
                    continue
                name = f"settle {exchange.id}"
                self._tasks[name] = group.create_task(self._settle(judged, name), name=name)
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
        finally:
            del self._chains[chain]
            self._tasks.pop(chain, None)

    async def _settle(self, unsettled: Unsettled | Consequent, name: str) -> None:
        try:
            if isinstance(unsettled, Consequent):
                self._give(await self._followed(unsettled))
                return
            judged = await self._guarded(unsettled.exchange, self._settling.settled(unsettled))
            if isinstance(judged, Judged):
                self._give(judged)
        finally:
            self._tasks.pop(name, None)

    async def _followed(self, made: Consequent) -> Judged:
        """A write whose effects could not be read was made all the same: nothing is said of a gap."""
        try:
            return await self._effects.followed(made)
        except asyncio.CancelledError:
            if not self._asker.is_unrepeatable(made.exchange):
                raise  # claimed again, and asked again by its idempotency key
            return made.unread("the worker was stopped before the effects were read")
        except Exception as error:  # noqa: BLE001  the worker never dies of one exchange
            self.faults += 1
            _log.exception("effects could not be read", exchange=made.exchange.id, operation=made.exchange.operation)
            return made.unread(f"{type(error).__name__}: {error}"[:500])

    async def _guarded(
        self, exchange: Exchange, asking: Awaitable[Judged | Unsettled | Consequent]
    ) -> Judged | Unsettled | Consequent:
        try:
            return await asking
        except asyncio.CancelledError:
            if self._asker.is_unrepeatable(exchange):
                self._give(self._fault(exchange, Reason.WRITE_UNCERTAIN, "the worker was stopped while asking"))
            raise
        except Exception as error:  # noqa: BLE001  the worker never dies of one exchange
            self.faults += 1
            _log.exception("an exchange could not be judged", exchange=exchange.id, operation=exchange.operation)
            return self._fault(exchange, Reason.COMPARER_FAILED, f"{type(error).__name__}: {error}"[:500])

    def _fault(self, exchange: Exchange, reason: Reason, detail: str) -> Judged:
        """Not compared, and without a fingerprint: it counts against whatever evidence is gathered at its time."""
        raw = digest(exchange.request.method.encode(), exchange.request.target.encode(), exchange.request.body or b"")
        outcome = Outcome(OutcomeKind.NOT_COMPARED, "", raw, reason, detail=detail)
        return Judged(exchange.id, outcome, gap=self._asker.lack(exchange, detail))

    def _give(self, judged: Judged) -> None:
        exchange = self._held.get(judged.exchange_id)
        if self._coverage is not None and exchange is not None:
            judged = self._coverage.shown(exchange, judged)
        self._results.append(judged)
        self._has_results.set()

    async def _finish_results(self) -> None:
        """Store results in batches; what cannot be stored now is kept and tried again."""
        while True:
            await self._has_results.wait()
            self._has_results.clear()
            while self._results:
                batch = [self._results[at] for at in range(min(BATCH, len(self._results)))]
                try:
                    await asyncio.to_thread(self._store.finish, batch, time.time())
                except StoreError as error:
                    _log.warning("the journal cannot be written; trying again", error=str(error))
                    if self._is_stopping and not self._tasks:
                        return
                    await asyncio.sleep(_IDLE_S[1])
                    continue
                except Exception:  # noqa: BLE001  one result must not keep the others from being stored
                    await self._finish_one_by_one(batch)
                for judged in batch:
                    self._results.popleft()
                    self._let_go(judged.exchange_id)
                self.finished += len(batch)
                await asyncio.sleep(_GATHER_S)
            if self._is_stopping and not self._tasks:
                return

    async def _finish_one_by_one(self, batch: Sequence[Judged]) -> None:
        """Store what can be stored of a batch; what cannot is stored as not compared, so that it does count."""
        for judged in batch:
            try:
                await asyncio.to_thread(self._store.finish, [judged], time.time())
            except Exception as error:  # noqa: BLE001  named, counted, and the worker goes on
                self.faults += 1
                _log.exception("a result could not be stored", exchange=judged.exchange_id)
                await self._finish_as_fault(judged, f"its result could not be stored: {type(error).__name__}")

    async def _finish_as_fault(self, judged: Judged, why: str) -> None:
        """Store that there is no result. If even that fails, it is claimed again once its lease is over."""
        exchange = self._held.get(judged.exchange_id)
        if exchange is None:
            return
        fault = replace(self._fault(exchange, Reason.COMPARER_FAILED, why), gap=judged.gap)
        try:
            await asyncio.to_thread(self._store.finish, [fault], time.time())
        except Exception:  # noqa: BLE001  the worker goes on
            _log.exception("nothing could be stored of an exchange", exchange=judged.exchange_id)

    def _let_go(self, exchange_id: str) -> None:
        exchange = self._held.pop(exchange_id, None)
        if exchange is not None:
            self._held_bytes -= _size(exchange)
            self._writes.finished(exchange)

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                await asyncio.to_thread(self._store.renew, self.name, list(self._held), LEASE_S, time.time())
            except StoreError as error:
                _log.warning("leases could not be renewed", error=str(error))

    async def _purge_regularly(self) -> None:
        """Drop what the plan keeps no longer, a batch at a time, so that no engine waits long for its turn to write."""
        while True:
            try:
                before = time.time() - self._entries.plan.capture.retention_h * 3600
                dropped = await asyncio.to_thread(self._store.purge, before, time.time(), PURGE_BATCH)
            except StoreError as error:
                _log.warning("expired bodies could not be dropped; trying again later", error=str(error))
                dropped = 0
            self.purged += dropped
            await asyncio.sleep(_IDLE_S[1] if dropped >= PURGE_BATCH else self._purge_every_s)

    async def _drain(self) -> None:
        deadline = time.monotonic() + GRACE_S
        while (running := list(self._tasks.values())) and (left_s := deadline - time.monotonic()) > 0:
            await asyncio.wait(running, timeout=left_s)
        late = list(self._tasks.values())
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=GRACE_S)
        self._tasks.clear()  # a task that was cancelled before it began has not taken itself out

    async def _release(self, ids: list[str]) -> None:
        if not ids:
            return
        try:
            await asyncio.to_thread(self._store.release, self.name, ids)
        except StoreError as error:
            _log.warning("claims end with their lease", error=str(error))

    async def _last_builds(self, operation: str) -> Mapping[Side, str]:
        return await asyncio.to_thread(self._store.last_builds, operation)

    async def _unfinished_writes(self, key: str) -> list[str]:
        return await asyncio.to_thread(self._store.unfinished_writes, key)

    async def _noise(self, operation: str, fingerprint: str) -> NoiseEvidence:
        return await asyncio.to_thread(self._store.noise, operation, fingerprint)


def _size(exchange: Exchange) -> int:
    return len(exchange.request.body or b"") + len(exchange.answer.body or b"")


async def _sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def run_worker(
    plan_path: Path,
    state: StateFolder,
    *,
    stop: asyncio.Event,
    columns: ColumnsOf | None = None,
    rows: RowSource | None = None,
) -> None:
    """Run one worker on a plan and a state folder until ``stop`` is set; a changed plan is taken up while it runs.

    ``columns`` tells which columns of a database an operation's adapter reads, for coverage; ``rows`` reads the rows
    that writes leave, for their effects.

    Raises:
        PlanError: the plan cannot be used at the start. (A bad plan later leaves the one in force.)
        StoreError: the journal cannot be opened.
    """
    source = PlanFile(plan_path, state)
    entries = Entries(source.load())
    journal = Journal.open(state.journal_url, key=state.journal_key())
    try:
        async with Client(body_bytes=entries.plan.capture.body_bytes) as client:
            coverage = Watch(journal)
            reload = partial(source.take_up, entries)
            worker = Worker(journal, entries, client, reload=reload, coverage=coverage, rows=rows)
            async with asyncio.TaskGroup() as group:
                watcher = group.create_task(source.watch(entries), name="plan watcher")
                contracts = coverage.follow(lambda: entries.plan, lambda plan: Sources(plan, plan_path.parent, columns))
                reader = group.create_task(contracts, name="contract reader")
                await worker.run(stop)
                watcher.cancel()
                reader.cancel()
            _log.info("worker stopped", finished=worker.finished, faults=worker.faults, purged=worker.purged)
    finally:
        entries.close()
        journal.close()
