"""What stands against any move: writes that may be missing, and the kill switch."""

from strangler.evidence import Evidence, Result, Verdict
from strangler.gates.verdicts import no_data


def gaps(evidence: Evidence) -> Verdict:
    """Whether every write of callers is in the journal, or reconciled."""
    count = evidence.gaps
    if not isinstance(count, int) or count < 0:
        return no_data("gaps", f"{count!r} is no number of gaps", "0")
    if count:
        reason = f"{count:,} writes of callers may be missing on the other side"
        return Verdict(
            "gaps", Result.HOLD, (reason,), f"{count:,}", "0", "reconcile their rows, then strangler gaps close"
        )
    return Verdict("gaps", Result.PASS, (), "0", "0")


def hold(held_by: str | None) -> Verdict:
    """Whether the kill switch is off for this operation; ``held_by`` says who set it and why."""
    if held_by is None:
        return Verdict("hold", Result.PASS, (), "off", "off")
    return Verdict("hold", Result.HOLD, (f"everything is held on old: {held_by}",), "on", "off", "release the hold")
