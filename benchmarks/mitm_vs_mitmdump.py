"""The embedded engine, deciding, capturing and journaling every exchange, against stock mitmdump doing none of it.

Both on the same core in turns, the system (nginx) and the load (wrk, 16 connections) on the other.
"""

import statistics

from benchmarks._engines import cores, free_port, load, processes, write_plan

GOAL = 3.0
_TURNS = 5


def run() -> list[dict[str, object]]:
    """Requests per second; met where the ratio is reached and the p99 is no worse."""
    measured, others = cores()
    with processes() as running:
        system, ours, theirs = free_port(), free_port(), free_port()
        running.nginx(system, others)
        plan = write_plan(running.folder, system, system)
        running.engine(ours, plan, running.folder / "state", measured)
        running.mitmdump(theirs, system, measured)
        for port in (ours, theirs):
            load(port, others, seconds=1)
        turns = [(load(ours, others, seconds=3), load(theirs, others, seconds=3)) for _ in range(_TURNS)]
    ours_rps = statistics.median(our.rps for our, _ in turns)
    peer_rps = statistics.median(peer.rps for _, peer in turns)
    ours_p99 = statistics.median(our.p99_ms for our, _ in turns)
    peer_p99 = statistics.median(peer.p99_ms for _, peer in turns)
    errors = sum(our.errors for our, _ in turns)
    ratio = statistics.median(our.rps / peer.rps for our, peer in turns)
    return [
        {
            "name": "mitm_vs_mitmdump",
            "ours": round(ours_rps, 1),
            "peer": round(peer_rps, 1),
            "peer_name": "mitmdump -q, reverse, no addon (requests/s)",
            "ratio": round(ratio, 2),
            "goal": GOAL,
            "met": ratio >= GOAL and ours_p99 <= peer_p99 and errors == 0,
            "ours_p99_ms": ours_p99,
            "peer_p99_ms": peer_p99,
        }
    ]
