"""One production engine: Envoy as a child process, and in this one what it asks and tells."""

import asyncio
import logging
import os
import shutil
import socket
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import orjson

from proxy.envoy import binary, messages
from proxy.envoy.admin import Admin
from proxy.envoy.audit import STATS, Audit, by_operation
from proxy.envoy.bootstrap import LISTENER, Limits, Places
from proxy.envoy.deciding import Deciding, Decisions
from proxy.envoy.observing import Observing, Then
from proxy.envoy.publisher import Publisher
from proxy.envoy.routing import resources
from proxy.mitm.breaker import Breaker
from proxy.mitm.capture import Capture
from proxy.mitm.tables import Sources, Switch, Tables, Watcher
from strangler.errors import StoreError, StranglerError, UsageError
from strangler.exchange import Reason
from strangler.journal import Journal, Loss
from strangler.journal.crypto import Sealer
from strangler.journal.reserve import GapReserve
from strangler.state import StateFolder

log = logging.getLogger(__name__)

STARTS_WITHIN_S = 20.0
DRAIN_S = 10.0
STATUS_EVERY_S = 0.5
AUDIT_EVERY_S = 1.0
LAST_WORDS_S = 1.0
SOCKETS_PREFIX = "strangler-envoy-"
GENERATIONS = 64
"""How many route tables back an exchange may have been answered by."""
SPARE_S = 5.0
"""How much longer than the slowest system a request may take."""


class Engine:
    """The engine.

    Args:
        plan_path: the plan.
        state: the state folder.
        concurrency: Envoy's worker threads.
        environ: what the plan's ``${NAME}`` is filled from.

    Raises:
        PlanError: the plan cannot be used.
        StoreError: the journal cannot be opened.
        UsageError: Envoy is not installed.
    """

    def __init__(
        self, plan_path: Path, state: StateFolder, *, concurrency: int = 1, environ: Mapping[str, str] | None = None
    ) -> None:
        binary.find()
        self._state = state
        self._concurrency = concurrency
        self._port = 0
        self._sources = Sources(plan_path, state, os.environ if environ is None else environ)
        self._sources.changed()
        self.switch = Switch(self._sources.load())
        key = state.journal_key()
        self._journal = Journal.open(state.journal_url, key=key)
        self.counts: Counter[str] = Counter()
        self.capture = Capture(
            self._journal, _reserve(state, Sealer(key), self._journal), self.switch.current.plan.capture.queue
        )
        self._breaker = Breaker()
        self._audit = Audit()
        self.watcher = Watcher(self._sources, self.switch, self._renewed, lambda: None)
        self._generations: dict[int, Tables] = {}
        self._published = 0
        self._in_force = self.switch.current
        self.refused: str | None = None
        self._is_due = asyncio.Event()
        self._has_started = False
        self.servers: list[Any] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sockets: Path | None = None
        self._envoy: asyncio.subprocess.Process | None = None

    @property
    def status_file(self) -> Path:
        """What this engine says about itself, twice a second."""
        return self._state.path / f"engine-{os.getpid()}.json"

    @property
    def in_force(self) -> Tables:
        """The tables that Envoy's routes were made from."""
        return self._in_force

    @property
    def envoy_pid(self) -> int | None:
        """Envoy's process; ``None`` where it is not running."""
        return self._envoy.pid if self._envoy is not None and self._envoy.returncode is None else None

    @property
    def port(self) -> int:
        """The port that callers reach; 0 while it is not known."""
        return self._port

    async def run(self, host: str, port: int, stop: asyncio.Event) -> None:
        """Serve until told to stop; then let requests under way end, and journal what waits.

        Raises:
            UsageError: Envoy cannot listen there.
            TableRefused: Envoy refuses the plan.
            Refused: another one runs on this state folder: they would write the same files.
            StranglerError: Envoy ended by itself.
        """
        with self._state.lock("serve --engine envoy"):
            await self._run(host, port, stop)

    async def _run(self, host: str, port: int, stop: asyncio.Event) -> None:
        self._loop = asyncio.get_running_loop()
        folder = self._state.path / "envoy"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._sockets = sockets = _fresh_sockets(folder / "sockets")
        places = Places(host, port, folder, sockets)
        publisher = Publisher(places, _limits(self.switch.current))
        admin = Admin(places.admin)
        try:
            _refuse_taken(host, port)
            self.servers = await self._serve(places)
            await publisher.prepare(resources(self._next(), self._published))
            self.capture.start()
            self.watcher.start()
            self._has_started = True
            self._envoy = await binary.start(
                publisher.config, ("--concurrency", str(self._concurrency), "--log-level", "warn")
            )
            await self._until_ready(admin, host, port)
            log.info("listening on port %d, Envoy is process %d", self._port, self._envoy.pid)
            await self._keep(publisher, admin, stop)
        finally:
            await self._close(admin)

    # -- while it runs -----------------------------------------------------------------------------------------------

    async def _keep(self, publisher: Publisher, admin: Admin, stop: asyncio.Event) -> None:
        """Publish what changes and say how it goes, until told to stop or Envoy ends."""
        waits = [
            asyncio.create_task(self._publish_changes(publisher, admin), name="strangler-publisher"),
            asyncio.create_task(self._tell_status(), name="strangler-status"),
            asyncio.create_task(self._audit_now_and_then(admin), name="strangler-audit"),
            asyncio.create_task(stop.wait(), name="strangler-stop"),
            asyncio.create_task(self._ended(), name="strangler-envoy"),
        ]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _publish_changes(self, publisher: Publisher, admin: Admin) -> None:
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            tables = self._next()
            generation = self._published
            try:
                await publisher.publish(resources(tables, generation), admin)
            except (StranglerError, OSError) as error:
                self.refused = str(error)
                log.error("Envoy keeps the routes it has: %s", error)  # noqa: TRY400  the message is all there is
            else:
                self.refused = None
                self._in_force = tables

    def _next(self) -> Tables:
        tables = self.switch.current
        self._published += 1
        self._generations[self._published] = tables
        self._generations.pop(self._published - GENERATIONS, None)
        return tables

    def _renewed(self, operations: frozenset[str]) -> None:
        """The watcher's thread swapped the tables."""
        self._breaker.renew(operations)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._is_due.set)

    def _answered_by_new(self, tables: Tables, operation: str, *, has_failed: bool) -> None:
        self._breaker.began(operation)
        self._breaker.ended(operation, has_failed=has_failed)
        if not has_failed:
            return
        self.counts["new_failed"] += 1
        if self._breaker.is_spent(tables.plan, operation) and operation not in self.switch.current.tripped:
            self.switch.trip(operation)
            self._is_due.set()
            self.counts["tripped"] += 1
            log.error("%s: the new side failed too often; answered by old from now on", operation)

    async def _tell_status(self) -> None:
        while True:
            self._write_status()
            await asyncio.sleep(STATUS_EVERY_S)

    async def _audit_now_and_then(self, admin: Admin) -> None:
        while True:
            await asyncio.sleep(AUDIT_EVERY_S)
            with suppress(StranglerError):
                self._lose(self._audit.missing(by_operation(await admin.stats(STATS)), time.monotonic()))

    async def _audit_at_the_end(self, admin: Admin) -> None:
        """Envoy is drained: give what it says a moment to arrive, then count what did not."""
        try:
            answered = by_operation(await admin.stats(STATS))
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_S):
                    while not self._audit.is_even(answered):  # noqa: ASYNC110  Envoy's word is not ours to signal
                        await asyncio.sleep(0.02)
            self._lose(self._audit.missing(answered, time.monotonic(), is_last=True))
        except StranglerError as error:
            log.warning("Envoy's count of answers is not known: %s", error)

    def _lose(self, missing: Mapping[str, int]) -> None:
        entries = self.switch.current.table.entries
        for name, count in missing.items():
            entry = entries.get(name)
            if entry is None:
                continue  # a system's own paths, or an operation that the plan no longer has
            why = "Envoy answered it, and could not tell us"
            self.capture.lose(
                Loss(name, entry.effect, Reason.NOT_JOURNALED, count, time.time(), None, entry.digest, why)
            )
            log.error("%s: %d answers were not observed: counted as not journaled", name, count)

    async def _ended(self) -> None:
        if self._envoy is not None:
            code = await self._envoy.wait()
            raise StranglerError(f"Envoy ended by itself with {code}; its messages are above")

    def _write_status(self) -> None:
        tables = self.switch.current
        status = {
            "pid": os.getpid(),
            "engine": "envoy",
            "port": self._port,
            "at": time.time(),
            "requests": self.counts["requests"],
            "losses": self.capture.counters.lost,
            "journaled": self.capture.counters.journaled,
            "waiting": self.capture.depth,
            "journal_down": self.capture.is_down,
            "counts": dict(self.counts),
            "table": {"plan": tables.digest, "seq": tables.seq, "held": sorted(tables.held)},
            "tripped": sorted(tables.tripped),
            "broken_plan": self.watcher.broken or self.refused,
        }
        temporary = self.status_file.with_suffix(".tmp")
        try:
            temporary.write_bytes(orjson.dumps(status))
            temporary.replace(self.status_file)
        except OSError as error:
            log.warning("%s cannot be written: %s", self.status_file.name, error)

    # -- beginning and end -------------------------------------------------------------------------------------------

    async def _serve(self, places: Places) -> list[Any]:
        decisions = Decisions()
        deciding = Deciding(lambda: self.switch.current, decisions, self.counts)
        then = Then(lambda: self.switch.current, self._generations.get)
        observing = Observing(
            then, decisions, self.capture, self._answered_by_new, audit=self._audit, counts=self.counts
        )
        return [
            await _server(places.deciding, deciding.process, messages.write),
            await _server(places.observing, observing.process, bytes),
        ]

    async def _until_ready(self, admin: Admin, host: str, port: int) -> None:
        try:
            async with asyncio.timeout(STARTS_WITHIN_S):
                while not await self._is_listening(admin, host):
                    if self._envoy is None or self._envoy.returncode is not None:
                        raise UsageError(f"Envoy did not start on {host}:{port}; its messages are above")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise UsageError(f"Envoy did not listen on {host}:{port} within {STARTS_WITHIN_S:g} s") from None

    async def _is_listening(self, admin: Admin, host: str) -> bool:
        """Through the listener: Envoy calls itself ready before it has routes."""
        if not await admin.is_ready():
            return False
        self._port = await admin.port(LISTENER) or 0
        if not self._port:
            return False
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, self._port)
            writer.close()
            return True
        return False

    async def _close(self, admin: Admin) -> None:
        if self._has_started:
            await asyncio.to_thread(self.watcher.stop)
        if self._envoy is not None and self._envoy.returncode is None:
            await self._drain(admin)
            await self._audit_at_the_end(admin)
            self._envoy.terminate()
            try:
                async with asyncio.timeout(DRAIN_S):
                    await self._envoy.wait()
            except TimeoutError:
                log.error("Envoy did not end in time: killed")  # noqa: TRY400
                self._envoy.kill()
                await self._envoy.wait()
        await admin.close()
        for server in self.servers:
            await server.stop(grace=2.0)
        if self._has_started:
            await asyncio.to_thread(self.capture.stop)
        self._journal.close()
        self.status_file.unlink(missing_ok=True)
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)

    async def _drain(self, admin: Admin) -> None:
        """SIGTERM would cut off what is under way: wait for it first."""
        try:
            await admin.drain()
            async with asyncio.timeout(DRAIN_S):
                name = f"http.{LISTENER}.downstream_rq_active"
                while (await admin.stats(f"^{name}$")).get(name, 0):  # noqa: ASYNC110  Envoy tells nobody
                    await asyncio.sleep(0.05)
        except (StranglerError, TimeoutError) as error:
            log.warning("Envoy was not drained: %s", error or "requests were still under way")


def _refuse_taken(host: str, port: int) -> None:
    """Envoy would run on without its listener, and say so only in its log."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


async def _server(
    path: Path,
    process: Callable[[AsyncIterator[Any], object], AsyncIterator[Any]],
    write: Callable[[Any], bytes],
) -> Any:
    handler = grpc.stream_stream_rpc_method_handler(process, messages.read, write)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(messages.SERVICE, {messages.METHOD: handler}),)
    )
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    return server


def _fresh_sockets(link: Path) -> Path:
    """A private folder for sockets, with a short name (a socket's path has 108 bytes); a dead engine's goes."""
    if link.is_symlink():
        left = link.readlink()
        if left.name.startswith(SOCKETS_PREFIX):
            shutil.rmtree(left, ignore_errors=True)
        link.unlink()
    link.symlink_to(tempfile.mkdtemp(prefix=SOCKETS_PREFIX))
    return link.readlink()


def _limits(tables: Tables) -> Limits:
    slowest = max((system.timeout_s for system in tables.plan.systems.values()), default=30.0)
    return Limits(tables.plan.capture.body_bytes, slowest + SPARE_S)


def _reserve(state: StateFolder, sealer: Sealer, journal: Journal) -> GapReserve | None:
    """The reserve for lost writes, emptied of what an earlier run left; none where its room cannot be had."""
    try:
        reserve = GapReserve(state.gaps_file, sealer)
        reserve.drain(journal)
    except StoreError:
        log.exception("there is no reserve for lost writes")
        return None
    return reserve
