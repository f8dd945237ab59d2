"""Callers' 99th percentile in shadow with the new side hanging, against the new side healthy.

Two engines with a worker each: one's new side answers, the other's accepts and never says a word. Both get the same
paced load at the same time, request by request in turns, so that whatever else the machine does disturbs both alike.
"""

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

from benchmarks._engines import BODY, Processes, cores, free_port, processes, until_listening, write_plan

GOAL = 1.1
_RATE = 100.0
"""Requests per second, to each engine."""
_CALLERS = 10
_WINDOW_S = 6.0
_WINDOWS = 5


def _estate(running: Processes, name: str, old: int, new: int) -> int:
    """An engine and a worker in shadow; the engine's port."""
    measured, others = cores()
    folder: Path = running.folder / name
    state = folder / "state"
    state.mkdir(parents=True)
    plan = write_plan(folder, old, new)
    (state / "rollouts.json").write_text(json.dumps({"seq": 1, "rollouts": {"records.get": {"shadow": "100"}}}))
    port = free_port()
    running.engine(port, plan, state, measured)
    running.start([sys.executable, "-m", "parity_checks", str(plan), str(state)], others, name=f"worker-{name}")
    return port


async def _calls(port: int, at: list[float], latencies: list[float]) -> None:
    """Send one request at each of these times, on one connection; latencies count from the time it was due."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for due in at:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        writer.write(b"GET /records/7 HTTP/1.1\r\nHost: bench\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise AssertionError(head)
        await reader.readexactly(len(BODY))
        latencies.append((time.perf_counter() - due) * 1000)
    writer.close()


async def _window(ports: tuple[int, int]) -> tuple[list[float], list[float]]:
    """Both engines under the same paced load at the same time; milliseconds of every request."""
    start = time.perf_counter() + 0.1
    latencies: tuple[list[float], list[float]] = ([], [])
    calls = []
    for side, port in enumerate(ports):
        for number in range(_CALLERS):
            offset = (2 * number + side) / (2 * _RATE)
            at = [start + offset + tick * _CALLERS / _RATE for tick in range(int(_WINDOW_S * _RATE / _CALLERS))]
            calls.append(_calls(port, at, latencies[side]))
    await asyncio.gather(*calls)
    return latencies


def _p99(latencies: list[float]) -> float:
    return statistics.quantiles(latencies, n=100)[98]


def run() -> list[dict[str, object]]:
    """Milliseconds at the 99th percentile: medians of windows, and the median of their ratios."""
    _, others = cores()
    with processes() as running:
        old, new, mute = free_port(), free_port(), free_port()
        running.nginx(old, others)
        running.nginx(new, others)
        running.start([sys.executable, "-m", "benchmarks._sink", str(mute), "--hang"], others, name="mute")
        until_listening(mute)
        healthy = _estate(running, "healthy", old, new)
        hanging = _estate(running, "hanging", old, mute)
        asyncio.run(_window((hanging, healthy)))
        windows = [asyncio.run(_window((hanging, healthy))) for _ in range(_WINDOWS)]
    ours, peers = ([_p99(window[side]) for window in windows] for side in (0, 1))
    ratio = statistics.median(our / peer for our, peer in zip(ours, peers, strict=True))
    return [
        {
            "name": "p99_new_hanging",
            "ours": round(statistics.median(ours), 2),
            "peer": round(statistics.median(peers), 2),
            "peer_name": "the new side healthy (p99, ms)",
            "ratio": round(ratio, 3),
            "goal": GOAL,
            "met": ratio <= GOAL,
        }
    ]
