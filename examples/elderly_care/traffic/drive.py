"""Asking: paced, bounded, counted as a caller would count."""

import asyncio
import heapq
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from examples.elderly_care import population
from examples.elderly_care.population import SEED, Citizen
from examples.elderly_care.traffic.callers import MIX, Asked, Callers

Progress = Callable[[int, int], None]
"""Called with the requests answered and the failures among them, a few times a second."""

PROGRESS_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class TrafficReport:
    """What the callers saw. ``failures`` and ``by_operation`` count requests by operation."""

    requests: int
    seconds: float
    by_operation: Mapping[str, int]
    failures: Mapping[str, int]
    first_failures: tuple[str, ...]
    """In words, at most ten."""

    @property
    def failed(self) -> int:
        """All failures."""
        return sum(self.failures.values())


@dataclass(slots=True)
class _Run:
    """The state that a run's askers share. ``waiting`` is a heap of requests that others brought along, by due time."""

    callers: Callers
    limit: int | None
    ends_at: float
    interval_s: float
    stop: asyncio.Event
    next_at: float
    begun: int = 0
    done: int = 0
    waiting: list[tuple[float, int, Asked]] = field(default_factory=list)
    by_operation: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    first_failures: list[str] = field(default_factory=list)

    def follow(self, asked: Asked, now: float) -> None:
        """Note the requests that follow this one."""
        for after_s, later in asked.then:
            self._wait(later, now + after_s)

    def accompany(self, asked: Asked, now: float) -> None:
        """Note the requests that others ask while this one is under way."""
        for other in asked.beside:
            self._wait(other, now)

    def _wait(self, asked: Asked, due: float) -> None:
        self.begun += 1
        heapq.heappush(self.waiting, (due, self.begun, asked))

    def take(self, now: float) -> tuple[float, Asked] | None:
        """The next request and when it is due; ``None`` when there is no more."""
        if self.stop.is_set():
            return None
        if self.waiting and self.waiting[0][0] <= max(now, self.next_at):
            due, _, asked = heapq.heappop(self.waiting)
            return due, asked
        next_at = max(self.next_at + self.interval_s, now - 1.0)  # lost time is made good for a second only
        if (self.limit is not None and self.begun >= self.limit) or max(now, next_at) >= self.ends_at:
            if not self.waiting:
                return None
            due, _, asked = heapq.heappop(self.waiting)
            return due, asked
        self.begun += 1
        self.next_at = next_at
        return next_at, self.callers.draw()

    def count(self, asked: Asked, failure: str | None) -> None:
        """Count one answer."""
        self.done += 1
        self.by_operation[asked.operation] += 1
        if failure is not None:
            self.failures[asked.operation] += 1
            if len(self.first_failures) < 10:
                self.first_failures.append(f"{asked.operation}: {failure}")


async def drive(
    base_url: str,
    *,
    seed: int = SEED,
    requests: int | None = None,
    duration_s: float | None = None,
    rate_per_s: float | None = None,
    concurrency: int = 16,
    mix: Mapping[str, float] = MIX,
    citizens: Sequence[Citizen] | None = None,
    start: int = 0,
    timeout_s: float = 10.0,
    on_progress: Progress | None = None,
    stop: asyncio.Event | None = None,
) -> TrafficReport:
    """Ask until ``requests`` were asked, ``duration_s`` is over or ``stop`` is set, and wait for every answer.

    Reads beside and after a write count among the requests, and are still asked after the last: a run may be a few
    requests and 1.5 seconds longer than asked for.

    Args:
        base_url: the address that callers know, such as ``http://127.0.0.1:8080``.
        seed: of the dice; the same seed asks the same.
        requests: how many in all.
        duration_s: for how long, in seconds. Give this, ``requests``, or a ``stop`` to be set.
        rate_per_s: requests started per second at most; as fast as answers come where not given.
        concurrency: most requests under way at once.
        mix: weights by operation.
        citizens: whom to ask about; the default population where not given.
        start: how many citizens each operation skips.
        timeout_s: longest wait for one answer.
        on_progress: told a few times a second.
        stop: ends the run early.

    Raises:
        ValueError: nothing says when to end, or ``mix`` names an unknown operation.
    """
    if requests is None and duration_s is None and stop is None:
        raise ValueError("say requests, duration_s or stop: else it never ends")
    callers = Callers(list(population.citizens()) if citizens is None else citizens, seed, mix, start)
    began = time.monotonic()
    interval_s = 1 / rate_per_s if rate_per_s else 0.0
    ends_at = began + duration_s if duration_s is not None else float("inf")
    run = _Run(callers, requests, ends_at, interval_s, stop or asyncio.Event(), next_at=began - interval_s)
    async with (
        aiohttp.ClientSession(
            base_url,
            connector=aiohttp.TCPConnector(limit=concurrency),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session,
        asyncio.TaskGroup() as group,
    ):
        reporter = group.create_task(_report(run, on_progress), name="traffic progress")
        askers = [group.create_task(_asker(session, run), name=f"caller {n}") for n in range(concurrency)]
        await asyncio.wait(askers)
        reporter.cancel()
    if on_progress is not None:
        on_progress(run.done, run.failures.total())
    seconds = time.monotonic() - began
    return TrafficReport(run.done, seconds, run.by_operation, run.failures, tuple(run.first_failures))


async def _asker(session: aiohttp.ClientSession, run: _Run) -> None:
    while (taken := run.take(time.monotonic())) is not None:
        due, asked = taken
        wait_s = due - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        if run.stop.is_set():
            return
        run.accompany(asked, time.monotonic())
        failure = await _ask(session, asked)
        run.count(asked, failure)
        if failure is None:
            run.follow(asked, time.monotonic())


async def _ask(session: aiohttp.ClientSession, asked: Asked) -> str | None:
    """Ask once: what went wrong in the caller's eyes, or ``None``."""
    try:
        async with session.request(
            asked.method, asked.target, data=asked.body or None, headers=asked.headers, allow_redirects=False
        ) as answer:
            body = await answer.read()
            return is_failure(asked.operation, answer.status, answer.headers.get("content-type", ""), body)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return f"{type(error).__name__}: {error}"


async def _report(run: _Run, on_progress: Progress | None) -> None:
    while on_progress is not None:
        on_progress(run.done, run.failures.total())
        await asyncio.sleep(PROGRESS_EVERY_S)


def is_failure(operation: str, status: int, content_type: str, body: bytes) -> str | None:
    """Why a caller of this operation cannot use the answer, in a few words; ``None`` where it can.

    A SOAP fault, a JSON 404 and an XML error are answers. Pages of HTML and problem documents are not.
    """
    department = operation.partition(".")[0]
    kind = content_type.partition(";")[0].strip().lower()
    if department == "pensions":
        is_usable = kind == "text/xml" and (status == 200 or (status == 500 and b"Fault>" in body))
    elif department == "health":
        is_usable = kind == "application/json" and status in {200, 404}
    else:
        is_usable = kind == "text/xml" and status == 200
    return (
        None if is_usable else f"status {status}, {kind or 'no content type'}: {body[:120].decode('utf-8', 'replace')}"
    )
