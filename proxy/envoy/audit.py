"""Envoy's own count of answers, held against those that we were told of. Pure.

Observing never holds up a caller, so what Envoy could not tell us is not told; but it counts. An answer that it counted
and that nobody told us of is a loss, and a lost write a gap: nothing is silently dropped.
"""

from collections import Counter, deque
from collections.abc import Mapping

STATS = r"^vhost\.[^.]*\.route\..*\.upstream_rq_completed$"
"""The counters, by ``Admin.stats``."""


class Audit:
    """Finds answers that we were not told of.

    Args:
        patience_s: how long after Envoy counted an answer we may still be told of it.
    """

    def __init__(self, patience_s: float = 10.0) -> None:
        self._patience_s = patience_s
        self._seen: Counter[str] = Counter()
        self._missed: Counter[str] = Counter()
        self._history: deque[tuple[float, dict[str, int]]] = deque()

    def saw(self, operation: str) -> None:
        """We were told that an answer to this operation began."""
        self._seen[operation] += 1

    def missing(self, answered: Mapping[str, int], now: float, *, is_last: bool = False) -> dict[str, int]:
        """Operation to how many answers are newly known to be missing.

        Args:
            answered: operation to how many answers Envoy has counted.
            now: seconds, on a clock that only goes forward.
            is_last: nothing more will be told: do not wait.
        """
        self._history.append((now, dict(answered)))
        due = self._history[-1][1] if is_last else self._due(now)
        found: dict[str, int] = {}
        for operation, count in due.items():
            missing = count - self._seen[operation] - self._missed[operation]
            if missing > 0:
                self._missed[operation] += missing
                found[operation] = missing
        return found

    def is_even(self, answered: Mapping[str, int]) -> bool:
        """Whether we were told of every answer."""
        return all(count <= self._seen[name] + self._missed[name] for name, count in answered.items())

    def _due(self, now: float) -> dict[str, int]:
        due: dict[str, int] = {}
        while self._history and self._history[0][0] <= now - self._patience_s:
            due = self._history.popleft()[1]
        return due


def by_operation(stats: Mapping[str, int]) -> dict[str, int]:
    """Operation to Envoy's counter, from its names."""
    return {name.split(".route.", 1)[1].rpartition(".")[0]: count for name, count in stats.items()}
