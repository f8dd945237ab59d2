"""PostgreSQL, by psycopg or through ODBC."""

from collections.abc import Sequence
from typing import Any

from parity_checks.rows.columns import Column, Form, Kind
from parity_checks.rows.dialects.base import PLACE, Dialect, Run

_KINDS = {
    "smallint": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "bigint": Kind.INTEGER,
    "numeric": Kind.NUMBER,
    "real": Kind.FLOAT,
    "double precision": Kind.FLOAT,
    "text": Kind.TEXT,
    "character varying": Kind.TEXT,
    "character": Kind.CHAR,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "timestamp without time zone": Kind.MOMENT,
    "timestamp with time zone": Kind.AWARE,
    "time without time zone": Kind.TIME,
    "bytea": Kind.BINARY,
    "uuid": Kind.UUID,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
}
_WIDE = 2**60
"""Keys further apart than this are subtracted as ``numeric``."""

HASHABLE = frozenset(_KINDS) - {"json", "jsonb"}
"""Types whose values PostgreSQL hashes so that equal values have equal hashes (``hash_record_extended``)."""


class Postgresql(Dialect):
    """PostgreSQL 13 or later: ``trim_scale``."""

    name = "postgresql"
    hashes = "md5"
    orders_by_bytes = True
    sessions = (
        "SET default_transaction_read_only = on",
        "SET TimeZone = 'UTC'",
        "SET DateStyle = 'ISO, YMD'",
        "SET bytea_output = 'hex'",
        "SET extra_float_digits = 1",
        "SET client_encoding = 'UTF8'",
        "SET jit = off",
    )

    @staticmethod
    def limit(seconds: float) -> str:
        """``statement_timeout``, in milliseconds."""
        return f"SET statement_timeout = {round(seconds * 1000)}"

    def columns(self, run: Run, table: str) -> list[Column]:  # noqa: D102
        found = run(
            "SELECT a.attname::text, format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid), "
            "CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END), a.attnotnull, "
            "coalesce(c.collisdeterministic, true) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            "LEFT JOIN pg_collation c ON c.oid = a.attcollation "
            f"WHERE a.attrelid = to_regclass({PLACE}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            self.relation(table, None),
        )
        return [
            _column(name, native if is_exact else f"{native}, folded", is_nullable=not fixed)
            for name, native, fixed, is_exact in found
        ]

    def columns_of_query(self, description: Sequence[Any], run: Run) -> list[Column]:  # noqa: D102
        if description and isinstance(description[0][1], type):  # through ODBC: no type of the database's own
            return [Column(entry[0], Kind.UNKNOWN) for entry in description]
        names = []
        for entry in description:
            modifier = getattr(entry, "_fmod", None)
            native = run(f"SELECT format_type({int(entry[1])}, {'NULL' if modifier is None else int(modifier)})")
            names.append(_column(entry[0], _with_scale(native[0][0], entry), is_nullable=True))
        return names

    def is_unique(self, run: Run, table: str, key: Sequence[str]) -> bool:  # noqa: D102
        found = run(
            "SELECT array_to_string(array(SELECT a.attname FROM unnest(i.indkey) k JOIN pg_attribute a "
            "ON a.attrelid = i.indrelid AND a.attnum = k), chr(31)) FROM pg_index i "
            f"WHERE i.indrelid = to_regclass({PLACE}) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL "
            "AND i.indexprs IS NULL",
            self.relation(table, None),
        )
        return any(set(row[0].split("\x1f")) <= set(key) for row in found if row[0])

    def estimate(self, run: Run, table: str) -> int | None:  # noqa: D102
        place = self.relation(table, None)
        found = run(f"SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass({PLACE})", place)
        return int(found[0][0]) if found and found[0][0] >= 0 else None

    def natural(self, column: Column) -> str:  # noqa: D102
        name = self.quote(column.name)
        match column.kind:
            case Kind.AWARE:
                return f"(({name} AT TIME ZONE 'UTC')::text || '+00:00')"
            case Kind.BINARY:
                return f"encode({name}, 'hex')"
            case _:
                return f"{name}::text"

    def canonical(self, column: Column, form: Form) -> str:  # noqa: D102, PLR0911
        name = self.quote(column.name)
        match form.kind:
            case Kind.INTEGER if column.kind is Kind.INTEGER:
                return f"{name}::text"
            case Kind.NUMBER | Kind.FLOAT if column.kind in (Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN):
                exact = f"{name}::int" if column.kind is Kind.BOOLEAN else name
                return f"{exact}::text" if form.digits is not None else f"trim_scale({exact}::numeric)::text"
            case Kind.BOOLEAN if column.kind is Kind.BOOLEAN:
                return f"{name}::int::text"
            case Kind.CHAR:
                return f"rtrim({name}::text, ' ')"
            case Kind.UUID:
                return f"lower({name}::text)"
            case Kind.MOMENT | Kind.AWARE if column.kind in (Kind.DATE, Kind.MOMENT, Kind.AWARE):
                return _moment(name, column, form.digits)
            case _:
                return self.natural(column)

    def length(self, text: str) -> str:  # noqa: D102
        return f"octet_length({text})"

    def join(self, parts: Sequence[str]) -> str:  # noqa: D102
        return f"concat({', '.join(parts)})"

    def order(self, column: Column, form: Form) -> str:  # noqa: D102
        if form.kind is Kind.INTEGER:
            return self.quote(column.name)
        return f'({self.canonical(column, form)}) COLLATE "C"'

    def hashed(self, text: str) -> str:  # noqa: D102
        return f"('x' || substr(md5({text}), 1, 15))::bit(60)::bigint"

    def hashed_natively(self, columns: Sequence[Column]) -> str:
        """64 bits of the row's own hash.

        A record's hash is a sum over its columns, and sums of such sums do not notice when two rows swap one value:
        hashing it once more does (``hash_record_extended``, PostgreSQL's rowtypes.c).
        """
        row = ", ".join(self.quote(column.name) for column in columns)
        return f"hashint8extended(hash_record_extended(ROW({row}), 0), 0)"

    def bucket(self, number: str, width: int, start: int) -> str:
        """In ``numeric``, where keys are so far apart that ``bigint`` would overflow."""
        if width >= _WIDE // 1024 or abs(start) >= _WIDE:
            return f"div({number}::numeric - ({start}), {width})"
        return super().bucket(number, width, start)

    def same_key(self, column: Column, form: Form) -> str:  # noqa: D102
        if form.kind is Kind.INTEGER or column.kind is Kind.CHAR or (column.kind, form.kind) == (Kind.TEXT, Kind.TEXT):
            return self.quote(column.name)
        return self.order(column, form)

    def literal(self, value: str | None, column: Column) -> str:  # noqa: D102
        written = super().literal(value, column)
        if value is None or column.kind in (Kind.TEXT, Kind.CHAR, Kind.INTEGER, Kind.NUMBER) or not column.native:
            return written
        return f"{written}::{column.native}"

    @staticmethod
    def bytes_literal(digits: str) -> str:
        r"""``'\x...'``, PostgreSQL's own form."""
        return f"'\\x{digits}'"

    @staticmethod
    def text_literal(value: str) -> str:
        """With ``E''`` where there is a backslash: it means the same whatever the server's settings."""
        quoted = value.replace("'", "''")
        return f"E'{quoted.replace(chr(92), chr(92) * 2)}'" if "\\" in value else f"'{quoted}'"

    def guard(self, column: Column, value: str | None) -> str:  # noqa: D102
        name = self.quote(column.name)
        if value is None:
            return f"{name} IS NULL"
        if column.kind in (Kind.TEXT, Kind.CHAR, Kind.JSON):
            return f'{self.natural(column)} COLLATE "C" = {self.text_literal(value)}'
        return f"{name} = {self.literal(value, column)}"


def _moment(name: str, column: Column, digits: int | None) -> str:
    """ISO 8601 with as many digits of a second as are not zero; moments with a zone in UTC."""
    value = {Kind.AWARE: f"({name} AT TIME ZONE 'UTC')", Kind.DATE: f"{name}::timestamp"}.get(column.kind, name)
    match digits:
        case None | 6:
            return f"{value}::text"
        case 0:
            return f"date_trunc('second', {value})::text"
        case 3:
            return f"date_trunc('milliseconds', {value})::text"
        case _:
            written = f"to_char({value}, 'YYYY-MM-DD HH24:MI:SS.US')"
            return f"rtrim(rtrim(left({written}, {20 + digits}), '0'), '.')"


def _column(name: str, native: str, *, is_nullable: bool) -> Column:
    """The column. ``, folded`` after its type: a collation that is not deterministic, so its hash is of no use."""
    base, _, rest = native.partition(", folded")[0].partition("(")
    inside, _, tail = rest.partition(")")
    plain = f"{base}{tail}".strip()
    kind = _KINDS.get(plain, Kind.TEXT if plain in ("citext", "name") else Kind.UNKNOWN)
    scale: int | None = None
    if kind is Kind.NUMBER and inside:
        scale = int(inside.split(",")[1]) if "," in inside else 0
    elif kind in (Kind.MOMENT, Kind.AWARE):
        scale = int(inside) if inside else 6
    return Column(name, kind, scale, native, is_nullable=is_nullable)


def _with_scale(native: str, entry: Any) -> str:
    """``numeric(10,2)`` and ``timestamp(3) …`` where psycopg's description knows the digits."""
    if native == "numeric" and entry[4] is not None and entry[5] is not None:
        return f"numeric({entry[4]},{entry[5]})"
    return native
