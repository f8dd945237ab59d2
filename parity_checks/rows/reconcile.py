"""Runs a reconciliation: both sides at once, one thread and one connection each, and all findings into a file."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from hashlib import sha256
from types import TracebackType
from typing import Any, Self, TypeVar

from parity_checks.rows import checksums, streams
from parity_checks.rows.details import Details, Whole, rows_by_key
from parity_checks.rows.findings import Key, RowFinding, Tally
from parity_checks.rows.progress import Pace, Position, Results, Resumed
from parity_checks.rows.side import Door, Side
from parity_checks.rows.statements import Statements
from parity_checks.rows.work import Described, Strategy, Work, plan_work
from parity_checks.rules.known import NOTHING_KNOWN, Known
from strangler.errors import UsageError
from strangler.plan.comparison import Rule
from strangler.stages import Side as Which

T = TypeVar("T")

CHUNK_ROWS = 262_144
"""Rows summed by one statement."""
SAVED_EVERY_S = 1.0
"""How often what is done is written down, at most."""
MERGED_ROWS = 50_000
"""Rows of one statement whose rows are all read."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared. One of ``table`` and ``query`` for each side, as ``side.Side`` takes them."""

    old: Door
    new: Door
    key: tuple[str, ...]
    old_table: str | None = None
    old_query: str | None = None
    new_table: str | None = None
    new_query: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[tuple[str, Rule], ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard both databases and this machine may be worked.

    ``rows_per_s`` is for each side, ``timeout_s`` for one statement, ``in_flight_s`` how long a row that differs is
    waited for. ``kept_rows`` is how many rows a driver that keeps whole answers is asked for at once.
    """

    rows_per_s: float | None = None
    timeout_s: float = 600.0
    in_flight_s: float = 2.0
    kept_rows: int = 500_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. ``done`` and ``total`` are rows of the larger side; ``total`` is an estimate."""

    done: int
    total: int
    tally: Tally


class Reconciliation:
    """Both sides connected, and the plan of work made. Use it as a context.

    Args:
        subject: what is compared.
        limits: how hard both databases may be worked.
        known: the identity map.

    Raises:
        SystemUnreachable: a database cannot be reached.
        UsageError: a table, a column or a rule does not fit.
    """

    def __init__(self, subject: Subject, limits: Limits = Limits(), known: Known | None = None) -> None:
        self.subject, self.limits = subject, limits
        self.known = known or NOTHING_KNOWN
        self._threads = {which: ThreadPoolExecutor(1, f"rows-{which.value}") for which in Which}
        self.sides: dict[Which, Side] = {}
        self._readers: dict[Which, Side] = {}
        self._unique: dict[Which, bool] = {}
        try:
            opened = {which: self.ask(which, self._opened, which) for which in Which}
            wait(opened.values())  # a side that could be opened is closed where the other one could not
            self.sides = {which: future.result() for which, future in opened.items() if not future.exception()}
            for future in opened.values():
                future.result()
            self.work = self._planned()
        except BaseException:
            self.close()
            raise
        names = {self.sides[which].dialect.name for which in Which}
        self.statements = {
            which: Statements(self.work, which, side.dialect, side.relation, is_dynamic=names == {"sqlite"})
            for which, side in self.sides.items()
        }
        self.pace = Pace(limits.rows_per_s)
        self.should_stop: Callable[[], bool] = lambda: False
        self.saves_every_s = SAVED_EVERY_S

    def ask(self, which: Which, task: Callable[..., T], *values: Any) -> "Future[T]":
        """Start something on a side's own thread, after all that was started there before."""
        return self._threads[which].submit(task, *values)

    @property
    def digest(self) -> str:
        """Of what is compared: another digest is another comparison."""
        subject = self.subject
        said = [
            subject.old_table, subject.old_query, subject.new_table, subject.new_query, subject.old.name,
            subject.new.name, list(subject.key), sorted(subject.columns.items()), self.work.strategy.value,
            [(name, rule.model_dump_json(by_alias=True)) for name, rule in subject.rules],
        ]  # fmt: skip
        return sha256(repr(said).encode()).hexdigest()[:32]

    def run(self, results: Results, progress: Callable[[Progress], None] = lambda _: None) -> tuple[Tally, bool]:
        """Compare, from where ``results`` says that it stopped.

        Args:
            results: where findings go.
            progress: told how far it is, from time to time.

        Returns:
            The counts, and whether all was compared (else it was asked to stop).

        Raises:
            SystemUnreachable: a connection broke, or a statement took too long; what was done is saved.
            UsageError: a key holds NULL, or a database refuses a statement.
        """
        return _Run(self, results, progress).run()

    def close(self) -> None:
        """Close both connections and end both threads."""
        for which, thread in self._threads.items():
            thread.shutdown(wait=True, cancel_futures=True)
            for side in (self.sides.get(which), self._readers.get(which)):
                if side is not None:
                    side.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self, which: Which) -> Side:
        subject, timeout_s = self.subject, self.limits.timeout_s
        if which is Which.OLD:
            return Side(subject.old, table=subject.old_table, query=subject.old_query, timeout_s=timeout_s)
        return Side(subject.new, table=subject.new_table, query=subject.new_query, timeout_s=timeout_s)

    def _planned(self) -> Work:
        described = {}
        for which, side in self.sides.items():
            key = self.subject.key
            names = [self.subject.columns.get(name, name) for name in key] if which is Which.NEW else key
            is_unique = side.table is not None and side.dialect.is_unique(side.run, side.table, names)
            self._unique[which] = is_unique
            described[which] = Described(which.value, side.dialect, side.columns, side.version, is_unique)
        return plan_work(
            described[Which.OLD], described[Which.NEW], self.subject.key, self.subject.columns, self.subject.rules
        )

    def rows_by_key(self, which: Which, keys: Sequence[Key]) -> Whole:
        """These keys' rows, whole; on a connection of its own where a stream is open on the first one."""
        side = self.sides[which]
        if self.work.strategy is Strategy.MERGE_STREAM:
            if which not in self._readers:
                self._readers[which] = self._opened(which)
            side = self._readers[which]
        statements = self.statements[which]
        rows = side.run(statements.details(len(keys)), *(value for key in keys for value in key))
        return rows_by_key(statements, len(self.work.key), rows, set(keys))

    def is_unique(self, which: Which) -> bool:
        """Whether the side's database itself forbids two rows with one key."""
        return self._unique[which]

    @property
    def reads_lines(self) -> bool:
        """Whether rows are read as one line each: only where none can be there twice, for lines do not show it."""
        return all(self._unique[which] and self.statements[which].has_lines for which in Which)

    def estimate(self, which: Which) -> int:
        """About how many rows a side has."""
        side = self.sides[which]
        found = side.dialect.estimate(side.run, side.table) if side.table else None
        return found or int(side.run(self.statements[which].count())[0][0])


class _Run:
    """One run of a reconciliation."""

    def __init__(self, owner: Reconciliation, results: Results, progress: Callable[[Progress], None]) -> None:
        self._owner, self._results, self._progress = owner, results, progress
        resumed: Resumed = results.resumed
        self._tally, self._position, self._left = resumed.tally, resumed.position, list(resumed.waiting)
        self._details = Details(
            owner.work,
            lambda which, keys: owner.ask(which, owner.rows_by_key, which, keys),
            tally=self._tally,
            known=owner.known,
            in_flight_s=owner.limits.in_flight_s,
        )
        self._total = 0
        self._saved_at = time.monotonic()

    def run(self) -> tuple[Tally, bool]:
        self._check_keys()
        self._total = max(self._both(self._owner.estimate))
        self._judge(self._left)
        is_complete = self._compare()
        if is_complete:
            self._store(self._details.finish())
            self._results.finished()
        else:
            self._save()
        self._tell()
        return self._tally, is_complete

    def _compare(self) -> bool:
        work = self._owner.work
        if work.strategy.is_checksum and self._position == Position():
            self._judge_duplicates()
        steps: Iterable[streams.Step]
        match work.strategy:
            case Strategy.CHECKSUM_RANGES | Strategy.MERGE_RANGES:
                steps = checksums.by_range(self._owner, self._position, self._total)
            case Strategy.CHECKSUM_BUCKETS:
                steps = checksums.by_bucket(self._owner, self._position, self._total)
            case Strategy.MERGE_STREAM:
                steps = streams.merged(self._owner, self._position)
        for step in steps:
            self._tally.old_rows += step.old_rows
            self._tally.new_rows += step.new_rows
            self._judge(step.candidates)
            if step.position is not None:
                self._position = step.position
                self._save(is_due=False)
            self._tell()
            self._owner.pace.took(max(step.old_rows, step.new_rows))
            if self._owner.should_stop():
                return False
        return True

    def _judge(self, candidates: Sequence[Key]) -> None:
        self._store(self._details.judge(candidates))

    def _store(self, findings: Iterator[RowFinding]) -> None:
        for finding in findings:
            self._tally.add(finding)
            self._results.add(finding)

    def _save(self, *, is_due: bool = True) -> None:
        """Note what is done; not after every step, for it waits for the disk."""
        if is_due or time.monotonic() - self._saved_at >= self._owner.saves_every_s:
            self._results.save(self._position, self._tally, self._details.waiting())
            self._saved_at = time.monotonic()

    def _tell(self) -> None:
        done = max(self._tally.old_rows, self._tally.new_rows)
        self._progress(Progress(done, max(self._total, done), self._tally))

    def _both(self, task: Callable[[Which], T]) -> list[T]:
        return [future.result() for future in [self._owner.ask(which, task, which) for which in Which]]

    def _check_keys(self) -> None:
        """Refuse keys that hold NULL: such rows could not be told from each other."""
        asked = {}
        for which in Which:
            if any(pair.of(which).is_nullable for pair in self._owner.work.key):
                statement = self._owner.statements[which].null_keys()
                asked[which] = self._owner.ask(which, self._owner.sides[which].run, statement)
        for which, future in asked.items():
            count = int(future.result()[0][0])
            if count:
                names = ", ".join(pair.of(which).name for pair in self._owner.work.key)
                raise UsageError(
                    f"{count} rows of the {which.value} side have NULL in their key ({names}): they cannot be told "
                    "from each other; name a key that is always there, or leave them out by a query"
                )

    def _judge_duplicates(self) -> None:
        """Keys that more than one row has, where the database does not forbid them: sums could not tell."""

        def keys(which: Which) -> list[Key]:
            if self._owner.is_unique(which):
                return []
            statements = self._owner.statements[which]
            return [statements.key_of(row) for row in self._owner.sides[which].run(statements.duplicates())]

        old, new = self._both(keys)
        self._judge(sorted({*old, *new}))
