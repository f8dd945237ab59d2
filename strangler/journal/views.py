"""The journal as gates, reports and people read it. Each method is one reading transaction."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson
import sqlalchemy as sa

from strangler.builds import UNKNOWN
from strangler.database import Database
from strangler.errors import UsageError
from strangler.evidence import Builds, LoadEvidence, LoadSide, NoiseEvidence, ParityEvidence
from strangler.exchange import (
    Difference,
    Exchange,
    Observation,
    Origin,
    Outcome,
    OutcomeKind,
    Reason,
    Request,
)
from strangler.journal import findings, readings, recorded, rollups, schema, tallies, window, writing
from strangler.journal.crypto import Sealer
from strangler.journal.frames import unpack_differences, unpack_exchange, unpack_observation
from strangler.journal.judging import EVERYBODY
from strangler.journal.records import AcceptedSignature, Finding, RuleUse, State, Tally, WindowStats
from strangler.journal.traffic import Traffic, traffic
from strangler.plan.rule_paths import Path
from strangler.stages import Effect, Side, Stage


class Views:
    """What can be read of a journal. Thread-safe; ``Journal`` is one of these that can be written, too."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def parity(
        self,
        operation: str,
        fingerprint: str,
        now: float,
        accepted: Collection[AcceptedSignature] = (),
        *,
        minor: Collection[Path] = (),
        cohort: str | None = None,
    ) -> ParityEvidence:
        """What comparison told of an operation under a fingerprint.

        An exchange or input whose every mismatch is accepted counts as accepted, as long as the acceptance has not
        expired and its signature is not seen more often than accepted. So does one whose every mismatch is at one of
        the ``minor`` paths. Losses and what the engine skipped count as not compared, each as an input of its own.

        With a ``cohort``, only its exchanges and inputs are counted; but every loss and every skipped exchange, and all
        that waits, for nobody knows whose they are.
        """
        with self._database.reading() as connection:
            return readings.parity(
                connection, operation, fingerprint, now, accepted, minor=minor, cohort=cohort or EVERYBODY
            )

    def cohorts(self, operation: str, fingerprint: str) -> list[str]:
        """The cohorts that have any evidence of their own under a fingerprint, sorted."""
        with self._database.reading() as connection:
            return readings.cohorts(connection, operation, fingerprint)

    def accepted_in_force(
        self, operation: str, fingerprint: str, now: float, accepted: Collection[AcceptedSignature]
    ) -> frozenset[str]:
        """Which accepted signatures hold now: not expired, not over their rate."""
        with self._database.reading() as connection:
            return readings.in_force(connection, operation, fingerprint, now, accepted)

    def findings(self, operation: str | None = None, fingerprint: str | None = None) -> list[Finding]:
        """Differences grouped by signature, most frequent first; values are clear."""
        f = schema.findings.c
        chosen = sa.select(schema.findings).order_by(f.operation, f.count.desc(), f.signature)
        if operation is not None:
            chosen = chosen.where(f.operation == operation)
        if fingerprint is not None:
            chosen = chosen.where(f.fingerprint == fingerprint)
        with self._database.reading() as connection:
            return [findings.finding(self._sealer, row) for row in connection.execute(chosen)]

    def rule_uses(self, operation: str, fingerprint: str) -> dict[int, RuleUse]:
        """What each comparison rule hid under a fingerprint, by its place among the plan entry's rules.

        A rule that hid nothing is not in it.
        """
        with self._database.reading() as connection:
            return tallies.rule_uses(connection, operation, fingerprint)

    def noise(self, operation: str, fingerprint: str) -> NoiseEvidence:
        """Where old differs from itself, and from new, under a fingerprint: the fair draws only."""
        with self._database.reading() as connection:
            return tallies.noise(connection, operation, fingerprint)

    def outcomes_count(self) -> list[Tally]:
        """How many exchanges had which outcome, by operation, fingerprint, kind and reason."""
        with self._database.reading() as connection:
            return readings.tallies(connection)

    def exchange(self, exchange_id: str) -> tuple[Exchange, tuple[Observation, ...], Outcome | None]:
        """One exchange with everything observed for it and what was learnt.

        Raises:
            UsageError: there is none with this id.
        """
        o = schema.observations.c
        with self._database.reading() as connection:
            row = connection.execute(
                sa.select(schema.exchanges).where(schema.exchanges.c.id == exchange_id)
            ).one_or_none()
            if row is None:
                raise UsageError(f"the journal has no exchange {exchange_id!r}")
            seen = connection.execute(
                sa.select(o.sealed).where(o.exchange_id == exchange_id, o.sealed.is_not(None)).order_by(o.seq)
            ).scalars()
            observations = tuple(unpack_observation(self._sealer.open(exchange_id, sealed)) for sealed in seen)
        return self._exchange(row), observations, self._outcome(row)

    def window(self, operation: str, since: float, accepted: Collection[AcceptedSignature] = ()) -> WindowStats:
        """Figures of one operation since a point in time (seconds since the epoch)."""
        with self._database.reading() as connection:
            return window.window(connection, operation, since, accepted)

    def latencies(self, operation: str, since: float) -> dict[Side, list[tuple[float, float, int]]]:
        """How long each side took for callers' exchanges since a time (seconds since the epoch), fastest first.

        Returns:
            By side: from and to in seconds, and how many answers took as long; those asked for comparison among them.
        """
        with self._database.reading() as connection:
            seen = window.latencies(connection, operation, since)
        return {
            side: [(*rollups.range_of(bucket), buckets[bucket]) for bucket in sorted(buckets)]
            for side, buckets in seen.items()
        }

    def traffic(self, operation: str, since: float, until: float) -> Traffic:
        """How many requests callers made between two times (seconds since the epoch), and for how many keys."""
        with self._database.reading() as connection:
            return traffic(connection, operation, since, until)

    def requests(
        self, operation: str | None = None, effect: Effect | None = None, limit: int = 1000, since: float = 0.0
    ) -> Iterator[Exchange]:
        """Callers' newest exchanges whose request body is kept, newest first; no replays and no probes."""
        x = schema.exchanges.c
        chosen = sa.select(schema.exchanges).where(x.sealed.is_not(None), x.at >= since, x.origin == Origin.CALLER)
        if operation is not None:
            chosen = chosen.where(x.operation == operation)
        if effect is not None:
            chosen = chosen.where(x.effect == effect)
        with self._database.reading() as connection:
            rows = connection.execute(chosen.order_by(x.at.desc(), x.seq.desc()).limit(limit)).all()
        for row in rows:
            exchange = self._exchange(row)
            if exchange.request.body is not None:
                yield exchange

    def recorded(self, since: float = 0.0, limit: int = 100_000) -> Iterator[tuple[str, Request]]:
        """Callers' newest requests with their exchanges' ids, newest first, read in pages; no replays and no probes.

        Args:
            since: seconds since the epoch.
            limit: most of them.
        """
        return recorded.recorded(self._database, self._sealer, since, limit)

    def depth(self, operation: str | None = None) -> int:
        """How many exchanges wait for their outcome."""
        with self._database.reading() as connection:
            return readings.depth(connection, operation)

    def latest_builds(self, operation: str) -> Builds | None:
        """The build last seen on each side; ``unknown`` where answers name none, ``None`` before both answered."""
        latest = self.last_builds(operation)
        if Side.OLD not in latest or Side.NEW not in latest:
            return None
        return Builds(latest[Side.OLD], latest[Side.NEW])

    def last_builds(self, operation: str) -> dict[Side, str]:
        """The build last seen on each side that has answered yet; ``unknown`` where answers name none."""
        s = schema.sightings.c
        chosen = sa.select(s.side, s.build).where(s.subject == operation, s.role != writing.FAILED).order_by(s.last_at)
        with self._database.reading() as connection:
            return {Side(side): build or UNKNOWN for side, build in connection.execute(chosen)}

    def last_reached_old(self, operation: str) -> float | None:
        """When the old side last answered a caller of this operation; seconds since the epoch."""
        s = schema.sightings.c
        chosen = sa.select(sa.func.max(s.last_at)).where(
            s.subject == operation, s.side == Side.OLD, s.role.in_(("answer", writing.FAILED))
        )
        with self._database.reading() as connection:
            found: float | None = connection.scalar(chosen)
        return found

    # Load runs

    def load(self, operation: str, fingerprint: str) -> LoadEvidence | None:
        """The latest load run of an operation under this fingerprint, else the latest under any other."""
        runs = self.loads(operation)
        return next((run for run in runs if run.fingerprint == fingerprint), runs[0] if runs else None)

    def loads(self, operation: str | None = None) -> list[LoadEvidence]:
        """Every load run, newest first."""
        r = schema.load_runs.c
        chosen = sa.select(r.evidence).order_by(r.at.desc(), r.run)
        if operation is not None:
            chosen = chosen.where(r.operation == operation)
        with self._database.reading() as connection:
            return [_load_evidence(orjson.loads(text)) for text in connection.scalars(chosen)]

    def load_histograms(self, run: str, operation: str) -> bytes | None:
        """The histograms stored with a load run."""
        r = schema.load_runs.c
        with self._database.reading() as connection:
            chosen = sa.select(r.histograms).where(r.run == run, r.operation == operation)
            found: bytes | None = connection.scalar(chosen)
        return found

    # Rows to objects

    def _exchange(self, row: Any) -> Exchange:
        side = Side(row.answered_by)
        if row.sealed is None:  # its body has expired: what is left is what gates need
            gone = Observation(side, None, body=None, at=row.at, duration_s=row.duration_s)
            key, request, answer, fell_back = None, Request("", "", body=None), gone, None
        else:
            key, request, answer, fell_back = unpack_exchange(self._sealer.open(row.id, row.sealed))
        return Exchange(
            id=row.id,
            operation=row.operation,
            effect=Effect(row.effect),
            key=key,
            cohort=row.cohort,
            stage=Stage(row.stage),
            request=request,
            answer=answer,
            asked=None if row.asked is None else Side(row.asked),
            entry=row.entry,
            at=row.at,
            not_compared=Reason(row.reason) if row.reason and row.fingerprint is None else None,
            fell_back=fell_back,
            origin=Origin(row.origin),
        )

    def _outcome(self, row: Any) -> Outcome | None:
        if row.state != State.JUDGED:
            return None
        differences: tuple[Difference, ...] = ()
        detail = ""
        if row.judged_sealed is not None:
            differences, detail = unpack_differences(self._sealer.open(row.id, row.judged_sealed))
        return Outcome(
            kind=OutcomeKind(row.outcome),
            fingerprint=row.fingerprint or "",
            input=row.input or "",
            reason=Reason(row.reason) if row.reason else None,
            differences=differences,
            settled=row.settled or 0,
            detail=detail,
        )


def _load_evidence(data: Mapping[str, Any]) -> LoadEvidence:
    return LoadEvidence(**{**data, "old": LoadSide(**data["old"]), "new": LoadSide(**data["new"])})
