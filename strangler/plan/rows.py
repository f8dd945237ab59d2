"""How two tables or queries are reconciled: the part of the plan that ``strangler rows`` reads. Pydantic models."""

from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from strangler.plan.basis import Model, Name, Ratio
from strangler.plan.comparison import (
    AbsenceRule,
    CodeRule,
    CustomRule,
    DatetimeRule,
    IdRule,
    IgnoreRule,
    MoneyRule,
    NumberRule,
    OpaqueRule,
    TextRule,
)


class OfColumn(Model):
    """Says which column a rule is about, where rules about answers say a path."""

    column: str = Field(min_length=1, description="The old side's column that this rule is about.")
    path: SkipJsonSchema[str] = ""
    at_most: SkipJsonSchema[Ratio | None] = None

    @model_validator(mode="before")
    @classmethod
    def _column_for_path(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("path"):
            raise ValueError("rows have columns, no paths: say 'column:'")
        if isinstance(data, dict) and data.get("at_most") is not None:
            raise ValueError("at_most is a share of exchanges: rows have none")
        if isinstance(data, dict) and isinstance(data.get("column"), str):
            return {**data, "path": data["column"]}
        return data


class ColumnIgnore(OfColumn, IgnoreRule):
    """The column may differ. The bluntest rule: prefer ``opaque``."""


class ColumnOpaque(OfColumn, OpaqueRule):
    """Both sides must have a value of this form; the value is each side's own."""


class ColumnDatetime(OfColumn, DatetimeRule):
    """Equal as points in time: local time against UTC, other formats, whole seconds against microseconds."""


class ColumnNumber(OfColumn, NumberRule):
    """Equal as numbers, within a tolerance: a float against a decimal, a number kept as text."""


class ColumnMoney(OfColumn, MoneyRule):
    """Equal as amounts of money, whatever the unit each side uses."""


class ColumnText(OfColumn, TextRule):
    """Equal as text after folding."""


class ColumnCode(OfColumn, CodeRule):
    """Old codes and new codes that mean the same: Y and true, M and male."""


class ColumnAbsence(OfColumn, AbsenceRule):
    """NULL and empty mean the same here; the zero date and a column of spaces are empty."""


class ColumnId(OfColumn, IdRule):
    """Each side's own id of the same thing: equal where the identity map says so."""


class ColumnCustom(OfColumn, CustomRule):
    """Equal where a function of yours says so: ``function(old, new)``, each text or None for NULL."""


ColumnRule = Annotated[
    ColumnIgnore
    | ColumnOpaque
    | ColumnDatetime
    | ColumnNumber
    | ColumnMoney
    | ColumnText
    | ColumnCode
    | ColumnAbsence
    | ColumnId
    | ColumnCustom,
    Field(discriminator="as_"),
]


class RowsSide(Model):
    """Where one side's rows are: in a system of the plan or at an address, a table or a query."""

    system: Name | None = Field(None, description="A system that speaks odbc, or has ``rows_connection``.")
    connection: str | None = Field(
        None, description="SQLAlchemy address or ODBC connection string instead; keep it in ${ENV}."
    )
    table: str | None = Field(None, description="The table, with its schema before a dot where it needs one.")
    query: str | None = Field(None, description="A SELECT instead; it must name each column once.")

    @model_validator(mode="after")
    def _one_of_each(self) -> "RowsSide":
        if (self.system is None) == (self.connection is None):
            raise ValueError("say either system or connection")
        if (self.table is None) == (self.query is None):
            raise ValueError("say either table or query")
        return self


class Rows(Model):
    """Two tables or queries whose rows must be the same."""

    old: RowsSide
    """Where the old side's rows are."""
    new: RowsSide
    """Where the new side's rows are."""
    key: tuple[str, ...] = Field(min_length=1, description="The old side's columns that identify a row; never NULL.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Old column to new column; columns of one name on both sides where not given. Key columns that "
        "have another name on the new side belong here too.",
    )
    rules: tuple[ColumnRule, ...] = ()
    """Where two values of a column may differ, and why."""
    in_flight_s: float = Field(
        2.0, ge=0, le=3600, description="How long a row that differs is waited for before both sides are read again."
    )
