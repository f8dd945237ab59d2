"""Callers' 99th percentile in shadow with the new side hanging, against the new side healthy.

Two engines with a worker each: one's new side answers, the other's accepts and never says a word. They are measured in
turns, while both workers run.
"""

import json
import statistics
import sys
from pathlib import Path

from benchmarks._engines import Processes, cores, free_port, load, processes, until_listening, write_plan

GOAL = 1.1
_TURNS = 7


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


def run() -> list[dict[str, object]]:
    """Milliseconds at the 99th percentile."""
    _, others = cores()
    with processes() as running:
        old, new, mute = free_port(), free_port(), free_port()
        running.nginx(old, others)
        running.nginx(new, others)
        running.start([sys.executable, "-m", "benchmarks._sink", str(mute), "--hang"], others, name="mute")
        until_listening(mute)
        healthy = _estate(running, "healthy", old, new)
        hanging = _estate(running, "hanging", old, mute)
        for port in (healthy, hanging):
            load(port, others, seconds=2, connections=4)
        turns = [
            (load(hanging, others, seconds=3, connections=4), load(healthy, others, seconds=3, connections=4))
            for _ in range(_TURNS)
        ]
    ours = statistics.median(mute_side.p99_ms for mute_side, _ in turns)
    peer = statistics.median(well.p99_ms for _, well in turns)
    ratio = ours / peer
    return [
        {
            "name": "p99_new_hanging",
            "ours": ours,
            "peer": peer,
            "peer_name": "the new side healthy (p99, ms)",
            "ratio": round(ratio, 3),
            "goal": GOAL,
            "met": ratio <= GOAL and sum(load.errors for turn in turns for load in turn) == 0,
        }
    ]
