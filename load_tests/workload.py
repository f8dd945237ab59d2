"""The traffic model: which operations callers use and how often, and real requests, out of the journal."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from strangler.errors import Refused
from strangler.exchange import Exchange, Headers, Request, digest
from strangler.stages import Effect

RECENT = 5_000
"""How many of the newest requests a workload is drawn from."""

_NOT_REPLAYED = frozenset({
    "connection", "content-length", "expect", "forwarded", "host", "keep-alive", "proxy-authorization",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "via", "x-forwarded-for", "x-forwarded-host",
    "x-forwarded-proto",
})  # fmt: skip
"""Fields of one hop (RFC 9110, 7.6.1), of forwarding, or made anew by the client that sends."""


class Requests(Protocol):
    """What a workload needs of the journal."""

    def requests(
        self, operation: str | None = None, effect: Effect | None = None, limit: int = 1000, since: float = 0.0
    ) -> Iterator[Exchange]:
        """The newest exchanges whose request is kept whole."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request that callers make, ready to be sent to either side; ``weight`` is how often it was seen."""

    method: str
    target: str
    headers: Headers
    body: bytes
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Workload:
    """The distinct requests of one operation with their weights. ``skipped`` counts those that cannot be sent again."""

    operation: str
    effect: Effect
    calls: tuple[Call, ...]
    skipped: int = 0

    def draw(self, size: int, seed: str) -> tuple[int, ...]:
        """The numbers of ``size`` calls, by weight; the same for the same seed."""
        weights = [call.weight for call in self.calls]
        draw = random.Random(seed)  # noqa: S311  a workload must repeat
        return tuple(draw.choices(range(len(self.calls)), weights, k=size))


@dataclass(frozen=True, slots=True)
class OperationShare:
    """One operation's part of the traffic. ``share`` is 0 to 1; ``distinct`` counts different requests."""

    operation: str
    effect: Effect
    requests: int
    distinct: int
    share: float


def workload(journal: Requests, operation: str, effect: Effect, limit: int = RECENT) -> Workload:
    """The operation's workload: its newest requests, each distinct one weighted by how often it came.

    Raises:
        Refused: the journal holds no request that could be sent again.
    """
    found: Counter[str] = Counter()
    calls: dict[str, Call] = {}
    skipped = 0
    for exchange in journal.requests(operation, effect, limit):
        call = _call(exchange.request)
        if call is None:
            skipped += 1
            continue
        identity = _identity(exchange.request)
        calls.setdefault(identity, call)
        found[identity] += 1
    if not calls:
        known = f" ({skipped} were too large to keep, or not addressed by a path)" if skipped else ""
        raise Refused(
            f"no data: the journal holds no {effect} request of {operation} that can be sent again{known}",
            ["send callers' traffic through the proxy first, or look at 'strangler load model'"],
        )
    # Oldest first by identity, so that the same journal gives the same workload.
    weighted = tuple(
        Call(calls[identity].method, calls[identity].target, calls[identity].headers, calls[identity].body, times)
        for identity, times in sorted(found.items())
    )
    return Workload(operation, effect, weighted, skipped)


def traffic_model(exchanges: Iterable[Exchange]) -> tuple[OperationShare, ...]:
    """The mix of operations in these exchanges, most used first."""
    seen: Counter[tuple[str, Effect]] = Counter()
    distinct: dict[tuple[str, Effect], set[str]] = {}
    for exchange in exchanges:
        which = (exchange.operation, exchange.effect)
        seen[which] += 1
        distinct.setdefault(which, set()).add(_identity(exchange.request))
    total = seen.total()
    return tuple(
        OperationShare(operation, effect, times, len(distinct[operation, effect]), times / total)
        for (operation, effect), times in sorted(seen.items(), key=lambda item: (-item[1], item[0]))
    )


def _call(request: Request) -> Call | None:
    """The request as it can be sent again; ``None`` where its body was not kept or its target names a host."""
    if request.body is None or not request.target.startswith("/"):
        return None
    kept = tuple(
        (name, value)
        for name, value in request.headers
        if name.lower() not in _NOT_REPLAYED and not name.lower().startswith("x-strangler-")
    )
    return Call(request.method, request.target, kept, request.body)


def _identity(request: Request) -> str:
    return digest(request.method.encode(), request.target.encode(), request.body or b"")
