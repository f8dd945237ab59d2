"""MariaDB and MySQL."""

from collections.abc import Sequence
from typing import Any

from parity_checks.rows.columns import Column, Form, Kind
from parity_checks.rows.dialects.base import MARKS, PLACE, Dialect, Run

_KINDS = {
    "tinyint": Kind.INTEGER,
    "smallint": Kind.INTEGER,
    "mediumint": Kind.INTEGER,
    "int": Kind.INTEGER,
    "bigint": Kind.INTEGER,
    "year": Kind.INTEGER,
    "decimal": Kind.NUMBER,
    "float": Kind.FLOAT,
    "double": Kind.FLOAT,
    "varchar": Kind.TEXT,
    "tinytext": Kind.TEXT,
    "text": Kind.TEXT,
    "mediumtext": Kind.TEXT,
    "longtext": Kind.TEXT,
    "enum": Kind.TEXT,
    "set": Kind.TEXT,
    "char": Kind.CHAR,
    "date": Kind.DATE,
    "datetime": Kind.MOMENT,
    "timestamp": Kind.AWARE,
    "time": Kind.TIME,
    "binary": Kind.BINARY,
    "varbinary": Kind.BINARY,
    "tinyblob": Kind.BINARY,
    "blob": Kind.BINARY,
    "mediumblob": Kind.BINARY,
    "longblob": Kind.BINARY,
    "uuid": Kind.UUID,
    "json": Kind.JSON,
    "bit": Kind.INTEGER,
}
_WIDE = 2**50
"""Pieces of keys wider than this are counted in decimals."""
_UTF8 = ("utf8mb4", "utf8mb3", "utf8", "ascii")


class Mariadb(Dialect):
    """MariaDB 10.3 or later, MySQL 8."""

    name = "mariadb"
    hashes = "md5"
    orders_by_bytes = True
    keeps_answers = True  # MariaDB Connector/ODBC 3.1, whatever NO_CACHE and FORWARDONLY say
    begins = "START TRANSACTION;"
    one_row = "DUAL"
    sessions = (
        "SET character_set_connection = utf8mb4",
        "SET SESSION TRANSACTION READ ONLY",
        "SET time_zone = '+00:00'",
        "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
    )

    @staticmethod
    def limit(seconds: float) -> str:
        """``max_statement_time``, in seconds (MariaDB's name for it)."""
        return f"SET SESSION max_statement_time = {seconds}"

    @staticmethod
    def quote(name: str) -> str:
        """In backquotes."""
        return "`" + name.replace("`", "``") + "`"

    def columns(self, run: Run, table: str) -> list[Column]:  # noqa: D102
        found = run(
            "SELECT column_name, data_type, column_type, numeric_scale, datetime_precision, character_set_name, "
            f"is_nullable FROM information_schema.columns WHERE table_schema = {_schema(table)} "
            f"AND table_name = {PLACE} ORDER BY ordinal_position",
            table.rpartition(".")[2],
        )
        return [_column(row) for row in found]

    def columns_of_query(self, description: Sequence[Any], run: Run) -> list[Column]:  # noqa: ARG002, D102
        return [_described(entry) for entry in description]

    def is_unique(self, run: Run, table: str, key: Sequence[str]) -> bool:  # noqa: D102
        found = run(
            "SELECT index_name, column_name FROM information_schema.statistics WHERE non_unique = 0 "
            f"AND table_schema = {_schema(table)} AND table_name = {PLACE}",
            table.rpartition(".")[2],
        )
        indexes: dict[str, set[str]] = {}
        for index, column in found:
            indexes.setdefault(index, set()).add(column.lower())
        return any(columns <= {name.lower() for name in key} for columns in indexes.values())

    def estimate(self, run: Run, table: str) -> int | None:  # noqa: D102
        found = run(
            f"SELECT table_rows FROM information_schema.tables WHERE table_schema = {_schema(table)} "
            f"AND table_name = {PLACE}",
            table.rpartition(".")[2],
        )
        return int(found[0][0]) if found and found[0][0] is not None else None

    def natural(self, column: Column) -> str:  # noqa: D102
        name = self.quote(column.name)
        if column.kind is Kind.BINARY:
            return f"LOWER(HEX({name}))"
        if column.native.startswith("bit"):
            return f"CAST({name} + 0 AS CHAR)"
        if column.kind is Kind.AWARE:
            return f"CONCAT({name}, '+00:00')"
        if column.kind in (Kind.TEXT, Kind.CHAR, Kind.JSON):
            return _utf8(name, column)
        return f"CAST({name} AS CHAR)"

    def canonical(self, column: Column, form: Form) -> str:  # noqa: D102
        name = self.quote(column.name)
        match form.kind:
            case Kind.NUMBER | Kind.FLOAT if form.digits is None and column.kind is Kind.NUMBER and column.scale != 0:
                return _trimmed(f"CAST({name} AS CHAR)")
            case Kind.CHAR:
                return f"TRIM(TRAILING ' ' FROM {self.natural(column)})"
            case Kind.UUID:
                return f"LOWER({self.natural(column)})"
            case Kind.MOMENT | Kind.AWARE if column.kind in (Kind.DATE, Kind.MOMENT, Kind.AWARE):
                return _moment(name, column, form.digits)
            case _:
                return self.natural(column)

    def length(self, text: str) -> str:  # noqa: D102
        return f"LENGTH({text})"

    def join(self, parts: Sequence[str]) -> str:  # noqa: D102
        return "CONCAT(" + ", ".join(part if part in MARKS else f"IFNULL({part}, '')" for part in parts) + ")"

    def order(self, column: Column, form: Form) -> str:  # noqa: D102
        if form.kind is Kind.INTEGER:
            return self.quote(column.name)
        return f"CAST({self.canonical(column, form)} AS BINARY)"

    def hashed(self, text: str) -> str:  # noqa: D102
        return f"CAST(CONV(LEFT(MD5({text}), 15), 16, 10) AS UNSIGNED)"

    def bucket(self, number: str, width: int, start: int) -> str:  # noqa: D102
        if start >= 0 and width < _WIDE:
            return f"(({number} - {start}) DIV {width})"
        wide = f"CAST({number} AS DECIMAL(30, 0))"  # BIGINT would overflow, and BIGINT UNSIGNED has nothing below 0
        return f"FLOOR(({wide} - ({start})) / {width})"

    def same_key(self, column: Column, form: Form) -> str:  # noqa: D102
        if form.kind is Kind.INTEGER or column.kind is Kind.CHAR or (column.kind, form.kind) == (Kind.TEXT, Kind.TEXT):
            return self.quote(column.name)
        return self.order(column, form)

    @staticmethod
    def text_literal(value: str) -> str:
        """Without backslashes, which mean what the server's ``sql_mode`` says: those are written in hexadecimal."""
        if "\\" in value:
            return f"CONVERT(X'{value.encode('utf-8', 'surrogatepass').hex()}' USING utf8mb4)"
        return "'" + value.replace("'", "''") + "'"

    def guard(self, column: Column, value: str | None) -> str:  # noqa: D102
        if value is None:
            return f"{self.quote(column.name)} IS NULL"
        if column.kind in (Kind.TEXT, Kind.CHAR, Kind.JSON):
            return f"CAST({self.natural(column)} AS BINARY) = CAST({self.text_literal(value)} AS BINARY)"
        return f"{self.quote(column.name)} = {self.literal(value, column)}"


def _schema(table: str) -> str:
    schema = table.rpartition(".")[0]
    return "'" + schema.replace("'", "''") + "'" if schema else "DATABASE()"


def _utf8(name: str, column: Column) -> str:
    return name if column.charset in _UTF8 else f"CONVERT({name} USING utf8mb4)"


def _trimmed(text: str) -> str:
    return f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {text}))"


def _moment(name: str, column: Column, digits: int | None) -> str:
    """ISO 8601 with as many digits of a second as are not zero. The session's zone is UTC."""
    if column.kind is Kind.DATE:
        return f"CONCAT({name}, ' 00:00:00')"
    places = 6 if column.scale is None else column.scale
    wanted = places if digits is None else min(digits, places)
    if wanted == 0:
        return f"CAST({name} AS CHAR)" if places == 0 else f"LEFT(CAST({name} AS CHAR), 19)"
    if wanted == places == 6:
        return f"IF(MICROSECOND({name}) % 10, CAST({name} AS CHAR), {_trimmed(f'CAST({name} AS CHAR)')})"
    text = f"CAST({name} AS CHAR)" if wanted == places else f"LEFT(CAST({name} AS CHAR), {20 + wanted})"
    return _trimmed(text)


def _column(row: Sequence[Any]) -> Column:
    name, data, native, scale, places, charset, nullable = row
    kind = _KINDS.get(data.lower(), Kind.UNKNOWN)
    digits = places if kind in (Kind.MOMENT, Kind.AWARE) else scale if kind is Kind.NUMBER else None
    found = None if digits is None else int(digits)
    return Column(name, kind, found, native.lower(), (charset or "").lower(), nullable == "YES")


def _described(entry: Sequence[Any]) -> Column:
    """A query's column: the driver knows the Python type only, and of decimals the scale."""
    kinds = {"int": Kind.INTEGER, "Decimal": Kind.NUMBER, "float": Kind.FLOAT, "date": Kind.DATE}
    kinds |= {"datetime": Kind.MOMENT, "bytes": Kind.BINARY, "bytearray": Kind.BINARY, "str": Kind.TEXT}
    kind = kinds.get(getattr(entry[1], "__name__", ""), Kind.UNKNOWN)
    return Column(entry[0], kind, entry[5] if kind is Kind.NUMBER else None)
