"""The decision table: a plan and its rollouts, compiled. Immutable, and swapped whole."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from proxy.decide.entry import Entry, Upstream, compile_entry
from proxy.decide.index import Index
from proxy.decide.spelling import normal_path
from strangler.exchange import Request
from strangler.plan.addresses import system_url
from strangler.plan.explain import Explanation
from strangler.plan.models import Plan
from strangler.plan.precedence import prefix_segments
from strangler.rollout import Rollout, thresholds
from strangler.stages import Stage


@dataclass(frozen=True, slots=True)
class Move:
    """One operation's rollout, ready to decide by: ``sole`` is the stage of every key where there is only one."""

    limits: tuple[tuple[int, Stage], ...]
    sole: Stage | None
    has_complete: bool


@lru_cache(maxsize=1024)
def move_of(rollout: Rollout) -> Move:
    """Precompute a rollout's limits; operations with equal rollouts share one."""
    stages = [stage for stage, _ in rollout.shares]
    return Move(thresholds(rollout), stages[0] if len(stages) == 1 else None, Stage.COMPLETE in stages)


_UNMOVED = move_of(Rollout())


@dataclass(frozen=True, slots=True)
class Table:
    """What ``decide`` reads. ``serves`` are path prefixes of requests that no operation matches, longest first."""

    entries: Mapping[str, Entry]
    index: Index
    serves: tuple[tuple[str, Upstream], ...]
    moves: Mapping[str, Move]
    held: frozenset[str]

    def move(self, operation: str) -> Move:
        """The operation's rollout; all off where none was decided."""
        return self.moves.get(operation, _UNMOVED)

    def is_held(self, operation: str) -> bool:
        """Whether the kill switch sends this operation to old."""
        return bool(self.held) and (operation in self.held or "*" in self.held)

    def moved(self, rollouts: Mapping[str, Rollout], held: Collection[str] | None = None) -> "Table":
        """The same plan under other rollouts and another hold: cheap, whatever the plan's size."""
        return Table(self.entries, self.index, self.serves, _moves(rollouts), frozenset(held or ()))

    def explain(self, request: Request) -> Explanation:
        """Say why a request is decided as it is; see ``strangler.plan.explain``."""
        from proxy.decide.explain import explain

        return explain(self, request)


def compile_table(plan: Plan, rollouts: Mapping[str, Rollout], held: Collection[str] | None = None) -> Table:
    """Compile a plan that loaded.

    Args:
        plan: as ``load_plan`` gave it.
        rollouts: operation to rollout; an operation that is not in it is off.
        held: operations that go to old whatever their rollout; ``"*"`` among them means every one.
    """
    entries = {name: compile_entry(plan, name, order) for order, name in enumerate(plan.operations)}
    return Table(entries, Index(entries.values()), _serves(plan), _moves(rollouts), frozenset(held or ()))


def _moves(rollouts: Mapping[str, Rollout]) -> dict[str, Move]:
    return {operation: move_of(rollout) for operation, rollout in rollouts.items()}


def _serves(plan: Plan) -> tuple[tuple[str, Upstream], ...]:
    found = []
    for name, system in plan.systems.items():
        for prefix in system.serves:
            url = system_url(system)
            normal = "/" + "/".join(prefix_segments(normal_path(prefix)))
            found.append((normal, Upstream(name, url, None, system.timeout_s, via_gateway=False)))
    return tuple(sorted(found, key=lambda item: -len(item[0])))
