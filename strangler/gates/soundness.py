"""Whether parity evidence can be read at all: damaged figures, and figures of two builds mixed."""

from collections.abc import Iterable

from strangler.evidence import Counts, Evidence, NoiseEvidence, ParityEvidence, Result, RuleLimit, Verdict
from strangler.exchange import OutcomeKind
from strangler.gates.verdicts import is_past, no_data

ALONE_RATIO = 0.5
"""Where another build answered in between, the present one must have gathered this share of its evidence since."""


def missing(gate: str, evidence: Evidence, seen: ParityEvidence | None, threshold: str) -> Verdict | None:
    """What to say where nothing was compared under the present fingerprint; ``None`` where something was."""
    if seen is None:
        return no_data(gate, "nothing was compared", threshold)
    if seen.fingerprint != evidence.fingerprint:
        return Verdict(gate, Result.STALE, ("the evidence is of other builds or of another plan entry",), "", threshold)
    if seen.first_at is not None:
        return None
    if seen.other_fingerprints > 0:
        reason = f"all {seen.other_fingerprints:,} comparisons were made on other builds or under another plan entry"
        return Verdict(gate, Result.STALE, (reason,), "0 inputs", threshold, "comparisons on the present builds")
    return no_data(gate, "nothing was compared under the present fingerprint", threshold)


def mixed(seen: ParityEvidence) -> tuple[str, str] | None:
    """Reason and remedy where another build answered among the present one's exchanges, and may do so still."""
    if seen.interleaved <= 0 or seen.alone >= ALONE_RATIO * seen.exchanges.total:
        return None
    reason = (
        f"two builds answer at the same time, or two plan entries: {seen.interleaved:,} exchanges of the last day are "
        f"of another one, and only {seen.alone:,} of {seen.exchanges.total:,} of the present came after them"
    )
    return reason, "one build to answer alone"


def compared_count(counts: Counts) -> int:
    """How many were compared."""
    return counts.total - counts.of(OutcomeKind.NOT_COMPARED)


def damage_of_parity(seen: ParityEvidence, now: float) -> str:
    """What is wrong with the figures themselves; empty where nothing is."""
    for counts in (seen.inputs, seen.exchanges):
        for count in (*counts.by_kind.values(), *counts.not_compared.values()):
            if not isinstance(count, int) or count < 0:
                return f"{count!r} is no number of outcomes"
    for count in (seen.settled, seen.refused, seen.interleaved, seen.alone, seen.pending, seen.keys):
        if not isinstance(count, int) or count < 0:
            return f"{count!r} is no number of exchanges"
    if seen.inputs.total > seen.exchanges.total:
        return "there are more inputs than exchanges"
    damage = _damage_of_noise(seen.noise) or _damage_of_rules(seen.rules)
    if damage:
        return damage
    return _damage_of_times(seen, now) if seen.inputs.total else ""


def _damage_of_times(seen: ParityEvidence, now: float) -> str:
    if seen.first_at is None or seen.last_at is None:
        return "the outcomes have no time"
    if not (is_past(seen.first_at, now) and is_past(seen.last_at, now) and seen.first_at <= seen.last_at):
        return "the outcomes' times are not in the past, or out of order: a clock is wrong"
    heard = [at for at in (seen.heard_first_at, seen.heard_last_at) if at is not None]
    if not all(is_past(at, now) for at in heard) or heard != sorted(heard):
        return "the times of callers' requests are not in the past, or out of order: a clock is wrong"
    return ""


def _damage_of_noise(noise: NoiseEvidence | None) -> str:
    if noise is None:
        return ""
    for path in noise.paths:
        counts = (path.both, path.only_again, path.only_beside)
        if not all(isinstance(count, int) and count >= 0 for count in (noise.samples, *counts)):
            return "the draws of old against itself have figures that are no numbers"
        if sum(counts) > noise.samples:
            return f"{path.general_path} differs in more draws than were made"
    return "" if isinstance(noise.samples, int) and noise.samples >= 0 else f"{noise.samples!r} is no number of draws"


def _damage_of_rules(rules: Iterable[RuleLimit]) -> str:
    for rule in rules:
        if not isinstance(rule.exchanges, int) or rule.exchanges < 0 or not 0 <= rule.at_most <= 1:
            return f"what {rule.name} hid, or may hide, is no number of exchanges"
    return ""
