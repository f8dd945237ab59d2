"""What the ledger says is in force now: rollouts, approvals, acceptances. A view, verified link by link as it grows."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock
from typing import Any

from strangler.errors import LedgerBroken
from strangler.evidence import Approval
from strangler.journal import AcceptedSignature
from strangler.ledger import GENESIS, Entry, EntryKind, Ledger, verify_entries


class Decisions:
    """Everything decided so far, read from the ledger once and then only what is new. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = Lock()
        self._seq = 0
        self._hash = GENESIS
        self._shares: dict[str, Mapping[str, Any]] = {}
        self._changed_at: dict[str, float] = {}
        self._approvals: dict[str, list[Approval]] = {}
        self._acceptances: dict[str, dict[str, Mapping[str, Any]]] = {}

    def sync(self) -> int:
        """Read what is new; the seq of the last entry read.

        Raises:
            LedgerBroken: a new entry does not continue the chain as it was read before.
            StoreError: the ledger cannot be read.
        """
        with self._lock:
            fresh = self._ledger.entries(self._seq)
            if not fresh:
                self._check_head()
                return self._seq
            verify_entries((entry.as_dict() for entry in fresh), after=(self._seq, self._hash))
            for entry in fresh:
                self._take(entry)
            self._seq, self._hash = fresh[-1].seq, fresh[-1].hash
            return self._seq

    def shares(self, operation: str) -> Mapping[str, Any] | None:
        """The operation's rollout as the ledger holds it; ``None`` before the first decision."""
        return self._shares.get(operation)

    def changed_at(self, operation: str) -> float:
        """When its rollout last changed, in seconds since the epoch; 0 before the first decision."""
        return self._changed_at.get(operation, 0.0)

    def approvals(self, operation: str) -> tuple[Approval, ...]:
        """Every approval since its rollout last changed."""
        return tuple(self._approvals.get(operation, ()))

    def accepted(self, operation: str) -> tuple[AcceptedSignature, ...]:
        """The signatures accepted for this operation, with their end; those past it are still in."""
        return tuple(
            AcceptedSignature(signature, end_of(body.get("until")), body.get("max_rate"))
            for signature, body in self._acceptances.get(operation, {}).items()
        )

    def _check_head(self) -> None:
        head = self._ledger.head()
        if (head.seq, head.hash) != (self._seq, self._hash) if head else self._seq != 0:
            raise LedgerBroken(self._seq, "the ledger's end is not the one that was read before")

    def _take(self, entry: Entry) -> None:
        body = entry.body
        operation = str(body.get("operation", ""))
        match entry.kind:
            case EntryKind.ROLLOUT | EntryKind.ROLLBACK:
                self._shares[operation] = body["after"]
                self._changed_at[operation] = entry.at
                self._approvals[operation] = []
            case EntryKind.APPROVAL:
                approval = Approval(entry.who, entry.at, str(body["to"]), str(body["fingerprint"]))
                self._approvals.setdefault(operation, []).append(approval)
            case EntryKind.ACCEPTANCE:
                self._acceptances.setdefault(operation, {})[str(body["signature"])] = body
            case EntryKind.REJECTION:
                self._acceptances.setdefault(operation, {}).pop(str(body["signature"]), None)
            case _:
                pass  # the other kinds decide nothing about an operation


def end_of(day: str | None) -> float | None:
    """The end of an ISO date (UTC) in seconds since the epoch.

    Raises:
        ValueError: it is no ISO date.
    """
    if day is None:
        return None
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC).timestamp()
