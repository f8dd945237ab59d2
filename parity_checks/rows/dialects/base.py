"""What a dialect must know. Dialects only write SQL; ``side.Side`` runs it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from parity_checks.rows.columns import Column, Form, Kind

Run = Callable[..., list[tuple[Any, ...]]]
"""Runs a statement with its values, each standing where the statement says ``PLACE``, and returns the rows."""

PLACE = ":?:"
"""Where a value goes in a statement; the driver's own mark is put there when it runs."""


MARKS = ("':'", "','")
"""What stands between a row's texts: literals, never NULL."""


class Dialect(ABC):
    """One database's SQL."""

    name: str
    hashes: str = ""
    """What kind of checksum it can compute, ``md5``, or none."""
    orders_by_bytes: bool = False
    """Whether ``order`` sorts text by its UTF-8 bytes."""
    keeps_answers: bool = False
    """Whether its driver keeps the whole answer to a statement in memory."""
    begins: str = "BEGIN;"
    """How a repair's transaction begins."""
    one_row: str = ""
    """A table of one row to select values from, where SELECT alone has no WHERE."""
    sessions: tuple[str, ...] = ()
    """Said once to every new connection: read only, UTC, no surprises."""

    @staticmethod
    def limit(seconds: float) -> str:  # noqa: ARG004
        """The statement that bounds the time of all later ones; empty where there is none."""
        return ""

    @staticmethod
    def quote(name: str) -> str:
        """A column's name, quoted."""
        return '"' + name.replace('"', '""') + '"'

    def relation(self, table: str | None, query: str | None) -> str:
        """What stands after FROM. A dot in a table's name divides schema and table."""
        if query is not None:
            return f"({query.strip().rstrip(';')}) q"
        return ".".join(self.quote(part) for part in (table or "").split("."))

    @abstractmethod
    def columns(self, run: Run, table: str) -> list[Column]:
        """The table's columns in its own order; empty where there is no such table."""

    @abstractmethod
    def columns_of_query(self, description: Sequence[Any], run: Run) -> list[Column]:
        """The columns of a query from its driver's description (PEP 249)."""

    def is_unique(self, run: Run, table: str, key: Sequence[str]) -> bool:  # noqa: ARG002
        """Whether the database itself forbids two rows with this key."""
        return False

    def estimate(self, run: Run, table: str) -> int | None:  # noqa: ARG002
        """About how many rows there are, without counting; ``None`` where it is not known."""
        return None

    @abstractmethod
    def natural(self, column: Column) -> str:
        """The value as its database would write it, whole: what details, results and repairs are made of."""

    @abstractmethod
    def canonical(self, column: Column, form: Form) -> str:
        """The value as text in this form, the same on every dialect; NULL for NULL."""

    def in_row(self, column: Column, form: Form) -> str:
        """As ``canonical``, where ``join`` and ``length`` make a text of it anyway."""
        return self.canonical(column, form)

    @abstractmethod
    def length(self, text: str) -> str:
        """The bytes of a text in UTF-8, as a number; NULL for NULL."""

    @abstractmethod
    def join(self, parts: Sequence[str]) -> str:
        """Texts one after the other, NULL as nothing."""

    def join_whole(self, parts: Sequence[str]) -> str:
        """As ``join``, also of texts that hold a NUL, where both sides may have them."""
        return self.join(parts)

    def order(self, column: Column, form: Form) -> str:
        """What rows are ordered by for this key column: a number, or the canonical text's bytes."""
        return self.quote(column.name) if form.kind is Kind.INTEGER else self.canonical(column, form)

    def hashed(self, text: str) -> str:
        """60 bits of the text's md5 as a number."""
        raise NotImplementedError(text)

    def bucket(self, number: str, width: int, start: int) -> str:
        """Which piece of this width the number is in, counted from ``start``."""
        return f"(({number} - {_literal(start)}) / {width})"

    def same_key(self, column: Column, form: Form) -> str:
        """What a canonical key value is compared with to find its row by the index, if one can be used.

        It may find more rows than wanted (a collation that folds case), never fewer.
        """
        return self.order(column, form)

    # Repairs

    def literal(self, value: str | None, column: Column) -> str:
        """The value as this database's SQL writes it for this column."""
        if value is None:
            return "NULL"
        if column.kind in (Kind.INTEGER, Kind.NUMBER) and value.lstrip("-").replace(".", "", 1).isdecimal():
            return value
        if column.kind is Kind.BINARY:
            return self.bytes_literal(value)
        return self.text_literal(value)

    @staticmethod
    def text_literal(value: str) -> str:
        """Text in quotes."""
        return "'" + value.replace("'", "''") + "'"

    @staticmethod
    def bytes_literal(digits: str) -> str:
        """Bytes, given as hexadecimal digits."""
        return f"X'{digits}'"

    def guard(self, column: Column, value: str | None) -> str:
        """A condition: the column still holds exactly this."""
        if value is None:
            return f"{self.quote(column.name)} IS NULL"
        return f"{self.quote(column.name)} = {self.literal(value, column)}"


def _literal(number: int) -> str:
    return f"({number})" if number < 0 else str(number)
