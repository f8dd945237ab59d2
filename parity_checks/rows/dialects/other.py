"""Any other database: nothing is asked of it but SELECT, and rows are sorted on our side."""

from collections.abc import Sequence
from typing import Any

from parity_checks.rows.columns import Column, Form, Kind
from parity_checks.rows.dialects.base import Dialect, Run


class Other(Dialect):
    """ANSI SQL without any function: values come as the driver makes them, and Python writes their text."""

    name = "other"

    def columns(self, run: Run, table: str) -> list[Column]:  # noqa: ARG002, D102
        return []  # by ``columns_of_query``: the driver's description is all there is

    def columns_of_query(self, description: Sequence[Any], run: Run) -> list[Column]:  # noqa: ARG002, D102
        kinds = {"int": Kind.INTEGER, "Decimal": Kind.NUMBER, "float": Kind.FLOAT, "bool": Kind.BOOLEAN}
        kinds |= {"datetime": Kind.MOMENT, "date": Kind.DATE, "bytes": Kind.BINARY, "bytearray": Kind.BINARY}
        found = [(entry[0], kinds.get(getattr(entry[1], "__name__", ""), Kind.UNKNOWN)) for entry in description]
        return [Column(name, kind) for name, kind in found]

    def natural(self, column: Column) -> str:  # noqa: D102
        return self.quote(column.name)

    def canonical(self, column: Column, form: Form) -> str:  # noqa: ARG002, D102
        return self.quote(column.name)

    def length(self, text: str) -> str:  # noqa: D102
        raise NotImplementedError(text)

    def join(self, parts: Sequence[str]) -> str:  # noqa: D102
        raise NotImplementedError(", ".join(parts))
