"""Which members, elements and attributes the new side calls by another name, at each place. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from parity_checks.rules.paths import State
from strangler.plan.comparison import RenameRule, Rule
from strangler.plan.rule_paths import Path


@dataclass(frozen=True, slots=True)
class Rename:
    """What rules call a child of one place on each side (``@`` before an attribute's name), and which rule says so."""

    old: str
    new: str
    rule: int


class Renaming:
    """The ``rename`` rules of one operation, asked by place; what was found is kept, bounded by the rules."""

    __slots__ = ("_known", "_renames")

    def __init__(self, rules: Sequence[Rule], paths: Sequence[Path]) -> None:
        self._renames: tuple[Rename, ...] = tuple(_renames(rules, paths))
        self._known: dict[State, tuple[Rename, ...]] = {}

    def at(self, state: State) -> tuple[Rename, ...]:
        """What is renamed among the children of this place."""
        if not self._renames or state.is_dead:
            return ()
        found = self._known.get(state)
        if found is None:
            found = tuple(rename for rename in self._renames if rename.rule in state.step(rename.old).hits)
            self._known[state] = found
        return found


def _renames(rules: Sequence[Rule], paths: Sequence[Path]) -> Iterable[Rename]:
    for index, (rule, path) in enumerate(zip(rules, paths, strict=True)):
        if isinstance(rule, RenameRule) and path.steps and isinstance(path.steps[-1].label, str):
            label = path.steps[-1].label
            yield Rename(label, renamed_to(label, rule.to), index)


def renamed_to(label: str, to: str) -> str:
    """The new name as rules call it: an attribute stays an attribute, with or without ``@`` written before it."""
    return "@" + to.removeprefix("@") if label.startswith("@") else to
