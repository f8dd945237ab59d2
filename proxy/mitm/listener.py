"""The listening socket, the connections on it, and idle connections to systems kept for the next caller."""

import asyncio
import logging
import socket
import time
from collections import deque
from collections.abc import Coroutine

from mitmproxy.options import Options

from proxy.mitm.connection import CallerConnection, SystemProtocol
from proxy.mitm.layers import Addon

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 0.05
IDLE_S = 75.0
"""How long a caller's connection may stand idle, or a request's head and body may stall."""
POOL_SIZE = 64
"""Most idle connections kept for each system."""
POOL_IDLE_S = 15.0
BACKLOG = 1024

Address = tuple[str, int, bool]


class Pool:
    """Idle connections to systems, newest first: a system that is used less gets fewer."""

    def __init__(self) -> None:
        self._idle: dict[Address, deque[tuple[float, SystemProtocol]]] = {}

    def take(self, address: Address) -> SystemProtocol | None:
        """A connection that can be used now, or ``None``."""
        idle = self._idle.get(address)
        while idle:
            since, protocol = idle.pop()
            if time.monotonic() - since < POOL_IDLE_S and protocol.is_usable():
                return protocol
            _abort(protocol)
        return None

    def keep(self, address: Address, protocol: SystemProtocol) -> None:
        """Keep a connection for the next caller."""
        idle = self._idle.setdefault(address, deque())
        idle.append((time.monotonic(), protocol))
        if len(idle) > POOL_SIZE:
            _abort(idle.popleft()[1])

    def sweep(self, now: float) -> None:
        """Close what was idle for too long."""
        for idle in self._idle.values():
            while idle and now - idle[0][0] > POOL_IDLE_S:
                _abort(idle.popleft()[1])

    def close(self) -> None:
        """Close them all."""
        for idle in self._idle.values():
            while idle:
                _abort(idle.pop()[1])


class Listener:
    """Accepts callers until it is drained.

    Args:
        addon: what every exchange is told to.
        options: mitmproxy's options, for its layers.
    """

    def __init__(self, addon: Addon, options: Options) -> None:
        self.addon = addon
        self.connections: set[CallerConnection] = set()
        self.pool = Pool()
        self._options = options
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def listen(self, sock: socket.socket) -> None:
        """Accept callers on this bound socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: CallerConnection(self, self._options), sock=sock, backlog=BACKLOG
        )
        self._sweeper = loop.create_task(self._sweep(), name="strangler-sweep")

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run a task that this listener owns: it is cancelled when the listener closes."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, within_s: float) -> None:
        """Accept nobody else, let the requests under way be answered within this time, then close everything."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.drain()
        end = time.monotonic() + within_s
        while self.connections and time.monotonic() < end:  # noqa: ASYNC110  many small ends, one bound
            await asyncio.sleep(0.02)
        if self.connections:
            log.warning("%d connections were cut after %g seconds", len(self.connections), within_s)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)
        for task in (*self._tasks, *([self._sweeper] if self._sweeper else [])):
            task.cancel()
        await asyncio.sleep(0)
        self.pool.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            now = time.monotonic()
            for connection in list(self.connections):
                connection.sweep(now, IDLE_S)
            self.pool.sweep(now)


def bound_socket(host: str, port: int, *, is_shared: bool) -> socket.socket:
    """A socket bound to this address; ``is_shared`` lets several processes listen on it (SO_REUSEPORT).

    Raises:
        OSError: the address is taken, or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def _abort(protocol: SystemProtocol) -> None:
    if protocol.transport is not None:
        protocol.transport.abort()
