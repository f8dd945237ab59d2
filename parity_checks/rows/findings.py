"""What a reconciliation finds: data, one for each key that is not the same on both sides. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

Key = tuple[Any, ...]
"""A key's columns: whole numbers as numbers, all else as canonical text."""


class RowKind(StrEnum):
    """What is wrong with a key."""

    MISSING = "missing"
    """The old side has the row, the new side lacks it."""
    SURPLUS = "surplus"
    """The new side has the row, the old side lacks it."""
    CHANGED = "changed"
    """Both have it, and some columns differ."""
    DUPLICATE = "duplicate"
    """One side has more than one row with this key, so none of them is compared."""


@dataclass(frozen=True, slots=True)
class RowFinding:
    """One key that is not the same on both sides.

    ``old`` and ``new`` are all compared columns by the old side's names, as text, ``None`` for NULL; a side without
    the row has none of them. ``columns`` are the ones that differ. ``copies`` is how many rows each side has.
    """

    kind: RowKind
    key: Key
    columns: tuple[str, ...] = ()
    old: Mapping[str, str | None] = field(default_factory=dict)
    new: Mapping[str, str | None] = field(default_factory=dict)
    copies: tuple[int, int] = (1, 1)

    def as_dict(self) -> dict[str, Any]:
        """For a line of JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RowFinding":
        """From a line of JSON."""
        return cls(
            RowKind(data["kind"]),
            tuple(data["key"]),
            tuple(data["columns"]),
            data["old"],
            data["new"],
            (data["copies"][0], data["copies"][1]),
        )


@dataclass(slots=True)
class Tally:
    """Counts of a reconciliation so far; ``rows`` are those read or summed on each side."""

    old_rows: int = 0
    new_rows: int = 0
    missing: int = 0
    surplus: int = 0
    changed: int = 0
    duplicate: int = 0
    settled: int = 0
    by_column: dict[str, int] = field(default_factory=dict)

    @property
    def differences(self) -> int:
        """How many keys are not the same."""
        return self.missing + self.surplus + self.changed + self.duplicate

    def add(self, finding: RowFinding) -> None:
        """Count one finding."""
        setattr(self, finding.kind.value, getattr(self, finding.kind.value) + 1)
        for column in finding.columns:
            self.by_column[column] = self.by_column.get(column, 0) + 1
