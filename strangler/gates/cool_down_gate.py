"""Whether enough time passed since the operation was taken back by itself."""

from strangler.evidence import Result, Verdict
from strangler.gates.verdicts import is_past, no_data


def cool_down(taken_back_at: float, cool_down_s: float, now: float) -> Verdict:
    """Whether an operation may move forward again after the guard took it back: so that it does not flap.

    Args:
        taken_back_at: when that was the last time, in seconds since the epoch.
        cool_down_s: how long the plan wants it left alone.
        now: seconds since the epoch.
    """
    threshold = f"{cool_down_s:,.0f} s"
    if not is_past(taken_back_at, now) or not cool_down_s >= 0:
        return no_data("cool_down", "nobody knows how long ago it was taken back: a clock is wrong", threshold)
    since, value = now - taken_back_at, f"{now - taken_back_at:,.0f} s"
    if since >= cool_down_s:
        return Verdict("cool_down", Result.PASS, (), value, threshold)
    reason = f"it was taken back by itself {since:,.0f} s ago"
    return Verdict("cool_down", Result.HOLD, (reason,), value, threshold, f"{cool_down_s - since:,.0f} s more")
