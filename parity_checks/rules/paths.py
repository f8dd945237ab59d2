"""Many paths followed at once on the way down a body. Pure.

How a path is written is ``strangler.plan.rule_paths``'s matter; here is what it means.
"""

from collections.abc import Sequence

from strangler.plan.rule_paths import ANY, Label, Step


class State:
    """How far each path has been followed on the way down. ``hits`` are the paths that end here.

    ``is_dead`` where no path leads here; ``is_last`` where none leads further down.
    """

    __slots__ = ("_next", "_owner", "_positions", "hits", "is_dead", "is_last")

    def __init__(self, owner: "Automaton", positions: frozenset[tuple[int, int]]) -> None:
        self._owner = owner
        self._positions = positions
        self._next: dict[Label, State] = {}
        self.hits = tuple(sorted(path for path, position in positions if position == len(owner.paths[path])))
        self.is_dead = not positions
        self.is_last = all(position == len(owner.paths[path]) for path, position in positions)

    @property
    def nowhere(self) -> "State":
        """The state in which no path goes on."""
        return self._owner.after(frozenset(), "")

    def step(self, label: Label) -> "State":
        """The state one step further down."""
        if self.is_dead:
            return self
        known = label if label in self._owner.labels else self._owner.stranger(label)
        state = self._next.get(known)
        if state is None:
            state = self._next[known] = self._owner.after(self._positions, known)
        return state


class Automaton:
    """Many paths followed at once; built lazily, bounded by the paths and not by the bodies."""

    def __init__(self, paths: Sequence[tuple[Step, ...]], skip: Sequence[bool] = ()) -> None:
        self.paths = tuple(paths)
        self.labels = frozenset(step.label for path in self.paths for step in path)
        self._states: dict[frozenset[tuple[int, int]], State] = {}
        followed = (index for index in range(len(self.paths)) if not (skip and skip[index]))
        self.start = self._state(frozenset((index, 0) for index in followed))

    @staticmethod
    def stranger(label: Label) -> Label:
        """One label that stands for all of its sort which no path names."""
        if isinstance(label, int):
            return -1
        return "@" if label.startswith("@") else ""

    def after(self, positions: frozenset[tuple[int, int]], label: Label) -> State:
        """The state reached from these positions by this label."""
        reached: set[tuple[int, int]] = set()
        for path, position in positions:
            if position == len(self.paths[path]):
                continue
            step = self.paths[path][position]
            if step.deep:
                reached.add((path, position))
            if _fits(step.label, label):
                reached.add((path, position + 1))
        return self._state(frozenset(reached))

    def _state(self, positions: frozenset[tuple[int, int]]) -> State:
        state = self._states.get(positions)
        if state is None:
            state = self._states[positions] = State(self, positions)
        return state


def _fits(wanted: Label, label: Label) -> bool:
    is_attribute = isinstance(label, str) and label.startswith("@")
    if wanted == ANY:
        return not is_attribute
    if wanted == "@*":
        return is_attribute
    return type(wanted) is type(label) and wanted == label
