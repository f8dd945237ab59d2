"""Takes an operation back to old at once: the engine itself, without waiting for the guard, the journal or the ledger.

It counts answers of the new side that failed, for each operation, since that operation's rollout was last decided, and
the requests that are on their way there. Once failures come in a row, each of those is taken for a failure to come: so
callers see no more of them than the plan allows, and not that many and a few.
"""

from collections import Counter
from collections.abc import Iterable

from strangler.plan.models import Plan

IN_A_ROW = 3
"""Failures without a success between them, after which requests under way are expected to fail too."""


class Breaker:
    """Counts failed answers of the new side. One thread counts; renewing from another is safe.

    Args:
        processes: how many engines share the work: each allows its part of ``rollback.failed_at_most``, at least one.
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._failed: Counter[str] = Counter()
        self._in_a_row: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()

    def began(self, operation: str) -> None:
        """A request of this operation is on its way to the new side."""
        self._under_way[operation] += 1

    def ended(self, operation: str, *, has_failed: bool) -> None:
        """It was answered, or was not."""
        self._under_way[operation] -= 1
        if has_failed:
            self._failed[operation] += 1
            self._in_a_row[operation] += 1
        else:
            self._in_a_row[operation] = 0

    def is_spent(self, plan: Plan, operation: str) -> bool:
        """Whether one more request to the new side could be one failure too many."""
        entry = plan.operations.get(operation)
        if entry is None or entry.rollback is None:
            return False
        limit = max(1, entry.rollback.failed_at_most // self._processes)
        expected = self._under_way[operation] if self._in_a_row[operation] >= IN_A_ROW else 0
        return self._failed[operation] + expected >= limit

    def failed(self, operation: str) -> int:
        """How many failed answers were counted since the last renewal."""
        return self._failed[operation]

    def renew(self, operations: Iterable[str]) -> None:
        """A new rollout was decided for these: count from nothing."""
        for operation in operations:
            self._failed.pop(operation, None)
            self._in_a_row.pop(operation, None)
