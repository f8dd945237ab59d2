"""About how many different keys stand behind the evidence: a sketch of a fixed size for each fingerprint.

Kept are the smallest of the keys' hashes (k minimum values; Bar-Yossef et al. 2002, "Counting distinct elements in a
data stream"): up to ``KEPT`` keys are counted exactly, more within some 6 %. A key that comes again changes nothing.
"""

from collections.abc import Iterable
from hashlib import blake2b

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.journal import schema
from strangler.journal.upserts import upsert

KEPT = 256
"""So many hashes are kept."""

_BYTES = 8
_ALL = float(1 << 8 * _BYTES)


def bump_keys(connection: Connection, operation: str, fingerprint: str, digests: Iterable[bytes], now: float) -> None:
    """Work the keyed digests of a batch's keys into the sketch."""
    owner = blake2b(fingerprint.encode(), digest_size=32).digest()
    fresh = {blake2b(digest, key=owner, digest_size=_BYTES).digest() for digest in set(digests)}
    if not fresh:
        return
    before = _smallest(connection, operation, fingerprint)
    after = sorted({*before, *fresh})[:KEPT]
    if after != before:
        row = {"operation": operation, "fingerprint": fingerprint, "smallest": b"".join(after), "last_at": now}
        changes = {"smallest": "replace", "last_at": "greatest"}
        upsert(connection, schema.key_sketch, ("operation", "fingerprint"), [row], changes)


def about_how_many(connection: Connection, operation: str, fingerprint: str) -> int:
    """How many different keys there were; 0 where no exchange had one."""
    smallest = _smallest(connection, operation, fingerprint)
    if len(smallest) < KEPT:
        return len(smallest)
    return round((KEPT - 1) * _ALL / int.from_bytes(smallest[-1], "big"))


def _smallest(connection: Connection, operation: str, fingerprint: str) -> list[bytes]:
    s = schema.key_sketch.c
    chosen = sa.select(s.smallest).where(s.operation == operation, s.fingerprint == fingerprint)
    found = connection.scalar(chosen) or b""
    return [found[start : start + _BYTES] for start in range(0, len(found), _BYTES)]
