"""What kind of values columns hold, and the one form in which two columns are compared. Pure.

A form promises that **equal texts mean equal values**; it need not promise that equal values have equal texts. So a
checksum or a merge that finds two rows equal is right, and rows whose texts differ are candidates that
``values.are_same`` judges, exactly, in one place.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column's type says about its values."""

    INTEGER = "integer"
    NUMBER = "number"
    FLOAT = "float"
    TEXT = "text"
    CHAR = "char"
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "moment"
    AWARE = "moment with zone"
    TIME = "time"
    BINARY = "binary"
    UUID = "uuid"
    JSON = "json"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as its database declares it.

    ``scale`` is the digits after the point (numbers) or of a second (moments), ``None`` where the type does not say.
    ``native`` is the type's full name there, ``charset`` its character set where it has one of its own.
    """

    name: str
    kind: Kind
    scale: int | None = None
    native: str = ""
    charset: str = ""
    is_nullable: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """The form in which two columns are compared; ``digits`` as in ``Column.scale``, ``None`` for as many as needed."""

    kind: Kind
    digits: int | None = None

    def __str__(self) -> str:
        if self.digits is None or self.kind not in (Kind.NUMBER, Kind.MOMENT, Kind.AWARE):
            return self.kind.value
        return f"{self.kind.value} to {self.digits} places"


_NUMERIC = (Kind.INTEGER, Kind.NUMBER, Kind.FLOAT, Kind.BOOLEAN)
_TIMES = (Kind.DATE, Kind.MOMENT, Kind.AWARE)
_MOST_DIGITS = 6


def form_of(old: Column, new: Column) -> Form:  # noqa: PLR0911  one line per kind
    """The form for this pair. What the types make certain is certain here; what is a decision is a rule's matter."""
    first = new.kind if old.kind is Kind.UNKNOWN else old.kind
    second = old.kind if new.kind is Kind.UNKNOWN else new.kind
    kinds = {first, second} - {Kind.UNKNOWN}
    if not kinds:
        return Form(Kind.TEXT)
    if kinds <= {Kind.BOOLEAN, Kind.INTEGER} and Kind.BOOLEAN in kinds:
        return Form(Kind.BOOLEAN)
    if kinds <= {*_NUMERIC}:
        return _number_form(kinds, old, new)
    if kinds <= {*_TIMES} and kinds != {Kind.DATE}:
        kind = Kind.AWARE if Kind.AWARE in kinds else Kind.MOMENT
        return Form(kind, _coarser(old, new))
    if kinds <= {Kind.TEXT, Kind.CHAR} and Kind.CHAR in kinds:
        return Form(Kind.CHAR)
    if kinds <= {Kind.TEXT, Kind.CHAR, Kind.UUID} and Kind.UUID in kinds:
        return Form(Kind.UUID)
    return Form(kinds.pop()) if len(kinds) == 1 else Form(Kind.TEXT)


def _number_form(kinds: set[Kind], old: Column, new: Column) -> Form:
    if kinds == {Kind.INTEGER}:
        return Form(Kind.INTEGER)
    if Kind.FLOAT in kinds:
        return Form(Kind.FLOAT)
    same = old.scale == new.scale and old.kind is new.kind and old.scale is not None
    return Form(Kind.NUMBER, old.scale if same else None)


def _coarser(old: Column, new: Column) -> int:
    """Digits of a second that both can hold; a date holds none, but is not asked to: its midnight is exact."""
    return min(
        (_MOST_DIGITS if column.scale is None else column.scale)
        if column.kind in (Kind.MOMENT, Kind.AWARE)
        else _MOST_DIGITS
        for column in (old, new)
    )
