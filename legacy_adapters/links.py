"""The gateway's links: one for each system, bounded in number and time, behind a breaker."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from legacy_adapters.breaker import Breaker
from legacy_adapters.contract import Reply, SystemDrifted, SystemRefused, SystemTimeout
from strangler.builds import UNKNOWN, BuildSource
from strangler.errors import SystemUnreachable
from strangler.exchange import Headers
from strangler.plan.addresses import system_url
from strangler.plan.models import Plan, System

T = TypeVar("T")

FRESH_S = 2.0
"""How long a system's build counts as known since a reply named it, in seconds; so often at most it is probed."""

PROBE_S = 2.0
"""Longest wait for a probe's answer, in seconds."""

WAIT_S = 0.5
"""Longest that an answer which is ready waits for a probe of a further system, in seconds."""

MOST_REPLY_BYTES = 16 * 1024 * 1024
"""Longer answers are refused: they are held in memory."""

MOST_AT_ONCE_BYTES = 1024 * 1024
"""Longer bodies are handed to the client in pieces, so that the event loop goes on in between."""

KEEP_ALIVE_S = 4.0
"""How long an idle connection is kept: shorter than common servers keep it (uvicorn: 5 s), so that they never close it
first, under a request of ours."""


class SystemLink:
    """Reaches one system (the contract's ``Link``). Belongs to one event loop; ``close`` it there.

    At most ``system.concurrency`` requests are under way. A request that finds no place within ``system.timeout_s`` is
    refused, and so is one that finds the breaker open. Work in threads cannot be stopped, only no longer waited for: it
    keeps its place until it is done, so that a hanging database never gets more threads than its places.
    """

    def __init__(self, name: str, system: System, client: aiohttp.ClientSession, breaker: Breaker) -> None:
        self.name = name
        self.system = system
        self.breaker = breaker
        self.source = BuildSource(None if system.speaks == "odbc" else system.build_header, system.build)
        self._known = self.source.name(None) if self.source.header is None else None
        self._known_at = self._probed_at = -math.inf
        self._probe: asyncio.Task[str | None] | None = None
        self._client = client
        self._base = system_url(system) if system.speaks != "odbc" else ""
        self._places = asyncio.Semaphore(system.concurrency)
        self._threads = ThreadPoolExecutor(system.concurrency, thread_name_prefix=f"{name}-")
        self._under_way: set[asyncio.Future[Any]] = set()

    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: Headers = (),
        body: bytes | None = None,
    ) -> Reply:
        """One HTTP request, as the contract's ``Link.request`` says."""
        if not self._base:
            raise SystemUnreachable(self.name, "it has no URL: it speaks ODBC, so use a record query")
        async with self._place():
            return await self._send(method, URL(self._base + target, encoded=True), headers, body)

    async def _send(self, method: str, url: URL, headers: Headers, body: bytes | None) -> Reply:
        limit = aiohttp.ClientTimeout(total=self.system.timeout_s)
        data = BytesIO(body) if body is not None and len(body) > MOST_AT_ONCE_BYTES else body
        try:
            async with self._client.request(
                method, url, headers=list(headers), data=data, timeout=limit, allow_redirects=False
            ) as response:
                content = await response.content.read(MOST_REPLY_BYTES + 1)
                while not response.content.at_eof() and len(content) <= MOST_REPLY_BYTES:
                    content += await response.content.read(MOST_REPLY_BYTES + 1 - len(content))
        except TimeoutError as error:
            raise SystemTimeout(self.name, f"no whole answer within {self.system.timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise SystemUnreachable(self.name, _why(error)) from error
        if len(content) > MOST_REPLY_BYTES:
            raise SystemDrifted(self.name, f"its answer is longer than {MOST_REPLY_BYTES} bytes")
        reply = Reply(response.status, tuple(response.headers.items()), content)
        self._learn(reply)
        return reply

    def _learn(self, reply: Reply) -> None:
        if self.source.header is None:
            return
        named = named_by(reply, self.source)
        if named is not None:
            self._known, self._known_at = named, time.monotonic()

    async def build_now(self) -> str | None:
        """The build that runs now, as the last reply named it; ``None`` where none ever did.

        After ``FRESH_S`` without a reply the system is probed, and waited for at most ``WAIT_S``. A probe that fails
        changes nothing: the build last known stays the best guess.
        """
        if self.source.header is None:
            return self._known
        is_due = time.monotonic() - max(self._known_at, self._probed_at) >= FRESH_S
        if is_due or (self._known is None and self._probe is not None):
            await asyncio.wait({self._probing(starts=is_due)}, timeout=WAIT_S)
        return self._known

    async def probe(self) -> str | None:
        """The build that its health page names now; ``None`` where it cannot tell. The breaker is left alone."""
        if self.source.header is None:
            return self._known
        probing = self._probing()
        await asyncio.wait({probing})
        return None if probing.cancelled() else probing.result()

    def _probing(self, *, starts: bool = True) -> "asyncio.Task[str | None]":
        """The probe under way, or else a new one (or, where none ``starts``, the last one)."""
        if self._probe is None or (starts and self._probe.done()):
            self._probed_at = time.monotonic()
            self._probe = asyncio.create_task(self._ask_health(), name=f"which build of {self.name} runs")
        return self._probe

    async def _ask_health(self) -> str | None:
        try:
            async with asyncio.timeout(PROBE_S):
                await self._take_place()
                try:
                    reply = await self._send("GET", URL(self._base + self.system.health, encoded=True), (), None)
                finally:
                    self._places.release()
        except (SystemUnreachable, TimeoutError):
            return None
        named = named_by(reply, self.source)
        if named is None and reply.status < 500:  # it is there and has no name; what replies named holds
            named = self._known = self._known or self.source.declared or UNKNOWN
        return named

    async def run(self, work: Callable[[], T]) -> T:
        """Blocking work in the system's threads, as the contract's ``Link.run`` says."""
        async with self._breaker():
            await self._take_place()
            try:
                future = asyncio.get_running_loop().run_in_executor(self._threads, work)
            except BaseException:
                self._places.release()
                raise
            self._watch(future)
            done, _ = await asyncio.wait({future}, timeout=self.system.timeout_s)
            if not done:
                raise SystemTimeout(self.name, f"not done within {self.system.timeout_s:g} s")
            return future.result()

    def _watch(self, future: "asyncio.Future[T]") -> None:
        """Keep the place until the thread is really done, and look at its error even if nobody waits any more."""

        def done(finished: "asyncio.Future[T]") -> None:
            self._places.release()
            self._under_way.discard(finished)
            if not finished.cancelled():
                finished.exception()

        self._under_way.add(future)
        future.add_done_callback(done)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        async with self._breaker():
            await self._take_place()
            try:
                yield
            finally:
                self._places.release()

    async def _take_place(self) -> None:
        try:
            async with asyncio.timeout(self.system.timeout_s):
                await self._places.acquire()
        except TimeoutError as error:
            message = f"all {self.system.concurrency} places stayed taken for {self.system.timeout_s:g} s"
            raise SystemRefused(self.name, message) from error

    @asynccontextmanager
    async def _breaker(self) -> AsyncIterator[None]:
        if not self.breaker.allows(time.monotonic()):
            raise SystemRefused(self.name, "not asked: it failed several times in a row, and is given a rest")
        try:
            yield
        except SystemRefused:
            raise
        except SystemDrifted:
            self.breaker.succeeded()  # wrong as the answer is, the system is there
            raise
        except SystemUnreachable:
            self.breaker.failed(time.monotonic())
            raise
        self.breaker.succeeded()

    async def close(self) -> None:
        """Stop taking work; what hangs in a thread is not waited for."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)


def named_by(reply: Reply, source: BuildSource) -> str | None:
    """The build that a reply names; as declared where no header tells it; ``None`` where the reply lacks the header."""
    return source.name(reply.header(source.header) if source.header is not None else None)


@asynccontextmanager
async def open_links(plan: Plan) -> AsyncIterator[Mapping[str, SystemLink]]:
    """A link for every system of the plan, over one HTTP client; closed at the end."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S)
    async with aiohttp.ClientSession(
        connector=connector,
        auto_decompress=True,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
    ) as client:
        links = {name: SystemLink(name, system, client, Breaker()) for name, system in plan.systems.items()}
        try:
            yield links
        finally:
            for link in links.values():
                await link.close()


def _why(error: Exception) -> str:
    """Why a connection failed, without the client's class names."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {error.host}:{error.port}: {error.os_error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    return str(error) or type(error).__name__
