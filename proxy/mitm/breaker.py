"""Takes an operation back to old at once: the engine itself, without waiting for the guard, the journal or the ledger.

It counts answers of the new side that failed, for each operation, since that operation's rollout was last decided.
"""

from collections.abc import Iterable

from strangler.plan.models import Plan


class Breaker:
    """Counts failed answers of the new side. One thread counts; renewing from another is safe.

    Args:
        processes: how many engines share the work: each allows its part of ``rollback.failed_at_most``, at least one.
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._failed: dict[str, int] = {}

    def has_tripped(self, plan: Plan, operation: str) -> bool:
        """Count one failed answer; whether it is the one that takes the operation back."""
        entry = plan.operations.get(operation)
        if entry is None or entry.rollback is None:
            return False
        failed = self._failed[operation] = self._failed.get(operation, 0) + 1
        return failed == max(1, entry.rollback.failed_at_most // self._processes)

    def failed(self, operation: str) -> int:
        """How many failed answers were counted since the last renewal."""
        return self._failed.get(operation, 0)

    def renew(self, operations: Iterable[str]) -> None:
        """A new rollout was decided for these: count from nothing."""
        for operation in operations:
            self._failed.pop(operation, None)
