"""Two JSON bodies that are the same but for a few places: those places found, and the rest proved equal. Pure.

Python's own ``==`` skips what is equal, in C, down to the places that differ. It takes ``True`` for 1, so what it
skipped is proved afterwards: the new side is given the old side's values at those places and written down again, and
must then be the old body's text, but for the order of members. Where that does not hold, or where anything has to be
weighed (elements that may have moved, rules on the way), nothing is told, and the careful walk looks at both bodies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress, count, pairwise
from operator import ne
from typing import Any, Final

from parity_checks.canonical.trees import ABSENT
from parity_checks.compare.findings import Place
from parity_checks.rules.compiled import CompiledRules
from parity_checks.rules.paths import State

_MOST: Final = 24
"""More places than this are the careful walk's business."""


class _Weigh(Exception):
    """Something here must be weighed: the careful walk has to look."""


@dataclass(slots=True)
class Leaves:
    """The places found: each with what old and what new has there. ``undo`` makes the new side the old one."""

    rules: CompiledRules
    found: list[tuple[Place, Any, Any]] = field(default_factory=list)
    undo: list[tuple[Any, Any, Any]] = field(default_factory=list)

    def look(self, old: Any, new: Any, state: State, place: Place) -> None:
        """Look into two containers that are not equal.

        Raises:
            _Weigh: this is nothing for a quick look.
        """
        if state.hits:
            raise _Weigh
        if type(old) is dict and type(new) is dict:
            self._members(old, new, state, place)
        elif type(old) is list and type(new) is list:
            self._elements(old, new, state, place)
        else:
            raise _Weigh

    def _members(self, old: dict[str, Any], new: dict[str, Any], state: State, place: Place) -> None:
        if len(old) != len(new) or self.rules.renaming.at(state):
            raise _Weigh
        for name, value in old.items():
            try:
                other = new[name]
            except KeyError:
                raise _Weigh from None
            if value != other:
                self._place(value, other, state.step(name), (place, name, None), (new, name))

    def _elements(self, old: list[Any], new: list[Any], state: State, place: Place) -> None:
        if len(old) != len(new):
            self._block(old, new, state, place)
            return
        apart = [*compress(count(), map(ne, old, new))]
        if len(apart) > 1 and (not state.is_last or _may_have_moved(old, new, apart)):
            raise _Weigh
        for at in apart:
            self._place(old[at], new[at], state.step(at), (place, None, at), (new, at))

    def _block(self, old: list[Any], new: list[Any], state: State, place: Place) -> None:
        """Elements beside each other that only one side has, and the rest equal."""
        head = next(compress(count(), map(ne, old, new)), min(len(old), len(new)))
        more, less = (old, new) if len(old) > len(new) else (new, old)
        size = len(more) - len(less)
        if size > _MOST or not less or more[head + size :] != less[head:]:
            raise _Weigh
        for at in range(head, head + size):
            if state.step(at).hits:
                raise _Weigh
            self._found((place, None, at), *((more[at], ABSENT) if more is old else (ABSENT, more[at])))
        if more is old:
            self.undo.append((new, slice(head, head), old[head : head + size]))
        else:
            self.undo.append((new, slice(head, head + size), []))

    def _place(self, old: Any, new: Any, state: State, place: Place, where: tuple[Any, Any]) -> None:
        kind = type(old)
        if (kind is dict or kind is list) and kind is type(new):
            self.look(old, new, state, place)
            return
        if state.hits:
            raise _Weigh
        self._found(place, old, new)
        self.undo.append((*where, old))

    def _found(self, place: Place, old: Any, new: Any) -> None:
        if len(self.found) == _MOST:
            raise _Weigh
        self.found.append((place, old, new))


def _may_have_moved(old: Sequence[Any], new: Sequence[Any], apart: Sequence[int]) -> bool:
    """Whether what differs may be the same elements at other places, or stands side by side."""
    if len(apart) > _MOST or any(before + 1 == at for before, at in pairwise(apart)):
        return True
    return any(old[one] == new[other] for one in apart for other in apart if one != other)


def leaves_of(old: Any, new: Any, state: State, rules: CompiledRules) -> Leaves | None:
    """Where two JSON values differ, if a quick look can tell; what it skipped has yet to be proved."""
    leaves = Leaves(rules)
    try:
        leaves.look(old, new, state, None)
    except _Weigh:
        return None
    return leaves


def made_equal(leaves: Leaves) -> None:
    """Give the new side what the old side has at the places found: whatever still differs was not found."""
    for container, key, value in leaves.undo:
        container[key] = value
