"""When requests start: open-model schedules. Pure.

An open model sends at its own times, whatever the servers do, as callers do. A latency counts from the *intended*
start, so a server that stalls is charged for everybody who had to wait (G. Tene, "How NOT to Measure Latency":
coordinated omission). Every schedule is an ascending tuple of offsets in seconds, within [0, duration).
"""

import math
import random
from dataclasses import dataclass

MOST_ARRIVALS = 200_000
"""Bound of one side's schedule."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One intended request: ``offset_s`` from the start of the run, the number of its call, and its own number."""

    offset_s: float
    call: int
    number: int


def count(rate_per_s: float, duration_s: float) -> int:
    """How many arrivals a rate makes in a time; at least one.

    Raises:
        ValueError: a rate or a duration that is not positive, or more arrivals than the bound.
    """
    if not (rate_per_s > 0 and duration_s > 0 and math.isfinite(rate_per_s * duration_s)):
        raise ValueError(f"{rate_per_s:g}/s for {duration_s:g} s: write a positive rate and a positive duration")
    arrivals = max(1, round(rate_per_s * duration_s))
    if arrivals > MOST_ARRIVALS:
        raise ValueError(
            f"{rate_per_s:g}/s for {duration_s:g} s are {arrivals} arrivals; at most {MOST_ARRIVALS}: lower one of them"
        )
    return arrivals


def poisson(rate_per_s: float, duration_s: float, seed: str) -> tuple[float, ...]:
    """Arrivals that know nothing of each other, as callers' do; the same for the same seed.

    It is a Poisson process given its count, which is a sorted sample of uniform times (Kingman, "Poisson Processes",
    2.4): so a run has exactly the number of requests that its budget says, on both sides.
    """
    draw = random.Random(seed)  # noqa: S311  a schedule must repeat
    size = count(rate_per_s, duration_s)
    return tuple(sorted(min(draw.random() * duration_s, math.nextafter(duration_s, 0)) for _ in range(size)))


def constant(rate_per_s: float, duration_s: float) -> tuple[float, ...]:
    """Arrivals at equal distances."""
    size = count(rate_per_s, duration_s)
    return tuple(number * duration_s / size for number in range(size))


def ramp(from_per_s: float, to_per_s: float, duration_s: float) -> tuple[float, ...]:
    """Arrivals whose rate goes evenly from one value to another.

    The n-th arrival is where the integral of the rate reaches n - 1/2: a t + (b - a) t² / 2d = n - 1/2.
    """
    size = count((from_per_s + to_per_s) / 2, duration_s)
    slope = (to_per_s - from_per_s) / duration_s
    area = (from_per_s + to_per_s) / 2 * duration_s
    offsets = []
    for number in range(size):
        wanted = (number + 0.5) * area / size
        root = math.sqrt(max(0.0, from_per_s * from_per_s + 2 * slope * wanted))
        offsets.append(2 * wanted / (from_per_s + root))
    return tuple(min(offset, math.nextafter(duration_s, 0)) for offset in offsets)


def warmed_up(rate_per_s: float, warm_up_s: float, offsets: tuple[float, ...], seed: str) -> tuple[float, ...]:
    """The schedule with a warm-up at its own rate before it; everything from ``warm_up_s`` on is measured."""
    before = poisson(rate_per_s, warm_up_s, f"{seed}:warm-up") if warm_up_s > 0 else ()
    return before + tuple(warm_up_s + offset for offset in offsets)
