"""The statements of a reconciliation for one side, made from the plan of work. Pure.

A row's text is its pushed columns' canonical texts, one after the other: fixed forms end with a comma, texts follow
their own length, so that no two different rows have one text. NULL is nothing at all, an empty text is ``0:``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from parity_checks.rows import pushing, values
from parity_checks.rows.columns import Kind
from parity_checks.rows.dialects.base import PLACE, Dialect
from parity_checks.rows.dialects.postgresql import Postgresql
from parity_checks.rows.work import Pair, Work
from strangler.plan.comparison import CodeRule
from strangler.stages import Side as Which

_FREE = (Kind.TEXT, Kind.CHAR, Kind.FLOAT, Kind.JSON, Kind.TIME, Kind.UNKNOWN, Kind.UUID)
"""Forms whose text may hold anything."""


@dataclass(frozen=True, slots=True)
class Range:
    """Keys from ``low`` on and below ``high``."""

    low: int
    high: int


class Statements:
    """What one side is asked.

    Args:
        work: the plan of work.
        which: the side.
        dialect: its SQL.
        relation: what stands after FROM.
        is_dynamic: whether both sides' columns hold whatever was put into them, so that no form is fixed.
    """

    def __init__(self, work: Work, which: Which, dialect: Dialect, relation: str, *, is_dynamic: bool = False) -> None:
        self._work, self._which, self._dialect, self._relation = work, which, dialect, relation
        self._is_dynamic = is_dynamic
        self.makes_text = dialect.name != "other"
        self._key_names = [dialect.quote(pair.of(which).name) for pair in work.key]

    def of(self, work: Work) -> "Statements":
        """The same side's statements for another plan of work."""
        return Statements(work, self._which, self._dialect, self._relation, is_dynamic=self._is_dynamic)

    # What is selected

    def _canonical(self, pair: Pair) -> str:
        return pushing.expression(pair.of(self._which), pair.form, pair.rules, self._dialect, self._which)

    def _key_values(self) -> list[str]:
        """A key as Python compares it: whole numbers as they are, all else as canonical text."""
        return [
            self._dialect.quote(pair.of(self._which).name) if pair.form.kind is Kind.INTEGER else self._canonical(pair)
            for pair in self._work.key
        ]

    def _row_text(self, *, with_key: bool) -> str:
        parts: list[str] = []
        for pair in (*(self._work.key if with_key else ()), *self._work.pushed):
            column = pair.of(self._which)
            text = self._canonical(pair) if pair.rules else self._dialect.in_row(column, pair.form)
            if self.is_free(pair):
                parts += [self._dialect.length(text), "':'", text]
            else:
                parts += [text, "','"]
        if not parts:
            return "''"
        return self._dialect.join_whole(parts) if self._is_dynamic else self._dialect.join(parts)

    def is_free(self, pair: Pair) -> bool:
        """Whether the pair's text may hold anything, a comma too."""
        coded = any(isinstance(rule, CodeRule) for rule in pair.rules)
        return self._is_dynamic or coded or pair.form.kind in _FREE

    def _hash(self) -> str:
        if self._work.is_native and isinstance(self._dialect, Postgresql):
            return self._dialect.hashed_natively([p.of(self._which) for p in (*self._work.key, *self._work.columns)])
        return self._dialect.hashed(self._row_text(with_key=True))

    # Statements

    def bounds(self) -> str:
        """The least and the greatest key."""
        return f"SELECT min({self._key_names[0]}), max({self._key_names[0]}) FROM {self._relation}"

    def count(self) -> str:
        """How many rows there are."""
        return f"SELECT count(*) FROM {self._relation}"

    def null_keys(self) -> str:
        """How many rows have a NULL in their key."""
        missing = " OR ".join(f"{name} IS NULL" for name in self._key_names)
        return f"SELECT count(*) FROM {self._relation} WHERE {missing}"

    def duplicates(self) -> str:
        """Keys that more than one row has."""
        key = ", ".join(self._key_values())
        group = ", ".join(self._dialect.order(pair.of(self._which), pair.form) for pair in self._work.key)
        shown = ", ".join(f"min({name})" for name in self._key_values()) if group != key else key
        return f"SELECT {shown} FROM {self._relation} GROUP BY {group} HAVING count(*) > 1"

    def sums(self, keys: Range, width: int) -> str:
        """For each piece of this width: its number, rows, and the sum of their hashes."""
        name = self._key_names[0]
        piece = self._dialect.bucket(name, width, keys.low)
        where = _within(name, [keys])
        return f"SELECT {piece}, count(*), sum({self._hash()}) FROM {self._relation} WHERE {where} GROUP BY 1"

    def hashes(self, ranges: Sequence[Range]) -> str:
        """Key and hash of each row in these ranges."""
        name = self._key_names[0]
        return f"SELECT {name}, {self._hash()} FROM {self._relation} WHERE {_within(name, ranges)}"

    def bucket_sums(self, buckets: int) -> str:
        """For each bucket of keys: its number, rows, and the sum of their hashes."""
        return f"SELECT {self._key_bucket(buckets)}, count(*), sum({self._hash()}) FROM {self._relation} GROUP BY 1"

    def bucket_hashes(self, buckets: int, chosen: Sequence[int]) -> str:
        """Key and hash of each row in the chosen buckets."""
        key = ", ".join(self._key_values())
        numbers = ", ".join(map(str, chosen))
        return f"SELECT {key}, {self._hash()} FROM {self._relation} WHERE {self._key_bucket(buckets)} IN ({numbers})"

    def _key_bucket(self, buckets: int) -> str:
        parts: list[str] = []
        for pair in self._work.key:
            text = self._canonical(pair)
            parts += [self._dialect.length(text), "':'", text] if self.is_free(pair) else [text, "','"]
        return f"mod({self._dialect.hashed(self._dialect.join(parts))}, {buckets})"

    def rows(self, keys: Range | None, part: tuple[int, int] | None = None) -> str:
        """Key, row text and the columns that only Python compares, ordered by key where the side can.

        ``part`` is a number and how many parts there are: only keys with that hash, in no order.
        """
        if not self.makes_text:
            names = [self._dialect.quote(p.of(self._which).name) for p in (*self._work.key, *self._work.columns)]
            return f"SELECT {', '.join(names)} FROM {self._relation}"
        natural = [self._dialect.natural(pair.of(self._which)) for pair in self._work.merged]
        chosen = ", ".join([*self._key_values(), self._row_text(with_key=False), *natural])
        if part is not None:
            number, parts = part
            return f"SELECT {chosen} FROM {self._relation} WHERE {self._key_bucket(parts)} = {number}"
        where = f" WHERE {_within(self._key_names[0], [keys])}" if keys else ""
        return f"SELECT {chosen} FROM {self._relation}{where}{self._ordering()}"

    @property
    def has_lines(self) -> bool:
        """Whether a row can be read as one line, with a number as its key before the first comma."""
        return self.makes_text and not self._is_dynamic and not self._work.merged

    def lines(self, keys: Range) -> str:
        """Each row's text with its key before it, in no order."""
        return (
            f"SELECT {self._row_text(with_key=True)} FROM {self._relation} WHERE {_within(self._key_names[0], [keys])}"
        )

    def _ordering(self) -> str:
        if self._which in self._work.sorts:
            return ""
        order = [self._dialect.order(pair.of(self._which), pair.form) for pair in self._work.key]
        return f" ORDER BY {', '.join(order)}"

    def details(self, keys: int) -> str:
        """Key and all compared columns of so many rows; their keys' columns are the statement's values."""
        natural = [self._dialect.natural(pair.of(self._which)) for pair in (*self._work.key, *self._work.columns)]
        chosen = ", ".join([*self._key_values(), *natural])
        names = [self._dialect.same_key(pair.of(self._which), pair.form) for pair in self._work.key]
        if len(names) == 1:
            condition = f"{names[0]} IN ({', '.join([PLACE] * keys)})"
        else:
            each = " AND ".join(f"{name} = {PLACE}" for name in names)
            condition = " OR ".join([f"({each})"] * keys)
        return f"SELECT {chosen} FROM {self._relation} WHERE {condition}"

    def key_of(self, columns: Sequence[Any]) -> tuple[Any, ...]:
        """A key as Python compares it, of the driver's values."""
        if self.makes_text:
            return tuple(columns)
        return tuple(
            int(value) if pair.form.kind is Kind.INTEGER else values.canonical_text(pair.form, value)
            for pair, value in zip(self._work.key, columns, strict=True)
        )

    # What a side that makes no text is given by us

    def made_here(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """A row of plain values as ``rows`` would have it: key, row text, columns that only Python compares."""
        size = len(self._work.key)
        key = self.key_of(row[:size])
        parts: list[str] = []
        natural: list[str | None] = []
        for pair, value in zip(self._work.columns, row[size:], strict=True):
            if not pair.is_pushed:
                natural.append(values.text_of(value))
                continue
            text = values.canonical_text(pair.form, value)
            if self.is_free(pair):
                parts.append(":" if text is None else f"{len(text.encode())}:{text}")
            else:
                parts.append(f"{text or ''},")
        return (*key, "".join(parts), *natural)


def _within(name: str, ranges: Sequence[Range]) -> str:
    return " OR ".join(f"({name} >= {part.low} AND {name} < {part.high})" for part in ranges)
