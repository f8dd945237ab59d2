"""From the event loop into the journal: a bounded queue, and a thread that writes in batches.

Offering never blocks and never raises. What does not fit, or cannot be written in time, is a loss: it is counted, and a
lost write leaves a gap, in the reserve while the journal itself cannot be written.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from strangler.errors import StranglerError
from strangler.exchange import Exchange, Reason
from strangler.journal import Loss
from strangler.stages import Effect

log = logging.getLogger(__name__)

BATCH = 500
FLUSH_EVERY_S = 0.05
RETRY_EVERY_S = 0.5
RECOVER_EVERY_S = 1.0
FOREVER = float("inf")
QUEUE_BYTES = 32 * 1024 * 1024
"""Most bytes of bodies that wait: the plan bounds the count, this the memory."""
MAX_LOSSES = 10_000
"""Lost writes kept one by one; beyond, they are counted together, without their keys."""


class JournalWriter(Protocol):
    """The part of the journal that is written here."""

    def append(self, exchanges: Sequence[Exchange]) -> None:
        """Store exchanges, all or none."""
        ...

    def record_losses(self, losses: list[Loss]) -> None:
        """Count losses."""
        ...


class Reserve(Protocol):
    """Where a lost write is noted while the journal cannot be written."""

    def add_loss(self, loss: Loss) -> bool:
        """Note a lost write."""
        ...

    def drain(self, journal: "JournalWriter") -> int:
        """Hand over what was noted."""
        ...


@dataclass(slots=True)
class Counters:
    """What became of the exchanges. ``lost`` includes those not yet told to the journal."""

    journaled: int = 0
    lost: int = 0
    retries: int = 0


class Capture:
    """The queue and its writer.

    Args:
        journal: where exchanges go.
        reserve: where lost writes are noted while the journal is down; may be ``None``.
        limit: most exchanges that wait.
        on_settled: told the slot of every exchange that was journaled or counted as lost.
        prepare: called in the writer's thread until it returns, before anything is written: it opens the journal.
        recover: called in the writer's thread while the journal can be written, until it says that what earlier
            engines left is counted. It never raises.
    """

    def __init__(
        self,
        journal: JournalWriter,
        reserve: Reserve | None,
        limit: int,
        on_settled: Callable[[int], None] = lambda _slot: None,
        *,
        prepare: Callable[[], object] = lambda: None,
        recover: Callable[[], bool] = lambda: True,
    ) -> None:
        self.counters = Counters()
        self._journal = journal
        self._reserve = reserve
        self._limit = limit
        self._on_settled = on_settled
        self._prepare = prepare
        self._is_prepared = False
        self._recover = recover
        self._recover_at = 0.0
        self._is_open = False
        self._queue: deque[tuple[Exchange, int]] = deque()
        self._bytes_in = 0
        self._bytes_out = 0
        self._batch: list[tuple[Exchange, int]] = []
        self._losses: dict[tuple[str, str | None, str, str], Loss] = {}
        self._lost_slots: list[int] = []
        self._lock = threading.Lock()
        self._is_down = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="strangler-journal-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def offer(self, exchange: Exchange, slot: int = -1) -> bool:
        """Queue an exchange for the journal; ``False`` where there was no room, which counts it as lost."""
        size = _size(exchange)
        if len(self._queue) >= self._limit or self._bytes_in - self._bytes_out + size > QUEUE_BYTES:
            self.lose(loss_of(exchange, "the queue to the journal was full"), slot)
            return False
        self._bytes_in += size
        self._queue.append((exchange, slot))
        return True

    def lose(self, loss: Loss, slot: int = -1) -> None:
        """Count a loss; the journal is told with the next batch, or the reserve at once where the journal is down."""
        is_write = loss.effect is Effect.WRITE
        with self._lock:
            self.counters.lost += loss.count
            if is_write and self._is_down and slot < 0 and self._note_gap(loss):
                return
            if slot >= 0:
                self._lost_slots.append(slot)
            key = loss.key if is_write and len(self._losses) < MAX_LOSSES else None
            self._add_loss(replace(loss, key=key))

    @property
    def depth(self) -> int:
        """How many exchanges wait."""
        return len(self._queue) + len(self._batch)

    @property
    def is_down(self) -> bool:
        """Whether the last attempt to write the journal failed."""
        return self._is_down

    @property
    def is_open(self) -> bool:
        """Whether the journal was opened, and what earlier engines left was looked at."""
        return self._is_open

    def stop(self, within_s: float = 10.0) -> None:
        """Write what waits, within this time; what could not be written is lost, and noted in the reserve."""
        self._stopping.set()
        self._thread.join(timeout=within_s)
        left = [*self._batch, *self._queue]
        self._batch, self._queue = [], deque()
        if self._thread.is_alive():
            log.error("the journal's writer did not end in time")
        for exchange, slot in left:
            self._is_down = True
            self.lose(loss_of(exchange, "the engine stopped while the journal could not be written"), slot)
        if left:
            log.error("%d exchanges were lost: the journal could not be written before the engine stopped", len(left))

    # -- the writer's thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            is_last = self._stopping.is_set()
            wrote = self._write_some()
            if is_last and (not wrote or self.depth == 0):
                return
            if wrote and len(self._queue) >= BATCH:
                continue
            self._stopping.wait(RETRY_EVERY_S if not wrote else FLUSH_EVERY_S)

    def _write_some(self) -> bool:
        """Write one batch and what was lost; whether the journal took it."""
        if not self._batch:
            self._batch = self._take()
        try:
            if not self._is_prepared:
                self._prepare()
                self._is_prepared = True
            if self._batch:
                self._append()
            self._tell_losses()
            if self._is_down and self._reserve is not None:
                self._reserve.drain(self._journal)
            if time.monotonic() >= self._recover_at:
                self._recover_at = FOREVER if self._recover() else time.monotonic() + RECOVER_EVERY_S
                self._is_open = True
        except Exception as error:  # noqa: BLE001  whatever it is, the writer goes on trying
            self._failed(error)
            return False
        if self._is_down:
            self._is_down = False
            log.warning("the journal can be written again")
        return True

    def _take(self) -> list[tuple[Exchange, int]]:
        taken: list[tuple[Exchange, int]] = []
        while self._queue and len(taken) < BATCH:
            taken.append(self._queue.popleft())
        return taken

    def _append(self) -> None:
        try:
            self._journal.append([exchange for exchange, _ in self._batch])
        except (StranglerError, OSError):
            raise  # the store: everything waits, nothing is lost yet
        except Exception:
            log.exception("a batch could not be journaled as a whole: trying its exchanges one by one")
            self._append_singly()
        else:
            self.counters.journaled += len(self._batch)
            self._settle(len(self._batch))

    def _append_singly(self) -> None:
        while self._batch:
            exchange, slot = self._batch[0]
            try:
                self._journal.append([exchange])
                self.counters.journaled += 1
                self._settle(1)
            except (StranglerError, OSError):
                raise
            except Exception as error:  # noqa: BLE001  this one exchange is at fault: it is lost, the others are not
                self._bytes_out += _size(exchange)
                del self._batch[:1]
                self.lose(loss_of(exchange, f"it could not be journaled: {type(error).__name__}"), slot)

    def _settle(self, count: int) -> None:
        for exchange, slot in self._batch[:count]:
            self._bytes_out += _size(exchange)
            self._on_settled(slot)
        del self._batch[:count]

    def _tell_losses(self) -> None:
        with self._lock:
            losses, self._losses = self._losses, {}
            slots, self._lost_slots = self._lost_slots, []
        if not losses:
            return
        try:
            self._journal.record_losses(list(losses.values()))
        except BaseException:
            with self._lock:
                self._lost_slots.extend(slots)
                for loss in losses.values():
                    self._add_loss(loss)
            raise
        for slot in slots:
            self._on_settled(slot)

    def _add_loss(self, loss: Loss) -> None:
        name = (loss.operation, loss.key, loss.entry, loss.why)
        before = self._losses.get(name)
        if before is None:
            self._losses[name] = loss
        else:
            self._losses[name] = replace(before, count=before.count + loss.count, at=min(before.at, loss.at))

    def _failed(self, error: Exception) -> None:
        self.counters.retries += 1
        if not self._is_down:
            log.error("the journal cannot be written; traffic goes on, exchanges wait: %s", error)
        self._is_down = True

    def _note_gap(self, loss: Loss) -> bool:
        """Note a lost write where a full disk or a dead database does not matter; whether that worked."""
        if self._reserve is None:
            return False
        try:
            self._reserve.add_loss(loss)
        except Exception:
            log.exception("a lost write of %s could not even be noted in the reserve", loss.operation)
            return False
        return True


def _size(exchange: Exchange) -> int:
    return len(exchange.request.body or b"") + len(exchange.answer.body or b"")


def loss_of(exchange: Exchange, why: str) -> Loss:
    """The loss of this exchange."""
    return Loss(
        exchange.operation,
        exchange.effect,
        Reason.NOT_JOURNALED,
        1,
        exchange.at or time.time(),
        exchange.key,
        exchange.entry,
        why,
    )
