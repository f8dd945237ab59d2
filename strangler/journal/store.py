"""The journal: one durable store that engines append to, workers claim from, and gates read.

Each method is one transaction in another module of this package; this one only opens, seals and hands over. What only
reads is in ``views``.
"""

from collections.abc import Collection, Sequence
from typing import Any, Self

import orjson
import sqlalchemy as sa

from strangler.database import Database
from strangler.errors import UsageError
from strangler.evidence import CoverageEvidence, LoadEvidence
from strangler.exchange import (
    Exchange,
    Judged,
)
from strangler.journal import (
    coverage,
    identities,
    judging,
    queue,
    retention,
    row_runs,
    schema,
    upserts,
    writing,
)
from strangler.journal.coverage import SeenItem
from strangler.journal.crypto import Sealer
from strangler.journal.identities import IdConflict, LearntId
from strangler.journal.records import Gap, Loss
from strangler.journal.row_runs import RowRun
from strangler.journal.views import Views
from strangler.stages import Side

_CLAIMS, _JUDGEMENTS, _CONTRACTS = 0x5354_0001, 0x5354_0002, 0x5354_0003
"""Numbers of the turns that PostgreSQL's writers take."""


class Journal(Views):
    """The journal. Thread-safe; any number of processes may have it open. Use ``Journal.open``."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        self._sightings = writing.Sightings()

    @classmethod
    def open(cls, url: str, *, key: bytes, create: bool = True) -> "Journal":
        """Open a journal, and bring its tables up to date.

        Args:
            url: ``sqlite:///path`` or ``postgresql://...``.
            key: 32 bytes; the journal's bodies are encrypted under it.
            create: whether to make the journal where there is none.

        Raises:
            StoreError: it cannot be opened, or it is not there and ``create`` is false.
            UsageError: the key is not 32 bytes.
        """
        sealer = Sealer(key)
        database = Database(url, "journal", "NORMAL")
        try:
            from strangler.journal.migrate import upgrade

            upgrade(database, create=create)
        except BaseException:
            database.close()
            raise
        return cls(database, sealer)

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What engines write

    def append(self, exchanges: Sequence[Exchange]) -> None:
        """Store exchanges, all or none. One that is there already is left as it is.

        Raises:
            StoreError: the journal cannot be written; nothing of this call was stored.
        """
        if not exchanges:
            return
        rows = writing.rows_of(exchanges, self._sealer)
        news = self._sightings.news(writing.builds_seen(writing.answers_of(exchanges)))
        with self._database.writing() as connection:
            writing.append(connection, exchanges, rows)
            writing.record_sightings(connection, news)

    def record_losses(self, losses: Sequence[Loss]) -> None:
        """Count exchanges that the journal did not get as not compared; each lost write leaves a gap."""
        if losses:
            with self._database.writing() as connection:
                writing.record_losses(connection, self._sealer, losses)

    def record_build(self, system: str, build: str, at: float) -> None:
        """Write down which build of a system was seen by a probe."""
        row = {"subject": system, "side": "", "role": "probe", "build": build, "last_at": at}
        with self._database.writing() as connection:
            writing.record_sightings(connection, [row])

    # What workers do

    def claim(self, worker: str, limit: int, lease_s: float, now: float) -> list[Exchange]:
        """Lease up to ``limit`` exchanges to a worker, oldest first.

        Never an exchange whose key another worker holds (in any operation), so a key's exchanges stay in order.

        Args:
            worker: the worker's name; unique among those that run.
            limit: most exchanges wanted.
            lease_s: seconds until they are free again, unless renewed or finished.
            now: seconds since the epoch.
        """
        with self._database.writing(_CLAIMS) as connection:
            rows = queue.claim(connection, worker, limit, lease_s, now)
        return [self._exchange(row) for row in rows]

    def renew(self, worker: str, ids: Sequence[str], lease_s: float, now: float) -> int:
        """Prolong leases; how many of them the worker still held."""
        with self._database.writing(_CLAIMS) as connection:
            return queue.renew(connection, worker, ids, lease_s, now)

    def release(self, worker: str, ids: Sequence[str]) -> int:
        """Give claimed exchanges back unasked; how many were given back."""
        with self._database.writing(_CLAIMS) as connection:
            return queue.release(connection, worker, ids)

    def unfinished_writes(self, key: str) -> list[str]:
        """The ids of this key's writes, in any operation, that the asked side may not have yet."""
        with self._database.reading() as connection:
            return queue.unfinished_writes(connection, self._sealer.key_digest(key))

    def attempts(self, ids: Sequence[str]) -> dict[str, int]:
        """How often each exchange was claimed so far."""
        x = schema.exchanges.c
        with self._database.reading() as connection:
            return {
                row.id: row.attempts for row in connection.execute(sa.select(x.id, x.attempts).where(x.id.in_(ids)))
            }

    def finish(self, results: Sequence[Judged], now: float) -> int:
        """Store outcomes, the observations behind them, and the gaps they leave.

        Returns:
            How many were new: a repeated result counts once.
        """
        if not results:
            return 0
        with self._database.writing(_JUDGEMENTS) as connection:
            fresh = judging.finish(connection, self._sealer, results, now)
            asked = [(operation, "asked", seen, seen.at or now) for x, operation in fresh for seen in x.observations]
            writing.record_sightings(connection, self._sightings.news(writing.builds_seen(asked)))
        return len(fresh)

    def learn_ids(self, pairs: Sequence[LearntId]) -> tuple[IdConflict, ...]:
        """Keep pairs of ids for good, and tell the conflicts: a pair that has another partner already is not kept."""
        with self._database.writing() as connection:
            return identities.learn(connection, self._sealer, pairs)

    def ids(self, name: str, values: Sequence[str], side: Side) -> dict[str, str]:
        """The other side's id for each of one side's ids that is known."""
        with self._database.reading() as connection:
            return identities.partners(connection, self._sealer, name, values, side)

    # Rows

    def record_rows(self, run: RowRun) -> None:
        """Store the counts of a comparison of rows; a run that is stored again replaces itself."""
        with self._database.writing() as connection:
            row_runs.store_run(connection, run)

    def row_runs(self, name: str | None = None) -> list[RowRun]:
        """Every comparison of rows, or those of one name; newest first."""
        with self._database.reading() as connection:
            return row_runs.runs(connection, name)

    def are_pending(self, operations: Sequence[str], until: float) -> bool:
        """Whether an exchange of these operations, answered no later than ``until``, has no outcome yet."""
        with self._database.reading() as connection:
            return identities.are_pending(connection, operations, until)

    def purge(self, before: float, now: float, limit: int = 1_000_000) -> int:
        """Drop bodies, keys and values of exchanges older than ``before``; how many exchanges lost theirs.

        What is counted stays counted, and learnt ids stay. One that still waits is never asked any more, and counts as
        not compared; if it is a write, it leaves a gap.

        Args:
            before: seconds since the epoch.
            now: seconds since the epoch.
            limit: most exchanges of this call: nobody else writes meanwhile.
        """
        with self._database.reading() as connection:
            chosen = retention.expired(connection, before, limit)
        with self._database.writing(_JUDGEMENTS) as connection:
            return retention.purge(connection, self._sealer, chosen, before, now)

    # Gaps

    def gaps(self, operation: str | None = None, *, closed: bool = False) -> list[Gap]:
        """Writes that are missing here: the open ones, or with ``closed`` all of them."""
        g = schema.gaps.c
        chosen = sa.select(schema.gaps).order_by(g.id)
        if operation is not None:
            chosen = chosen.where(g.operation == operation)
        if not closed:
            chosen = chosen.where(g.closed_at.is_(None))
        with self._database.reading() as connection:
            return [self._gap(row) for row in connection.execute(chosen)]

    def close_gap(self, gap_id: int, why: str, who: str, now: float) -> None:
        """Say that a gap's rows are reconciled.

        Raises:
            UsageError: there is no such open gap.
        """
        g = schema.gaps.c
        with self._database.writing() as connection:
            closed = connection.execute(
                sa.update(schema.gaps)
                .where(g.id == gap_id, g.closed_at.is_(None))
                .values(closed_at=now, closed_by=who, closed_why=why)
            ).rowcount
        if not closed:
            raise UsageError(f"the journal has no open gap {gap_id}")

    # Coverage of the contract

    def expect(
        self,
        operation: str,
        entry: str,
        items: Collection[str],
        *,
        source: str = "",
        trouble: str = "",
        now: float = 0.0,
    ) -> None:
        """Store what the old side's contract holds for an operation under a plan entry, in place of what is stored.

        Args:
            operation: the operation.
            entry: the plan entry's digest.
            items: the contract's items; none where it could not be read.
            source: where the contract was read.
            trouble: why it could not be read; items that were read before then stay.
            now: seconds since the epoch.
        """
        with self._database.writing(_CONTRACTS) as connection:
            coverage.expect(connection, operation, entry, items, source=source, trouble=trouble, now=now)

    def coverage(self, operation: str, entry: str, fingerprint: str) -> CoverageEvidence | None:
        """Which items of the contract compared exchanges have shown; ``None`` where nobody has read the contract yet.

        Args:
            operation: the operation.
            entry: the plan entry's digest: what is expected stands under it.
            fingerprint: what was seen stands under it.
        """
        with self._database.reading() as connection:
            return coverage.coverage(connection, operation, entry, fingerprint)

    def seen_items(self, operation: str, entry: str, fingerprint: str) -> list[SeenItem]:
        """Every expected item, sorted, with when and in which exchange it was first seen under the fingerprint."""
        with self._database.reading() as connection:
            return coverage.seen_items(connection, operation, entry, fingerprint)

    # Load runs

    def record_load(self, evidence: LoadEvidence, histograms: bytes | None = None) -> None:
        """Store the result of a load run; a run that is stored again replaces itself."""
        row = {
            "run": evidence.run,
            "operation": evidence.operation,
            "fingerprint": evidence.fingerprint,
            "at": evidence.at,
            "evidence": orjson.dumps(evidence).decode(),
            "histograms": histograms,
        }
        changes = dict.fromkeys(("fingerprint", "at", "evidence", "histograms"), "replace")
        with self._database.writing() as connection:
            upserts.upsert(connection, schema.load_runs, ("run", "operation"), [row], changes)

    def _gap(self, row: Any) -> Gap:
        key = None if row.sealed is None else self._sealer.open("gap", row.sealed).decode("utf-8", "surrogatepass")
        return Gap(row.id, row.operation, key, row.count, row.at, row.why, row.closed_at, row.closed_by, row.closed_why)
