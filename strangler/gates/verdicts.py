"""What every gate says in the same way."""

from collections.abc import Iterable
from math import isfinite

from strangler.evidence import Result, Verdict


def may_move(verdicts: Iterable[Verdict]) -> bool:
    """Whether every gate passed."""
    return all(verdict.result is Result.PASS for verdict in verdicts)


def no_data(gate: str, reason: str, threshold: str, more: Iterable[str] = (), remedy: str = "") -> Verdict:
    """The verdict where nothing shows anything."""
    return Verdict(gate, Result.NO_DATA, (reason, *more), "no data", threshold, remedy or "traffic that is compared")


def is_past(at: float, now: float) -> bool:
    """Whether a time lies behind us; no damaged one does."""
    return isfinite(at) and isfinite(now) and 0 < at <= now


def rounded(seconds: float) -> str:
    """A length of time as people say it: minutes up to two hours, hours up to two days, then days."""
    for unit, name, most in ((60, "min", 7_200), (3_600, "h", 172_800)):
        if seconds < most:
            return f"{max(1, round(seconds / unit))} {name}"
    return f"{round(seconds / 86_400):,} days"


def percent(ratio: float) -> str:
    """A share as people read it."""
    return f"{ratio * 100:.3g} %"
