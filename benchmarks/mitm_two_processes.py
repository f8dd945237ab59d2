"""Two engine processes on one port against one.

The load and the system need far less than an engine does, so on two cores they share them with it; 64 connections, so
that the kernel spreads them over both processes.
"""

import os
import statistics

from benchmarks._engines import free_port, load, processes, write_plan

GOAL = 1.6
_TURNS = 5


def run() -> list[dict[str, object]]:
    """Requests per second of two processes and of one."""
    everywhere = set(os.sched_getaffinity(0))
    with processes() as running:
        system, one, two = free_port(), free_port(), free_port()
        running.nginx(system, everywhere)
        plan = write_plan(running.folder, system, system)
        running.engine(one, plan, running.folder / "one", everywhere)
        running.engine(two, plan, running.folder / "two", everywhere, processes=2)
        for port in (one, two):
            load(port, everywhere, seconds=1, connections=64)
        turns = [
            (load(two, everywhere, seconds=3, connections=64), load(one, everywhere, seconds=3, connections=64))
            for _ in range(_TURNS)
        ]
    ratio = statistics.median(both.rps / single.rps for both, single in turns)
    return [
        {
            "name": "mitm_two_processes",
            "ours": round(statistics.median(both.rps for both, _ in turns), 1),
            "peer": round(statistics.median(single.rps for _, single in turns), 1),
            "peer_name": "one engine process (requests/s)",
            "ratio": round(ratio, 2),
            "goal": GOAL,
            "met": ratio >= GOAL and sum(load.errors for turn in turns for load in turn) == 0,
        }
    ]
