"""How many exchanges a second one worker takes from journal to stored outcome, on one core, both sides on loopback.

The exchanges (a read of 1 KB each, a thousand keys) are in the journal before the clock starts. The worker claims,
opens, asks new, asks old again for the plan's share of draws, compares, seals and stores, until the last outcome is in
the journal. The peer is a bare loop of the same HTTP client in the same event loop: as many requests under way at once
as the worker may have, each answer read whole, nothing done with it.

Both run in a process of their own on the same core, the systems on another; turns are interleaved, the figures are
medians, and the ratio is the median of the turns' ratios.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import uvloop

from benchmarks._answers import BODY, HEADERS
from benchmarks._engines import cores, free_port, processes, until_listening
from parity_checks.ask import Worker
from parity_checks.ask.client import Client
from parity_checks.ask.entries import Entries
from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Observation, Request
from strangler.journal import Journal
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage

GOAL = 0.3
GOAL_PER_S = 1_500.0
CONCURRENCY = 16
"""Requests under way at once: the plan's default for a system."""

_EXCHANGES = 8_000
_LONGEST_S = 120.0
_TURNS = 5
_KEY = bytes(32)
_ASKED = (
    ("Host", "records.local"),
    ("Accept", "application/json"),
    ("User-Agent", "caller/1.0"),
    ("X-Request-Id", "7d0a1f0e-3a51-4b5e-9c1f-000000000000"),
)


def plan_for(old: int, new: int) -> Plan:
    """A plan with one read between two systems."""
    system = {"department": "d", "speaks": "http", "build_header": "x-build-id", "concurrency": CONCURRENCY}
    operation = {
        "effect": "read",
        "match": {"method": "GET", "path": {"type": "PathPrefix", "value": "/records"}},
        "old": "old",
        "new": "new",
        "key": {"path": "^/records/([^/?]+)"},
        "compare": {"rules": [{"path": "$.weekly", "as": "set", "by": "from", "why": "old has no order"}]},
    }
    return Plan.model_validate(
        {
            "version": 1,
            "programme": "bench",
            "systems": {
                "old": {**system, "url": f"http://127.0.0.1:{old}"},
                "new": {**system, "url": f"http://127.0.0.1:{new}"},
            },
            "operations": {"records.get": operation},
        }
    )


def exchanges(plan: Plan, first: int, count: int, keys: int = 1_000) -> list[Exchange]:
    """Recorded exchanges of so many callers, answered by the old side."""
    entry, now = entry_digest(plan, "records.get"), time.time()
    made = []
    for number in range(first, first + count):
        key = f"{number % keys:06}"
        request = Request("GET", f"/records/{key}?page={number}", _ASKED)
        answer = Observation(Side.OLD, 200, HEADERS, BODY, len(BODY), None, now, 0.02, "b1")
        made.append(
            Exchange(
                f"x{number}", "records.get", Effect.READ, key, None, Stage.SHADOW, request, answer, Side.NEW, entry, now
            )
        )
    return made


async def _ours(port: int, folder: Path, count: int) -> float:
    plan = plan_for(port, port)
    with Journal.open(f"sqlite:///{folder}/journal.db", key=_KEY) as journal:
        for first in range(0, count, 500):
            journal.append(exchanges(plan, first, min(500, count - first)))
        stop = asyncio.Event()
        async with Client(body_bytes=plan.capture.body_bytes) as client:
            worker = Worker(journal, Entries(plan), client)
            started = time.perf_counter()
            running = asyncio.ensure_future(worker.run(stop))
            async with asyncio.timeout(_LONGEST_S):
                while worker.finished < count:  # noqa: ASYNC110  looked at from outside, as an operator would
                    await asyncio.sleep(0.005)
            took = time.perf_counter() - started
            stop.set()
            await running
        tally = {row.kind.value: row.count for row in journal.outcomes_count()}
    if tally != {"match": count}:
        raise AssertionError(f"not every exchange matched: {tally}")
    return took


async def _bare(port: int, _folder: Path, count: int) -> float:
    numbers = iter(range(count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False) as session:

        async def ask() -> None:
            for number in numbers:
                async with session.get(f"http://127.0.0.1:{port}/records/{number}", headers=_ASKED) as response:
                    await response.read()

        started = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(CONCURRENCY)))
        return time.perf_counter() - started


def _per_s(what: str, port: int, core: set[int], count: int) -> float:
    """One turn in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="strangler-bench-") as folder:
        cpu = ",".join(map(str, sorted(core)))
        command = ["taskset", "-c", cpu, sys.executable, "-m", "benchmarks.worker_rate", what, str(port), folder]
        done = subprocess.run([*command, str(count)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-2_000:])
        return count / float(done.stdout)


def run() -> list[dict[str, object]]:
    """Measure in turns. ``ours`` and ``peer`` are exchanges, and requests, a second."""
    measured, others = cores()
    with processes() as running:
        port = free_port()
        running.start([sys.executable, "-m", "benchmarks._answers", str(port)], others, name="answers")
        until_listening(port)
        turns: list[tuple[float, float]] = []
        for turn in range(_TURNS):
            order = ("ours", "bare") if turn % 2 else ("bare", "ours")
            rates = {what: _per_s(what, port, measured, _EXCHANGES) for what in order}
            turns.append((rates["ours"], rates["bare"]))
    ours, bare = (statistics.median(rates) for rates in zip(*turns, strict=True))
    ratio = statistics.median(our_rate / bare_rate for our_rate, bare_rate in turns)
    return [
        {
            "name": "worker_rate",
            "ours": round(ours, 1),
            "peer": round(bare, 1),
            "peer_name": f"bare aiohttp loop, requests/s (and at least {GOAL_PER_S:,.0f} exchanges/s)",
            "ratio": round(ratio, 3),
            "goal": GOAL,
            "met": ratio >= GOAL and ours >= GOAL_PER_S,
        }
    ]


def _turn(what: str, port: int, folder: Path, count: int) -> None:
    print(uvloop.run((_ours if what == "ours" else _bare)(port, folder, count)))


if __name__ == "__main__":
    _turn(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
