"""One engine process: tables, queue, addon, master and listener put together, and taken apart again in order."""

import asyncio
import gc
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import orjson

from proxy.mitm.addon import Passing
from proxy.mitm.afloat import Afloat, salvage
from proxy.mitm.breaker import Breaker
from proxy.mitm.capture import Capture
from proxy.mitm.late_journal import LateJournal
from proxy.mitm.listener import Listener, bound_socket
from proxy.mitm.master import LeanMaster
from proxy.mitm.tables import Sources, Switch, Watcher
from strangler.errors import StoreError, StranglerError, UsageError
from strangler.journal import Journal
from strangler.journal.crypto import Sealer
from strangler.journal.reserve import GapReserve
from strangler.state import StateFolder

log = logging.getLogger(__name__)

DRAIN_S = 10.0
STATUS_EVERY_S = 0.5
SWITCH_INTERVAL_S = 0.001
"""How long the journal's writer may keep the interpreter from the event loop; CPython's own is 5 ms."""


class Engine:
    """One process of the embedded engine.

    Args:
        plan_path: the plan.
        state: the state folder.
        processes: how many engines share the port.
        environ: what the plan's ``${NAME}`` is filled from.

    It starts whatever is broken of ours: from the last good plan, without a journal (which is tried again), without
    notes of what is afloat. What is missing is logged, and told in the status file.

    Raises:
        PlanError: the plan cannot be used, and none ever could.
    """

    def __init__(
        self, plan_path: Path, state: StateFolder, *, processes: int = 1, environ: Mapping[str, str] | None = None
    ) -> None:
        self._state = state
        self._port = 0
        self._ticked_at = 0.0
        self._is_recovery_late = False
        self._sources = Sources(plan_path, state, os.environ if environ is None else environ)
        self.switch = Switch(self._sources.start())
        plan = self.switch.current.plan
        self._sealer = _sealer(state)
        self._reserve = _reserve(state, self._sealer)
        self._forget_dead()
        self._afloat = _afloat(state, plan.capture.queue, self._sealer)
        self._journal = LateJournal(state)
        self.capture = Capture(
            self._journal,
            self._reserve,
            plan.capture.queue,
            self._afloat.clear if self._afloat is not None else _nothing_noted,
            prepare=self._journal.opened,
            recover=self._recover,
        )
        self.breaker = Breaker(processes)
        self.addon = Passing(self.switch, self.capture, self.breaker, self._afloat)
        self.listener: Listener | None = None
        self.watcher = Watcher(self._sources, self.switch, self.breaker.renew, self._tick)

    @property
    def status_file(self) -> Path:
        """What this process says about itself, twice a second."""
        return self._state.path / f"engine-{os.getpid()}.json"

    async def run(self, sock: socket.socket, stop: asyncio.Event) -> None:
        """Serve on the bound socket until told to stop; then answer what is under way and journal what waits."""
        self._port = sock.getsockname()[1]
        master = LeanMaster(self.addon, asyncio.get_running_loop())
        listener = self.listener = Listener(self.addon, master.options)
        self.capture.start()
        await listener.listen(sock)
        self.watcher.start()
        self._write_status()

        log.info("listening on port %d, process %d", self._port, os.getpid())
        try:
            await stop.wait()
        finally:
            await listener.drain(DRAIN_S)
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self.watcher.stop()
        self.capture.stop()
        if self._afloat is not None:
            self._afloat.close()
        self._journal.close()
        self.status_file.unlink(missing_ok=True)

    def _recover(self) -> bool:
        """Count what earlier engines left in the reserve and afloat; whether all of it is counted."""
        try:
            journal = self._journal.opened()
            if self._reserve is not None:
                self._reserve.drain(journal)
            if self._sealer is not None:
                salvage(self._state.path, self._sealer, partial(_is_journaled, journal), journal.record_losses)
        except Exception as error:  # noqa: BLE001  it is tried again; nothing of it may stop the journal's writer
            if not self._is_recovery_late:
                log.error("what earlier engines left cannot be counted yet, and is tried again: %s", error)  # noqa: TRY400
            self._is_recovery_late = True
            return False
        return True

    def _forget_dead(self) -> None:
        """Remove what engines that were killed had said about themselves."""
        for path in self._state.path.glob("engine-*.json"):
            pid = path.stem.removeprefix("engine-")
            if pid.isdecimal() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
                path.unlink(missing_ok=True)

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self._ticked_at >= STATUS_EVERY_S:
            self._ticked_at = now
            self._write_status()

    def _write_status(self) -> None:
        tables = self.switch.current
        counters = self.capture.counters
        status = {
            "pid": os.getpid(),
            "port": self._port,
            "at": time.time(),
            "requests": self.addon.counts["requests"],
            "losses": counters.lost,
            "journaled": counters.journaled,
            "waiting": self.capture.depth,
            "journal_down": self.capture.is_down,
            "unnoted": self._afloat.unnoted if self._afloat is not None else self.addon.counts["requests"],
            "counts": dict(self.addon.counts),
            "table": {"plan": tables.digest, "seq": tables.seq, "held": sorted(tables.held)},
            "tripped": sorted(tables.tripped),
            "broken_plan": self.watcher.broken,
        }
        temporary = self.status_file.with_suffix(".tmp")
        try:
            temporary.write_bytes(orjson.dumps(status))
            temporary.replace(self.status_file)
        except OSError as error:
            log.warning("%s cannot be written: %s", self.status_file.name, error)


def run_engine(plan_path: Path, state: StateFolder, host: str, port: int, *, processes: int = 1) -> None:
    """Run one engine in this process until SIGTERM or SIGINT.

    Raises:
        PlanError: it cannot start.
        UsageError: the address cannot be listened on.
    """
    engine = Engine(plan_path, state, processes=processes)
    try:
        sock = bound_socket(host, port, is_shared=processes > 1)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    _settle_memory()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_told(engine, sock, os.getppid() if processes > 1 else 0))


async def _until_told(engine: Engine, sock: socket.socket, parent: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    orphaned = loop.create_task(_stop_when_orphaned(parent, stop), name="strangler-parent") if parent else None
    await engine.run(sock, stop)
    if orphaned is not None:
        orphaned.cancel()


async def _stop_when_orphaned(parent: int, stop: asyncio.Event) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110  the kernel tells nobody that a parent has died
        await asyncio.sleep(1)
    log.warning("the supervisor is gone: this engine stops")
    stop.set()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # pragma: no cover  not on Windows
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _settle_memory() -> None:
    """What was imported stays: keep the collector from walking it, and let it walk the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def _sealer(state: StateFolder) -> Sealer | None:
    """What seals callers' keys; none where the journal's key cannot be had."""
    try:
        return Sealer(state.journal_key())
    except (StranglerError, OSError, ValueError) as error:
        log.error("NOTHING IS JOURNALED: the journal's key cannot be had: %s", error)  # noqa: TRY400
        return None


def _reserve(state: StateFolder, sealer: Sealer | None) -> GapReserve | None:
    """The reserve; none where its room cannot be had."""
    try:
        return GapReserve(state.gaps_file, sealer)
    except (StoreError, OSError):
        log.exception("there is no reserve for lost writes")
        return None


def _afloat(state: StateFolder, queue: int, sealer: Sealer | None) -> Afloat | None:
    """The notes of what is under way; none where their room cannot be had: then a kill is not counted exactly."""
    if sealer is None:
        return None
    # A name of its own: in a container every engine may have the same process id, and the dead one's notes stay.
    path = state.path / f"afloat-{os.getpid()}-{secrets.token_hex(4)}.bin"
    try:
        return Afloat(path, queue + 1024, sealer)
    except (OSError, ValueError) as error:
        log.error("what is under way cannot be noted, so a kill of this engine would not be counted: %s", error)  # noqa: TRY400
        return None


def _nothing_noted(_slot: int) -> None:
    """There are no notes to clear."""


def _is_journaled(journal: Journal, exchange_id: str) -> bool:
    try:
        journal.exchange(exchange_id)
    except UsageError:
        return False
    return True
