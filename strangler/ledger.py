"""The ledger: every decision, hash-chained, so that anybody can verify it offline.

Each entry's hash is SHA-256 over the canonical JSON of the entry without its hash: keys sorted, no white space, UTF-8,
numbers as Python's shortest ``repr``. ``previous`` is the hash of the entry before, 64 zeros for the first. A chain
proves that nothing in it was changed; that its end was not cut off is proved by an anchor, the head's hash kept
elsewhere.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from strangler.chain import GENESIS, canonical, verify_lines
from strangler.database import Database
from strangler.errors import LedgerBroken, Refused, StoreError

_TURN = 0x5354_0010

_metadata = sa.MetaData()
_entries = sa.Table(
    "entries",
    _metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False, comment="canonical JSON"),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
)


class EntryKind(StrEnum):
    """What an entry records."""

    PLAN = "plan"
    ROLLOUT = "rollout"
    REFUSAL = "refusal"
    """Somebody asked for a move, and the gates said no."""
    APPROVAL = "approval"
    OVERRIDE = "override"
    """Somebody asks to move although gates hold."""
    CONFIRMATION = "confirmation"
    """Somebody else agrees to that."""
    ACCEPTANCE = "acceptance"
    REJECTION = "rejection"
    REOPENING = "reopening"
    """What was said of a difference was taken back: nobody has decided."""
    SCHEDULE = "schedule"
    """Steps that the guard is asked to take."""
    SCHEDULE_END = "schedule_end"
    """It takes no more of them."""
    ROLLBACK = "rollback"
    HOLD = "hold"
    RELEASE = "release"
    REVEAL = "reveal"
    LOAD = "load"
    GAP_CLOSED = "gap_closed"
    REHEARSAL = "rehearsal"
    """A failure was made on purpose."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision. ``seq`` counts from 1; ``at`` is seconds since the epoch; hashes are hexadecimal SHA-256."""

    seq: int
    at: float
    kind: EntryKind
    who: str
    body: Mapping[str, Any]
    previous: str
    hash: str

    def as_dict(self) -> dict[str, Any]:
        """The entry as an export's line holds it."""
        return {
            "seq": self.seq,
            "at": self.at,
            "kind": self.kind.value,
            "who": self.who,
            "body": dict(self.body),
            "previous": self.previous,
            "hash": self.hash,
        }


class Ledger:
    """The chain. Thread-safe; several processes may append: one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> "Ledger":
        """Open the ledger, and make it where there is none (unless ``create`` is false).

        Raises:
            StoreError: it cannot be opened.
        """
        database = Database(url, "ledger", "FULL")
        try:
            _prepare(database, create=create)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(
        self, kind: EntryKind, who: str, body: Mapping[str, Any], *, expect_seq: int | None = None, now: float
    ) -> Entry:
        """Add one entry at the end; it is on disk when this returns.

        Args:
            kind: what it records.
            who: who decided.
            body: what was decided: plain JSON values.
            expect_seq: the head's seq (0: empty) on which the decision was based; ``None`` where that does not matter.
            now: seconds since the epoch.

        Raises:
            Refused: the head is another than expected: somebody else decided first.
            StoreError: the ledger cannot be written; nothing was added.
            ValueError: the body is not plain, finite JSON.
        """
        if not math.isfinite(now):
            raise ValueError(f"a ledger entry's time must be finite, not {now}")
        text = canonical(body).decode()
        try:
            with self._database.writing(_TURN) as connection:
                last = connection.execute(
                    sa.select(_entries.c.seq, _entries.c.hash).order_by(_entries.c.seq.desc()).limit(1)
                ).one_or_none()
                seq, previous = (last.seq, last.hash) if last is not None else (0, GENESIS)
                if expect_seq is not None and seq != expect_seq:
                    raise Refused(f"somebody else decided first: the ledger is at entry {seq}, not {expect_seq}")
                bare = {"seq": seq + 1, "at": float(now), "kind": kind.value, "who": who, "previous": previous}
                entry = _chained({**bare, "body": json.loads(text)})
                row = {**entry.as_dict(), "body": text}
                connection.execute(sa.insert(_entries), [row])
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise Refused("somebody else decided first: the ledger grew meanwhile") from error
            raise
        return entry

    def entries(self, since: int | None = None) -> list[Entry]:
        """The entries after seq ``since``, in order; all that are there where it is not given. Unverified."""
        with self._database.reading() as connection:
            return list(self._read(connection, since))

    def head(self) -> Entry | None:
        """The last entry; ``None`` where the ledger is empty."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(_entries).order_by(_entries.c.seq.desc()).limit(1)).one_or_none()
        return None if row is None else _entry(row)

    def verify(self, expected_head: str | None = None, anchors: Mapping[int, str] | None = None) -> int:
        """Verify every link; how many entries there are.

        Args:
            expected_head: an anchor: a hash that was the head's when it was noted. It must still be in the chain,
                which finds an end that was cut off.
            anchors: hashes that entries must have, by seq, as signed checkpoints note them.

        Raises:
            LedgerBroken: the chain does not verify; names the first entry that is wrong.
        """
        with self._database.reading() as connection:
            lines = (canonical(entry.as_dict()) + b"\n" for entry in self._read(connection, None))
            return verify_lines(lines, expected_head, anchors)

    def export(self, path: Path) -> int:
        """Write every entry as a line of JSON, verified; how many there were."""
        count = self.verify()
        with path.open("wb") as file:
            for entry in self.entries():
                file.write(canonical(entry.as_dict()) + b"\n")
        return count

    def _read(self, connection: sa.Connection, since: int | None) -> Iterator[Entry]:
        chosen = sa.select(_entries).order_by(_entries.c.seq)
        for row in connection.execute(chosen if since is None else chosen.where(_entries.c.seq > since)):
            yield _entry(row)


def _prepare(database: Database, *, create: bool) -> None:
    with database.reading() as connection:
        if sa.inspect(connection).has_table("entries"):
            return
    if not create:
        raise StoreError(f"there is no ledger at {database.url}")
    with database.writing(_TURN) as connection:
        _metadata.create_all(connection)


def _chained(bare: Mapping[str, Any]) -> Entry:
    """The entry with its hash."""
    return Entry(**{**bare, "kind": EntryKind(bare["kind"]), "hash": hashlib.sha256(canonical(bare)).hexdigest()})


def _entry(row: Any) -> Entry:
    try:
        body, kind = json.loads(row.body), EntryKind(row.kind)
        is_canonical = canonical(body) == row.body.encode()
    except ValueError as error:
        raise LedgerBroken(row.seq, f"it cannot be read: {error}") from error
    if not isinstance(body, dict):
        raise LedgerBroken(row.seq, "its body is no object")
    if not is_canonical:  # a key named twice, or white space, is nothing that the hash can see
        raise LedgerBroken(row.seq, "its body is not written canonically")
    return Entry(row.seq, row.at, kind, row.who, body, row.previous, row.hash)
