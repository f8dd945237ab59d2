"""The ground truth: which defects release 1 was given, and which finding is which defect."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from strangler.journal import Finding

DEFECTS = Path(__file__).parents[1] / "defects.yaml"


@dataclass(frozen=True, slots=True)
class Defect:
    """One deliberate fault of release 1, and where it must show."""

    id: str
    title: str
    operation: str
    paths: tuple[str, ...]
    kinds: tuple[str, ...]
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Paths by operation where it shows besides: effects of writes."""

    def explains(self, finding: Finding) -> bool:
        """Whether the finding is this defect."""
        paths = self.paths if finding.operation == self.operation else self.also.get(finding.operation, ())
        return finding.kind.value in self.kinds and any(re.fullmatch(path, finding.general_path) for path in paths)


def load_defects(path: Path = DEFECTS) -> tuple[Defect, ...]:
    """The defects, in the file's order."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["defects"]
    return tuple(
        Defect(
            entry["id"],
            entry["title"],
            entry["operation"],
            tuple(entry["paths"]),
            tuple(entry["kinds"]),
            {operation: tuple(paths) for operation, paths in entry.get("also", {}).items()},
        )
        for entry in entries
    )


def explained(defects: Iterable[Defect], finding: Finding) -> str | None:
    """The id of the defect that the finding is; ``None`` where it is none of them."""
    return next((defect.id for defect in defects if defect.explains(finding)), None)
