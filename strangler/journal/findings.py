"""Findings: differences grouped by signature, each with its smallest example and a few pairs of values.

A finding is read, worked on and written back: finishing exchanges and dropping bodies take turns, so nothing is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.exchange import Difference, DifferenceKind, Judged, OutcomeKind
from strangler.journal import schema
from strangler.journal.crypto import Sealer
from strangler.journal.frames import pack, unpack
from strangler.journal.records import Finding, ValuePair
from strangler.journal.upserts import CHUNK, upsert

MOST_SAMPLES = 8
"""So many distinct pairs of values are kept of one finding."""

LONGEST_SAMPLE = 1_000
"""A pair with a longer value than this many characters is no sample: it is in its exchange."""


@dataclass(slots=True)
class _Batch:
    """What a batch tells of one finding; ``values`` are path, old and new of its smallest example."""

    kind: str
    general_path: str
    example: str
    example_bytes: int
    values: tuple[str, str | None, str | None]
    count: int = 0
    inputs: set[str] = field(default_factory=set)
    samples: dict[ValuePair, None] = field(default_factory=dict)

    def add(self, difference: Difference) -> None:
        """Keep the pair of values, if there is room."""
        pair = (difference.old, difference.new)
        if len(self.samples) < MOST_SAMPLES and all(len(value or "") <= LONGEST_SAMPLE for value in pair):
            self.samples.setdefault(pair)


def bump_findings(
    connection: Connection,
    sealer: Sealer,
    operation: str,
    fingerprint: str,
    *,
    members: Sequence[Judged],
    sizes: Mapping[str, int],
    new_pairs: set[tuple[str, str]],
    now: float,
) -> None:
    """Work a batch into the findings.

    Args:
        connection: a writing transaction.
        sealer: seals values.
        operation: of the batch.
        fingerprint: of the batch.
        members: the results; only mismatches count.
        sizes: how many bytes the exchange of each result is kept in.
        new_pairs: the pairs of signature and input that had not been seen.
        now: seconds since the epoch.
    """
    found: dict[str, _Batch] = {}
    for result in members:
        if result.outcome.kind is OutcomeKind.MISMATCH:
            _take(found, result, sizes.get(result.exchange_id, 0), new_pairs)
    if not found:
        return
    before = _before(connection, operation, fingerprint, sorted(found))
    rows = [
        {
            "operation": operation,
            "fingerprint": fingerprint,
            "signature": signature,
            "kind": batch.kind,
            "general_path": batch.general_path,
            "count": batch.count,
            "inputs": len(batch.inputs),
            "first_at": now,
            "last_at": now,
            **_kept(sealer, batch, before.get(signature), f"{operation} {fingerprint} {signature}", now),
        }
        for signature, batch in found.items()
    ]
    changes = {"count": "add", "inputs": "add", "last_at": "greatest"}
    changes |= dict.fromkeys(("example", "example_at", "example_bytes", "sealed", "samples"), "replace")
    upsert(connection, schema.findings, ("operation", "fingerprint", "signature"), rows, changes)


def finding(sealer: Sealer, row: Any) -> Finding:
    """The finding of a row, with its values in clear."""
    path, old, new = "", None, None
    samples: tuple[ValuePair, ...] = ()
    if row.sealed is not None:
        (path, old, new), _ = unpack(sealer.open(f"finding {row.example}", row.sealed))
    if row.samples is not None:
        samples = _samples(sealer, row, f"{row.operation} {row.fingerprint} {row.signature}")
    return Finding(
        operation=row.operation,
        signature=row.signature,
        kind=DifferenceKind(row.kind),
        general_path=row.general_path,
        count=row.count,
        inputs=row.inputs,
        first_at=row.first_at,
        last_at=row.last_at,
        example_exchange_id=row.example,
        example_path=path,
        old=old,
        new=new,
        fingerprint=row.fingerprint,
        samples=samples,
        example_bytes=row.example_bytes,
    )


def _take(found: dict[str, _Batch], result: Judged, size: int, new_pairs: set[tuple[str, str]]) -> None:
    """Work one mismatch into what the batch tells; its exchange counts once for each signature."""
    counted: set[str] = set()
    for difference in result.outcome.differences:
        signature = difference.signature
        values = (difference.path, difference.old, difference.new)
        batch = found.get(signature)
        if batch is None:
            batch = _Batch(difference.kind, difference.general_path, result.exchange_id, size, values)
            found[signature] = batch
        batch.add(difference)
        if signature in counted:
            continue
        counted.add(signature)
        if size < batch.example_bytes:
            batch.example, batch.example_bytes, batch.values = result.exchange_id, size, values
        batch.count += 1
        if (signature, result.outcome.input) in new_pairs:
            batch.inputs.add(result.outcome.input)


def _before(connection: Connection, operation: str, fingerprint: str, signatures: Sequence[str]) -> dict[str, Any]:
    """What is kept of these findings, by signature."""
    f = schema.findings.c
    columns = (f.signature, f.example, f.example_at, f.example_bytes, f.sealed, f.samples)
    there: dict[str, Any] = {}
    for start in range(0, len(signatures), CHUNK):
        chosen = sa.select(*columns).where(
            f.operation == operation, f.fingerprint == fingerprint, f.signature.in_(signatures[start : start + CHUNK])
        )
        there.update((row.signature, row) for row in connection.execute(chosen))
    return there


def _kept(sealer: Sealer, batch: _Batch, before: Any, owner: str, now: float) -> dict[str, Any]:
    """The columns with values: the smaller example, and samples up to their number.

    ``example_at`` is the time of the oldest value among them, so that all expire when the first of them must.
    """
    is_first = before is None or before.sealed is None
    samples = dict.fromkeys(() if is_first or before.samples is None else _samples(sealer, before, owner))
    missing = [pair for pair in batch.samples if pair not in samples][: MOST_SAMPLES - len(samples)]
    kept = {
        "example": batch.example if is_first else before.example,
        "example_at": now if is_first else before.example_at,
        "example_bytes": batch.example_bytes if is_first else before.example_bytes,
        "sealed": None if is_first else before.sealed,
        "samples": None if is_first else before.samples,
    }
    if is_first or batch.example_bytes < before.example_bytes or not before.example_bytes:
        sealed = sealer.seal(f"finding {batch.example}", pack(batch.values))
        kept |= {"example": batch.example, "example_bytes": batch.example_bytes, "sealed": sealed}
    if missing:
        kept["samples"] = sealer.seal(f"samples {owner}", pack([*samples, *missing]))
    return kept


def _samples(sealer: Sealer, row: Any, owner: str) -> tuple[ValuePair, ...]:
    pairs, _ = unpack(sealer.open(f"samples {owner}", row.samples))
    return tuple((old, new) for old, new in pairs)
