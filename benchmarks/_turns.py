"""Interleaved turns: ours and the peers measured one after the other, again and again, so that noise hits all alike."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping

TURNS = 15
_TURN_S = 0.02
"""Least time of one measurement of the quick ones."""

Work = Callable[[], object]


def _runs(work: Work) -> int:
    start = time.perf_counter()
    work()
    return max(1, int(_TURN_S / max(time.perf_counter() - start, 1e-7)))


def _rate(work: Work, runs: int) -> float:
    gc.collect()
    start = time.perf_counter()
    for _ in range(runs):
        work()
    return runs / (time.perf_counter() - start)


def rows(
    name: str, ours: Work, peers: Mapping[str, tuple[Work, float | None]], turns: int = TURNS
) -> list[dict[str, object]]:
    """One row for each peer: rates a second, medians; the ratio is the median of the turns' ratios.

    ``peers`` are what is measured beside ours, and how many times its rate ours must reach (``None``: any).
    """
    works = {"": ours, **{peer: work for peer, (work, _) in peers.items()}}
    runs = {peer: _runs(work) for peer, work in works.items()}
    rates: dict[str, list[float]] = {peer: [] for peer in works}
    for turn in range(turns):
        for peer in works if turn % 2 else reversed(works):
            rates[peer].append(_rate(works[peer], runs[peer]))
    return [_row(name, rates[""], peer, rates[peer], goal) for peer, (_, goal) in peers.items()]


def _row(name: str, ours: list[float], peer: str, peers: list[float], goal: float | None) -> dict[str, object]:
    ratio = statistics.median(our / their for our, their in zip(ours, peers, strict=True))
    return {
        "name": name,
        "ours": round(statistics.median(ours), 1),
        "peer": round(statistics.median(peers), 1),
        "peer_name": f"{peer}, a second",
        "ratio": round(ratio, 3),
        "goal": goal,
        "met": goal is None or ratio >= goal,
    }
