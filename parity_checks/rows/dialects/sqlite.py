"""SQLite, by Python's own module or through ODBC.

Its columns hold what was put into them, whatever their type says: every expression here is about the value's own type.
It has no hash function, so its tables are read and merged.
"""

from collections.abc import Sequence
from typing import Any

from parity_checks.rows.columns import Column, Form, Kind
from parity_checks.rows.dialects.base import MARKS, Dialect, Run

_MOST_ARGUMENTS = 90


class Sqlite(Dialect):
    """SQLite 3."""

    name = "sqlite"
    orders_by_bytes = True
    sessions = ("PRAGMA query_only = 1",)

    def columns(self, run: Run, table: str) -> list[Column]:  # noqa: D102
        schema, _, name = table.rpartition(".")
        prefix = f"{self.quote(schema)}." if schema else ""
        found = run(f"PRAGMA {prefix}table_info({self.quote(name)})")
        keys = [row for row in found if row[5]]
        rowid = len(keys) == 1 and str(keys[0][2]).upper() == "INTEGER"
        return [_column(row[1], row[2] or "", is_nullable=not (row[3] or (rowid and row[5]))) for row in found]

    def columns_of_query(self, description: Sequence[Any], run: Run) -> list[Column]:  # noqa: ARG002, D102
        return [Column(entry[0], Kind.UNKNOWN) for entry in description]

    def is_unique(self, run: Run, table: str, key: Sequence[str]) -> bool:  # noqa: D102
        schema, _, name = table.rpartition(".")
        prefix = f"{self.quote(schema)}." if schema else ""
        wanted = {column.lower() for column in key}
        primary = {row[1].lower() for row in run(f"PRAGMA {prefix}table_info({self.quote(name)})") if row[5]}
        if primary and primary <= wanted:
            return True
        for index in run(f"PRAGMA {prefix}index_list({self.quote(name)})"):
            if index[2] and not index[4]:
                columns = run(f"PRAGMA {prefix}index_info({self.quote(index[1])})")
                if {str(row[2]).lower() for row in columns} <= wanted:
                    return True
        return False

    def natural(self, column: Column) -> str:  # noqa: D102
        name = self.quote(column.name)
        if column.kind is Kind.BINARY:
            return f"lower(hex({name}))"
        if column.kind in (Kind.INTEGER, Kind.NUMBER, Kind.FLOAT, Kind.UNKNOWN):
            return name  # the driver's float has its shortest text made in Python; SQLite would cut it at 15 digits
        return f"CAST({name} AS TEXT)"

    def canonical(self, column: Column, form: Form) -> str:  # noqa: D102, PLR0911
        name = self.quote(column.name)
        match form.kind:
            case Kind.NUMBER | Kind.BOOLEAN:
                return _number(name, f"CAST({name} AS TEXT)")
            case Kind.FLOAT:
                return _number(name, f"printf('%.15g', {name})")
            case Kind.CHAR:
                return f"rtrim(CAST({name} AS TEXT), ' ')"
            case Kind.UUID:
                return f"lower(CAST({name} AS TEXT))"
            case Kind.BINARY:
                return f"lower(hex({name}))"
            case Kind.MOMENT | Kind.AWARE:
                return _moment(f"CAST({name} AS TEXT)", 6 if form.digits is None else form.digits)
            case _:
                return f"CAST({name} AS TEXT)"

    def in_row(self, column: Column, form: Form) -> str:
        """Without casts: ``printf``, ``||`` and text functions cast themselves, and each cast copies the text."""
        name = self.quote(column.name)
        match form.kind:
            case Kind.NUMBER | Kind.BOOLEAN:
                return _number(name, f"CAST({name} AS TEXT)", name)
            case Kind.MOMENT | Kind.AWARE:
                return _moment(name, 6 if form.digits is None else form.digits)
            case Kind.TEXT | Kind.INTEGER | Kind.DATE if column.kind is not Kind.BINARY:
                return name
            case _:
                return self.canonical(column, form)

    def length(self, text: str) -> str:  # noqa: D102
        return f"length(CAST({text} AS BLOB))"

    def join(self, parts: Sequence[str]) -> str:
        """By ``printf``, which cuts a text at a NUL: its length before it tells it from a whole one."""
        if len(parts) > _MOST_ARGUMENTS:
            return self.join_whole(parts)
        form = "".join(part[1:-1] if part in MARKS else "%s" for part in parts)
        return f"printf('{form}', {', '.join(part for part in parts if part not in MARKS)})"

    def join_whole(self, parts: Sequence[str]) -> str:  # noqa: D102
        return " || ".join(part if part in MARKS else f"coalesce({part}, '')" for part in parts)

    def order(self, column: Column, form: Form) -> str:  # noqa: D102
        if form.kind is Kind.INTEGER:
            return self.quote(column.name)
        return f"({self.canonical(column, form)}) COLLATE BINARY"

    def same_key(self, column: Column, form: Form) -> str:  # noqa: D102
        if (column.kind, form.kind) in ((Kind.TEXT, Kind.TEXT), (Kind.INTEGER, Kind.INTEGER)):
            return self.quote(column.name)
        return self.order(column, form)

    def guard(self, column: Column, value: str | None) -> str:  # noqa: D102
        name = self.quote(column.name)
        if value is None:
            return f"{name} IS NULL"
        collate = " COLLATE BINARY" if column.kind in (Kind.TEXT, Kind.CHAR) else ""
        return f"{name}{collate} = {self.literal(value, column)}"


def _number(name: str, short: str, whole: str | None = None) -> str:
    """A float as the decimal of at most 15 digits that it came from (IEEE 754 double), if it did, else with 17."""
    text = f"CASE WHEN CAST({short} AS REAL) = {name} THEN {short} ELSE printf('%!.17g', {name}) END"
    return f"CASE typeof({name}) WHEN 'real' THEN {text} ELSE {whole or f'CAST({name} AS TEXT)'} END"


def _moment(text: str, digits: int) -> str:
    """A stored text in the form PostgreSQL writes: a space, and no zeros at the end of a second's digits."""
    spaced = f"replace({text}, 'T', ' ')"
    cut = spaced if digits >= 6 else f"substr({spaced}, 1, {20 + digits})"
    as_is = f"WHEN substr({text}, 11, 1) = ' ' AND substr({text}, -1) <> '0' THEN {text} " if digits >= 6 else ""
    return (
        f"CASE {as_is}WHEN length({text}) = 19 THEN {spaced} WHEN length({text}) = 10 THEN {text} || ' 00:00:00' "
        f"WHEN substr({text}, 20, 1) = '.' THEN rtrim(rtrim({cut}, '0'), '.') ELSE {spaced} END"
    )


def _column(name: str, native: str, *, is_nullable: bool) -> Column:
    declared = native.upper()
    base = declared.partition("(")[0].strip()
    if "BOOL" in base:
        kind = Kind.BOOLEAN
    elif "INT" in base:
        kind = Kind.INTEGER
    elif base in ("CHAR", "CHARACTER", "NCHAR", "BPCHAR"):
        kind = Kind.CHAR
    elif any(word in base for word in ("CHAR", "CLOB", "TEXT", "STRING")):
        kind = Kind.TEXT
    elif "BLOB" in base or "BINARY" in base:
        kind = Kind.BINARY
    elif any(word in base for word in ("REAL", "FLOA", "DOUB")):
        kind = Kind.FLOAT
    elif base in ("NUMERIC", "DECIMAL", "NUMBER", "MONEY"):
        kind = Kind.NUMBER
    elif "DATETIME" in base or "TIMESTAMP" in base:
        kind = Kind.MOMENT
    elif base == "DATE":
        kind = Kind.DATE
    elif base == "TIME":
        kind = Kind.TIME
    else:
        kind = Kind.UUID if base in ("UUID", "GUID") else Kind.UNKNOWN
    return Column(name, kind, None, native, is_nullable=is_nullable)  # a scale is declared, but not kept to
