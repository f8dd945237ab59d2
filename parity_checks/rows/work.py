"""The plan of work: which columns are compared in which form, what each side computes, and how. Pure.

It is made before the first row is read, so that ``--explain`` can show it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from parity_checks.rows import pushing
from parity_checks.rows.columns import Column, Form, Kind, form_of
from parity_checks.rows.dialects.base import Dialect
from parity_checks.rows.dialects.postgresql import HASHABLE, Postgresql
from strangler.errors import UsageError
from strangler.plan.comparison import IgnoreRule, Rule
from strangler.plan.form import nearest
from strangler.stages import Side as Which


class Strategy(StrEnum):
    """How candidates are found."""

    CHECKSUM_RANGES = "checksums by key range"
    CHECKSUM_BUCKETS = "checksums by key bucket"
    MERGE_RANGES = "merge by key range"
    MERGE_STREAM = "merge of two streams"

    @property
    def is_checksum(self) -> bool:
        """Whether both sides compute checksums."""
        return self in (Strategy.CHECKSUM_RANGES, Strategy.CHECKSUM_BUCKETS)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two columns that are one; ``is_pushed`` says whether SQL compares them, ``note`` why or how."""

    old: Column
    new: Column
    form: Form
    rules: tuple[Rule, ...] = ()
    is_pushed: bool = True
    note: str = ""

    def of(self, which: Which) -> Column:
        """The column on this side."""
        return self.old if which is Which.OLD else self.new


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of one side before any row is read."""

    name: str
    dialect: Dialect
    columns: Mapping[str, Column]
    version: str = ""
    is_unique: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """The plan of work. ``notes`` are sentences for ``--explain``."""

    strategy: Strategy
    key: tuple[Pair, ...]
    columns: tuple[Pair, ...]
    is_native: bool = False
    sorts: frozenset[Which] = frozenset()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def pushed(self) -> tuple[Pair, ...]:
        """The columns that SQL compares."""
        return tuple(pair for pair in self.columns if pair.is_pushed)

    @property
    def merged(self) -> tuple[Pair, ...]:
        """The columns that only Python compares."""
        return tuple(pair for pair in self.columns if not pair.is_pushed)


def plan_work(
    old: Described, new: Described, key: Sequence[str], columns: Mapping[str, str], rules: Sequence[tuple[str, Rule]]
) -> Work:
    """Decide how two sides are compared.

    Args:
        old: the old side.
        new: the new side.
        key: the old side's key columns.
        columns: old column to new column; empty for all columns of one name.
        rules: the old side's column each is about, and the rule.

    Raises:
        UsageError: a column does not exist, is on one side only, or cannot be a key; the message names it.
    """
    notes: list[str] = []
    pairs = _paired(old, new, key, columns, notes)
    by_column: dict[str, list[Rule]] = {}
    for name, rule in rules:
        if name not in pairs:
            raise UsageError(f"a rule is about the column {name!r}, which is not compared; {nearest(name, pairs)}")
        by_column.setdefault(name, []).append(rule)
    keys = tuple(_key_pair(pairs[name], by_column.get(name, ())) for name in key)
    ignored = [name for name in pairs if any(isinstance(rule, IgnoreRule) for rule in by_column.get(name, ()))]
    compared = [name for name in pairs if name not in key and name not in ignored]
    found = tuple(_judged(pairs[name], tuple(by_column.get(name, ())), old, new) for name in compared)
    return _with_strategy(Work(Strategy.MERGE_STREAM, keys, found, ignored=tuple(ignored)), old, new, notes)


def _paired(
    old: Described, new: Described, key: Sequence[str], columns: Mapping[str, str], notes: list[str]
) -> dict[str, Pair]:
    wanted = dict(columns)
    if not wanted:
        same = {name.lower(): name for name in new.columns}
        wanted = {name: same[name.lower()] for name in old.columns if name.lower() in same}
        for side, other in (
            (old, {name.lower() for name in new.columns}),
            (new, {name.lower() for name in old.columns}),
        ):
            lonely = [name for name in side.columns if name.lower() not in other]
            if lonely:
                notes.append(f"only {side.name} has {', '.join(lonely)}: not compared (name the pair under 'columns')")
    for name in key:
        wanted.setdefault(name, name)
    pairs: dict[str, Pair] = {}
    for left, right in wanted.items():
        for side, name in ((old, left), (new, right)):
            if name not in side.columns:
                raise UsageError(f"{side.name} has no column {name!r}; {nearest(name, side.columns)}")
        first, second = old.columns[left], new.columns[right]
        pairs[left] = Pair(first, second, form_of(first, second))
    return pairs


def _key_pair(pair: Pair, rules: Sequence[Rule]) -> Pair:
    if rules:
        raise UsageError(f"{pair.old.name} is a key column: rules cannot be about it; make the key alike by a query")
    if pair.form.kind in (Kind.JSON, Kind.FLOAT):
        raise UsageError(f"{pair.old.name} cannot be a key column: a {pair.form.kind} has no exact form")
    return replace(pair, form=Form(Kind.NUMBER)) if pair.form.kind is Kind.NUMBER else pair


def _judged(pair: Pair, rules: tuple[Rule, ...], old: Described, new: Described) -> Pair:
    """Whether SQL can compare the pair, and what is to be said about it."""
    note = ""
    if (
        pair.form.digits is not None
        and pair.form.kind in (Kind.MOMENT, Kind.AWARE)
        and pair.old.scale != pair.new.scale
    ):
        note = f"compared to {pair.form.digits} digits of a second, which is what both can hold"
    if not rules and pair.form.kind is Kind.JSON:
        is_one = old.dialect.name == new.dialect.name and pair.old.native == pair.new.native == "jsonb"
        return replace(pair, is_pushed=is_one, note="" if is_one else "JSON is compared by what it means")
    reason = pushing.refusal(rules, pair.form, pair.old, pair.new, (old.dialect, new.dialect))
    return replace(pair, rules=rules, is_pushed=not reason, note=reason or note)


def _with_strategy(work: Work, old: Described, new: Described, notes: list[str]) -> Work:
    by_number = len(work.key) == 1 and work.key[0].form.kind is Kind.INTEGER
    ranged = by_number and all(side.dialect.orders_by_bytes for side in (old, new))
    sorts = frozenset(
        which
        for which, side in ((Which.OLD, old), (Which.NEW, new))
        if not side.dialect.orders_by_bytes or (side.version and "UTF8" not in side.version)
    )
    if old.dialect.hashes and old.dialect.hashes == new.dialect.hashes and not work.merged and not sorts:
        strategy = Strategy.CHECKSUM_RANGES if ranged else Strategy.CHECKSUM_BUCKETS
    else:
        strategy = Strategy.MERGE_RANGES if ranged else Strategy.MERGE_STREAM
        notes.append(_why_merged(work, old, new, sorts))
    if sorts and strategy is Strategy.MERGE_STREAM:
        notes.append("rows are sorted on our side, by segments in a temporary file")
    native = strategy.is_checksum and _is_native(work, old, new)
    if strategy.is_checksum:
        notes.append(
            f"both are {new.dialect.name} {old.version.partition('/')[0]}: its own function hashes rows (64 bits)"
            if native
            else "rows are hashed by md5 over one canonical text (60 bits)"
        )
    return replace(
        work,
        strategy=strategy,
        is_native=native,
        sorts=sorts if strategy is Strategy.MERGE_STREAM else frozenset(),
        notes=tuple(notes),
    )


def _why_merged(work: Work, old: Described, new: Described, sorts: frozenset[Which]) -> str:
    if work.merged:
        names = ", ".join(pair.old.name for pair in work.merged)
        return f"no checksums: {names} can only be compared here, so every row is read"
    weak = sorted({side.dialect.name for side in (old, new) if not side.dialect.hashes})
    if weak:
        return f"no checksums: {' and '.join(weak)} has no hash function, so every row is read"
    return f"no checksums: {', '.join(which.value for which in sorted(sorts))} is not in UTF-8"


def _is_native(work: Work, old: Described, new: Described) -> bool:
    """Whether PostgreSQL's own hash of the values as they are says the same as our canonical text."""
    if not (isinstance(old.dialect, Postgresql) and isinstance(new.dialect, Postgresql) and old.version == new.version):
        return False
    return all(
        not pair.rules and _bare(pair.old) == _bare(pair.new) and _bare(pair.old) in HASHABLE
        for pair in (*work.key, *work.columns)
    )


def _bare(column: Column) -> str:
    """The type without its size: ``timestamp(3) without time zone`` is ``timestamp without time zone``."""
    if column.kind in (Kind.MOMENT, Kind.AWARE) and column.scale not in (None, 6):
        return f"{column.native}!"  # values of fewer digits are equal to themselves, but not to cut ones
    before, _, rest = column.native.partition("(")
    return f"{before}{rest.partition(')')[2]}" if rest else before
