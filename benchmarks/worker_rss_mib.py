"""How much a worker's memory grows over a million exchanges.

By hand: ``python -m benchmarks.worker_rss_mib COUNT``.

A worker in a process of its own is fed through the journal as an engine would feed it, and its resident memory is read
as it goes. ``make bench`` takes the growth over the last two thirds of some exchanges (caches are nearly full by then)
and says what a million would add at that slope; a whole million takes some ten minutes. Each exchange has a key and an
input of its own, so that whatever is kept by key, input or path would show.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
import psutil
import uvloop

from benchmarks._answers import BODY
from benchmarks._engines import cores, free_port, processes, until_listening
from benchmarks.worker_rate import exchanges, plan_for
from parity_checks.ask import Worker
from parity_checks.ask.client import Client
from parity_checks.ask.entries import Entries
from strangler.journal import Journal

GOAL = 32.0
"""MiB that a million exchanges may add."""

_COUNT = 120_000
_MILLION = 1_000_000
_READ_EVERY = 5_000
_WAITING = 2_000
_LONGEST_S = 3_600.0
_MIB = 1024 * 1024


async def _grow(port: int, folder: Path, count: int) -> list[tuple[int, float]]:
    """Resident MiB after so many exchanges."""
    plan = plan_for(port, port)
    process, seen = psutil.Process(), [(0, 0.0)]
    with Journal.open(f"sqlite:///{folder}/journal.db", key=bytes(32)) as journal:
        stop = asyncio.Event()
        async with Client(body_bytes=plan.capture.body_bytes) as client, asyncio.timeout(_LONGEST_S):
            worker = Worker(journal, Entries(plan), client)
            running = asyncio.ensure_future(worker.run(stop))
            given = 0
            while worker.finished < count:
                if given < count and given - worker.finished < _WAITING:
                    await asyncio.to_thread(journal.append, exchanges(plan, given, 500, keys=_MILLION))
                    given += 500
                if worker.finished - seen[-1][0] >= _READ_EVERY:
                    seen.append((worker.finished, process.memory_info().rss / _MIB))
                await asyncio.sleep(0.005)
            seen.append((worker.finished, process.memory_info().rss / _MIB))
            stop.set()
            await running
    return seen[1:]


def per_million(seen: list[tuple[int, float]]) -> float:
    """What a million exchanges add, by the slope (least squares) of the second half."""
    half = [(done, rss) for done, rss in seen if done >= seen[-1][0] / 2]
    middle_done = sum(done for done, _ in half) / len(half)
    middle_rss = sum(rss for _, rss in half) / len(half)
    spread = sum((done - middle_done) ** 2 for done, _ in half)
    return _MILLION * sum((done - middle_done) * (rss - middle_rss) for done, rss in half) / spread


def run(count: int = _COUNT) -> list[dict[str, object]]:
    """The growth in MiB for a million; the peer is what their answers' bodies alone would take."""
    measured, others = cores()
    with processes() as running, tempfile.TemporaryDirectory(prefix="strangler-bench-") as folder:
        port = free_port()
        running.start([sys.executable, "-m", "benchmarks._answers", str(port)], others, name="answers")
        until_listening(port)
        cpu = ",".join(map(str, sorted(measured)))
        command = ["taskset", "-c", cpu, sys.executable, "-m", "benchmarks.worker_rss_mib", "run", str(port), folder]
        done = subprocess.run([*command, str(count)], capture_output=True, text=True, check=True)
    grown = per_million([(int(at), float(rss)) for at, rss in orjson.loads(done.stdout)])
    bodies = _MILLION * len(BODY) / _MIB
    return [
        {
            "name": "worker_rss_mib",
            "ours": round(grown, 1),
            "peer": round(bodies, 1),
            "peer_name": f"the answers themselves (MiB a million); slope of {count // 2:,} to {count:,}",
            "ratio": round(grown / bodies, 4),
            "goal": GOAL,
            "met": grown <= GOAL,
        }
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        started = time.perf_counter()
        found = uvloop.run(_grow(int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
        print(orjson.dumps(found).decode())
        print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)
    else:
        print(run(*map(int, sys.argv[1:2])))
