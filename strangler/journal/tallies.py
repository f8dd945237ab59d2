"""What rules hide, and where old differs from itself: counted as outcomes arrive, so that nobody scans for it later."""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.evidence import NoiseEvidence, NoisyPath
from strangler.exchange import DifferenceKind, Judged, PathAndKind
from strangler.journal import schema
from strangler.journal.records import RuleUse
from strangler.journal.upserts import upsert

_DRAWS = ("", "")
"""The row of ``noise_tally`` that counts the draws themselves."""


def bump_rules(connection: Connection, operation: str, fingerprint: str, members: Sequence[Judged], now: float) -> None:
    """Count what each rule hid in a batch: exchanges, and differences."""
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for result in members:
        for rule, hidden in enumerate(result.outcome.hidden):
            if hidden > 0:
                counts[rule][0] += 1
                counts[rule][1] += hidden
    rows = [
        {
            "operation": operation,
            "fingerprint": fingerprint,
            "rule": rule,
            "exchanges": exchanges,
            "differences": differences,
            "first_at": now,
            "last_at": now,
        }
        for rule, (exchanges, differences) in counts.items()
    ]
    changes = {"exchanges": "add", "differences": "add", "first_at": "least", "last_at": "greatest"}
    upsert(connection, schema.rule_tally, ("operation", "fingerprint", "rule"), rows, changes)


def rule_uses(connection: Connection, operation: str, fingerprint: str) -> dict[int, RuleUse]:
    """What each rule hid, by its place among the plan entry's rules; a rule that hid nothing is not in it."""
    t = schema.rule_tally.c
    chosen = sa.select(t.rule, t.exchanges, t.differences, t.first_at, t.last_at).where(
        t.operation == operation, t.fingerprint == fingerprint
    )
    return {rule: RuleUse(*figures) for rule, *figures in connection.execute(chosen.order_by(t.rule))}


def bump_noise(connection: Connection, operation: str, fingerprint: str, members: Sequence[Judged]) -> None:
    """Count the fair draws of a batch, and at each path in which of their two halves there was a difference."""
    samples = [result.sample for result in members if result.sample is not None]
    if not samples:
        return
    counts: dict[PathAndKind | tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    counts[_DRAWS][0] = len(samples)
    for sample in samples:
        for place in sample.again | sample.beside:
            half = 0 if place in sample.again and place in sample.beside else 1 if place in sample.again else 2
            counts[place][half] += 1
    rows = [
        {
            "operation": operation,
            "fingerprint": fingerprint,
            "general_path": path,
            "kind": str(kind),
            "both": both,
            "only_again": only_again,
            "only_beside": only_beside,
        }
        for (path, kind), (both, only_again, only_beside) in sorted(counts.items())
    ]
    key = ("operation", "fingerprint", "general_path", "kind")
    upsert(connection, schema.noise_tally, key, rows, dict.fromkeys(("both", "only_again", "only_beside"), "add"))


def noise(connection: Connection, operation: str, fingerprint: str) -> NoiseEvidence:
    """What the draws told so far; no draws where none was made."""
    t = schema.noise_tally.c
    chosen = sa.select(t.general_path, t.kind, t.both, t.only_again, t.only_beside).where(
        t.operation == operation, t.fingerprint == fingerprint
    )
    draws = 0
    paths = []
    for path, kind, both, only_again, only_beside in connection.execute(chosen.order_by(t.general_path, t.kind)):
        if (path, kind) == _DRAWS:
            draws = both
        else:
            paths.append(NoisyPath(path, DifferenceKind(kind), both, only_again, only_beside))
    return NoiseEvidence(draws, tuple(paths))
