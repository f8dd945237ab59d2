"""Whether the present evidence has been gathered for long enough."""

from math import isfinite

from strangler.evidence import Evidence, Result, Verdict
from strangler.gates.soundness import damage_of_parity, missing, mixed
from strangler.gates.verdicts import no_data

RECENT_H = 1.0
"""The last comparison must be younger than this many hours, or than the soak itself where that is longer."""


def soak(evidence: Evidence, soak_h: float, now: float) -> Verdict:  # noqa: PLR0911  one return for each thing it says
    """Whether the present evidence has been gathered for long enough."""
    seen = evidence.parity
    threshold = f"{soak_h:g} h"
    absent = missing("soak", evidence, seen, threshold)
    if absent is not None or seen is None:
        return absent or no_data("soak", "nothing was compared", threshold)
    damage = damage_of_parity(seen, now)
    if damage:
        return no_data("soak", damage, threshold)
    if seen.heard_first_at is None or seen.heard_last_at is None:
        reason = "no caller's request was compared under the present fingerprint: replays and probes are no soak"
        return no_data("soak", reason, threshold)
    age_h = (now - seen.heard_first_at) / 3600
    if not (isfinite(soak_h) and age_h >= soak_h):
        left = soak_h - age_h
        reason = f"the first comparison of a caller's request under the present fingerprint was {age_h:.1f} h ago"
        return Verdict("soak", Result.HOLD, (reason,), f"{age_h:.1f} h", threshold, f"{left:.1f} h more")
    silent_h = (now - seen.heard_last_at) / 3600
    if silent_h > max(soak_h, RECENT_H):
        reason = f"the last comparison of a caller's request was {silent_h:.1f} h ago: nothing was seen since"
        return Verdict("soak", Result.HOLD, (reason,), f"{age_h:.1f} h", threshold, "traffic that is compared")
    doubt = mixed(seen)
    if doubt:
        return Verdict("soak", Result.HOLD, (doubt[0],), f"{age_h:.1f} h", threshold, doubt[1])
    return Verdict("soak", Result.PASS, (), f"{age_h:.1f} h", threshold)
