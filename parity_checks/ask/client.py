"""Asks one side what the caller asked: the same request, bounded, without redirects, retries or decompression."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from strangler.builds import BuildSource
from strangler.exchange import Failure, Headers, Observation, Request
from strangler.plan.models import System
from strangler.stages import Side

_NOT_SENT_ON = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
        "expect",
    }
)
"""Fields that belong to one connection (RFC 9110, 7.6.1), or that the client writes itself."""


_UNTOLD = BuildSource(None, None)


@dataclass(frozen=True, slots=True)
class Asking:
    """One request to be put to one side. ``is_unrepeatable`` must never be sent twice: a write without a guard."""

    side: Side
    system: str
    url: str
    request: Request
    extra: Headers = ()
    is_unrepeatable: bool = False
    builds: BuildSource = _UNTOLD
    tried_again_after: frozenset[Failure] = frozenset({Failure.UNREACHABLE, Failure.RESET})


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of it. ``was_sent`` is false only where surely nothing reached the system.

    ``note`` is what is to be said of the request that was put; empty where it was the caller's in every respect that
    matters.
    """

    observation: Observation
    was_sent: bool = True
    note: str = ""


class Client:
    """One pool of connections for all systems; each system's share is bounded by whoever calls."""

    def __init__(self, *, body_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self.body_bytes = body_bytes
        self._clock = clock
        self._pooled = self._session(is_fresh=False)
        self._fresh = self._session(is_fresh=True)

    @staticmethod
    def _session(*, is_fresh: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, force_close=is_fresh, ttl_dns_cache=10)
        return aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE),
            timeout=aiohttp.ClientTimeout(total=None),
            max_line_size=65_536,
            max_field_size=65_536,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pooled.close()
        await self._fresh.close()

    async def ask(self, asking: Asking, system: System) -> Asked:
        """Ask once; an answer or a named failure, never an exception."""
        at, started = self._clock(), time.perf_counter()
        was_sent = True
        failure: Failure
        try:
            async with asyncio.timeout(system.timeout_s):
                return await self._answer(asking, at, started)
        except TimeoutError:
            failure = Failure.TIMEOUT
        except aiohttp.ClientConnectorError:
            failure, was_sent = Failure.UNREACHABLE, False
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError, OSError):
            failure = Failure.RESET
        except (aiohttp.ClientError, ValueError):
            failure = Failure.PROTOCOL
        took = time.perf_counter() - started
        return Asked(
            Observation(
                asking.side,
                None,
                failure=failure,
                at=at,
                duration_s=took,
                body=None,
                build=asking.builds.name(None),
            ),
            was_sent,
        )

    async def _answer(self, asking: Asking, at: float, started: float) -> Asked:
        request = asking.request
        # An unrepeatable write gets a connection of its own: a pooled one may be closing, and then nobody knows.
        session = self._fresh if asking.is_unrepeatable else self._pooled
        async with session.request(
            request.method,
            URL(asking.url + request.target, encoded=True),
            headers=sent_headers(request.headers, asking.extra),
            data=request.body or None,
            allow_redirects=False,
        ) as response:
            body, size = await self._body(response)
            took = time.perf_counter() - started
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers)
            told = response.headers.get(asking.builds.header) if asking.builds.header else None
            build = asking.builds.name(told)
            seen = Observation(asking.side, response.status, headers, body, size, at=at, duration_s=took, build=build)
            return Asked(seen)

    async def _body(self, response: aiohttp.ClientResponse) -> tuple[bytes | None, int]:
        """The body, or ``None`` and what is known of its size where it passes the bound."""
        declared = response.content_length or 0
        if declared > self.body_bytes and response.method != "HEAD":
            response.close()
            return None, declared
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > self.body_bytes:
                response.close()
                return None, size
        return b"".join(chunks), size


def sent_headers(headers: Headers, extra: Headers) -> CIMultiDict[str]:
    """The caller's own fields as they were, without those of its connection or forged ones of ours; then ours."""
    dropped = _NOT_SENT_ON
    named = [value for name, value in headers if name.lower() == "connection"]
    if named:
        dropped = dropped | {option.strip().lower() for value in named for option in value.split(",")}
    sent: CIMultiDict[str] = CIMultiDict()
    for name, value in headers:
        lowered = name.lower()
        if lowered not in dropped and not lowered.startswith("x-strangler-"):
            sent.add(name, value)
    for name, value in extra:
        sent[name] = value
    return sent
