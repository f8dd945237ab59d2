"""What the ledger says is in force now: rollouts, approvals, acceptances. A view, verified link by link as it grows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock
from typing import Any

from strangler.chain import GENESIS, verify_entries
from strangler.errors import LedgerBroken
from strangler.evidence import Approval
from strangler.holds import EVERYTHING
from strangler.journal import AcceptedSignature
from strangler.ledger import Entry, EntryKind, Ledger
from strangler.overrides import Ask, Confirmation, Overridden
from strangler.people import OURS
from strangler.published import Published, check_published
from strangler.schedules import Schedule


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A difference that people decided to live with, as the ledger has it. ``until`` is the last day (ISO, UTC)."""

    signature: str
    operation: str
    verdict: str
    owner: str
    why: str
    until: str
    max_rate: float | None
    who: str
    at: float
    seq: int


class Decisions:
    """Everything decided so far, read from the ledger once and then only what is new. Thread-safe.

    Args:
        ledger: the ledger.
        published: reads what engines were given last, with which the ledger must agree.
    """

    def __init__(self, ledger: Ledger, published: Callable[[], Published | None] = lambda: None) -> None:
        self._ledger = ledger
        self._published = published
        self._lock = Lock()
        self._seq = 0
        self._hash = GENESIS
        self._hashes: dict[int, str] = {0: GENESIS}
        self._moved_seq = 0
        self._shares: dict[str, Mapping[str, Any]] = {}
        self._changed_at: dict[str, float] = {}
        self._taken_back_at: dict[str, float] = {}
        self._approvals: dict[str, list[Approval]] = {}
        self._asks: dict[str, dict[str, Ask]] = {}
        self._confirmations: dict[int, list[Confirmation]] = {}
        self._overridden: dict[str, list[Overridden]] = {}
        self._schedules: dict[str, Schedule] = {}
        self._rehearsals: dict[str, Entry] = {}
        self._acceptances: dict[str, dict[str, Acceptance]] = {}

    def sync(self) -> int:
        """Read what is new; the seq of the last entry read.

        Raises:
            LedgerBroken: a new entry does not continue the chain as it was read before, or the chain is not the one
                that was published from.
            StoreError: the ledger cannot be read.
        """
        with self._lock:
            published = self._published()
            fresh = self._ledger.entries(self._seq or None)
            if fresh:
                verify_entries((entry.as_dict() for entry in fresh), after=(self._seq, self._hash))
            else:
                self._check_head()
            hashes = {**self._hashes, **{entry.seq: entry.hash for entry in fresh}} if fresh else self._hashes
            check_published(published, hashes, fresh[-1].seq if fresh else self._seq)
            for entry in fresh:
                self._take(entry)
            if fresh:
                self._seq, self._hash, self._hashes = fresh[-1].seq, fresh[-1].hash, hashes
            return self._seq

    def moved_seq(self) -> int:
        """The seq of the last entry that changed a rollout; 0 before the first."""
        return self._moved_seq

    def position(self) -> Published:
        """The last entry that was read, as it is published."""
        return Published(self._seq, self._hash)

    def shares(self, operation: str) -> Mapping[str, Any] | None:
        """The operation's rollout as the ledger holds it; ``None`` before the first decision."""
        return self._shares.get(operation)

    def changed_at(self, operation: str) -> float:
        """When its rollout last changed, in seconds since the epoch; 0 before the first decision."""
        return self._changed_at.get(operation, 0.0)

    def taken_back_at(self, operation: str) -> float | None:
        """When the operation was last taken back by a process of ours; ``None`` where it never was."""
        return self._taken_back_at.get(operation)

    def rehearsal(self, operation: str) -> Entry | None:
        """The last time that a failure of it, or a rollback, was made on purpose."""
        return self._rehearsals.get(operation)

    def approvals(self, operation: str) -> tuple[Approval, ...]:
        """Every approval since its rollout, or what is accepted in it, last changed.

        Each one's ``fingerprint`` is what it stands under: the evidence's fingerprint with the gates' policy.
        """
        return tuple(self._approvals.get(operation, ()))

    def ask(self, operation: str, to: str) -> Ask | None:
        """The last ask for an override to this rollout since the operation, or a hold on it, last changed."""
        return self._asks.get(operation, {}).get(to)

    def confirmations(self, ask: int) -> tuple[Confirmation, ...]:
        """Every confirmation of the ask with this seq."""
        return tuple(self._confirmations.get(ask, ()))

    def overridden(self, operation: str) -> tuple[Overridden, ...]:
        """Every move of it that was made although gates held, oldest first."""
        return tuple(self._overridden.get(operation, ()))

    def schedule(self, operation: str) -> Schedule | None:
        """Its schedule: the running one, or the last since somebody moved the operation by hand."""
        return self._schedules.get(operation)

    def schedules(self) -> tuple[Schedule, ...]:
        """Every schedule that runs."""
        return tuple(one for one in self._schedules.values() if one.is_running)

    def accepted(self, operation: str) -> tuple[AcceptedSignature, ...]:
        """The signatures accepted for this operation, with their end; those past it are still in."""
        return tuple(
            AcceptedSignature(one.signature, end_of(one.until), one.max_rate)
            for one in self._acceptances.get(operation, {}).values()
        )

    def acceptances(self) -> tuple[Acceptance, ...]:
        """Every acceptance that was not rejected since; those past their day are still in."""
        return tuple(one for by_signature in self._acceptances.values() for one in by_signature.values())

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
                self._moved_seq = entry.seq
                self._changed_at[operation] = entry.at
                self._take_change(operation, entry)
                if "override" in body:
                    self._overridden.setdefault(operation, []).append(_overridden(entry))
            case EntryKind.APPROVAL:
                stands_under = body.get("stands_under", body["fingerprint"])
                approval = Approval(entry.who, entry.at, str(body["to"]), str(stands_under))
                self._approvals.setdefault(operation, []).append(approval)
            case EntryKind.ACCEPTANCE:
                self._acceptances.setdefault(operation, {})[str(body["signature"])] = _acceptance(entry)
                self._void(operation)  # what was approved had this difference counted otherwise
            case EntryKind.REJECTION | EntryKind.REOPENING:
                self._acceptances.setdefault(operation, {}).pop(str(body["signature"]), None)
                self._void(operation)
            case EntryKind.SCHEDULE:
                self._schedules[operation] = _schedule(entry)
            case EntryKind.SCHEDULE_END:
                self._end_schedule(operation, str(body["why"]), int(body["schedule"]))
            case EntryKind.OVERRIDE:
                self._asks.setdefault(operation, {})[str(body["to"])] = _ask(entry)
            case EntryKind.CONFIRMATION:
                self._confirmations.setdefault(int(body["ask"]), []).append(_confirmation(entry))
            case EntryKind.REHEARSAL:
                self._rehearsals[operation] = entry
            case EntryKind.HOLD:
                self._take_hold(entry)
            case _:
                pass  # the other kinds decide nothing about an operation

    def _take_change(self, operation: str, entry: Entry) -> None:
        """A step of a schedule leaves its approvals: they are of its end. Any other change ends it, and voids them."""
        there, step = self._schedules.get(operation), entry.body.get("schedule")
        if there is not None and there.is_running and step and step["entry"] == there.seq:
            there = self._schedules[operation] = there.after_step(int(step["step"]), entry.at)
            self._asks.pop(operation, None)
            if there.ended:
                self._void(operation)
            return
        self._void(operation)
        if entry.kind is EntryKind.ROLLBACK:
            if entry.who.startswith(OURS):
                self._taken_back_at[operation] = entry.at
            self._end_schedule(operation, f"taken back by {entry.who}: {entry.body.get('why', '')}")
        else:
            self._schedules.pop(operation, None)

    def _end_schedule(self, operation: str, why: str, seq: int | None = None) -> None:
        """The running schedule takes no more steps; with ``seq`` only if it is that one."""
        there = self._schedules.get(operation)
        if there is not None and there.is_running and seq in {None, there.seq}:
            self._schedules[operation] = replace(there, ended=why)
            self._void(operation)

    def _take_hold(self, entry: Entry) -> None:
        """What was asked for before somebody stopped the operation is asked for again, or does not happen."""
        held = [str(name) for name in entry.body.get("operations", (EVERYTHING,))]
        for operation in {*self._asks, *self._schedules} if EVERYTHING in held else held:
            self._asks.pop(operation, None)
            self._end_schedule(operation, f"held by {entry.who}: {entry.body.get('why', '')}")

    def _void(self, operation: str) -> None:
        """Nothing that was agreed to before stands any more."""
        self._approvals[operation] = []
        self._asks.pop(operation, None)


def _ask(entry: Entry) -> Ask:
    body = entry.body
    to, gates = str(body["to"]), {gate: str(says) for gate, says in body["overrides"].items()}
    return Ask(entry.seq, body["operation"], to, entry.who, body["why"], entry.at, gates, body["stands_under"])


def _confirmation(entry: Entry) -> Confirmation:
    body = entry.body
    return Confirmation(entry.seq, int(body["ask"]), entry.who, body["why"], entry.at, str(body["stands_under"]))


def _schedule(entry: Entry) -> Schedule:
    body = entry.body
    return Schedule(
        seq=entry.seq,
        operation=body["operation"],
        who=entry.who,
        why=body["why"],
        at=entry.at,
        steps=tuple(body["steps"]),
        pause_s=float(body["pause_s"]),
        patience_s=float(body["patience_s"]),
    )


def _overridden(entry: Entry) -> Overridden:
    body, override = entry.body, entry.body["override"]
    return Overridden(
        seq=entry.seq,
        at=entry.at,
        operation=body["operation"],
        to=body["after"],
        asked_by=override["asked_by"],
        confirmed_by=tuple(one["who"] for one in override["confirmed_by"]),
        why=override["why"],
        gates=tuple(gate["gate"] for gate in override["gates"]),
    )


def _acceptance(entry: Entry) -> Acceptance:
    fields = ("signature", "operation", "verdict", "owner", "why", "until", "max_rate")
    return Acceptance(**{name: entry.body[name] for name in fields}, who=entry.who, at=entry.at, seq=entry.seq)


def end_of(day: str) -> float:
    """The end of an ISO date (UTC) in seconds since the epoch.

    Raises:
        ValueError: it is no ISO date.
    """
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC).timestamp()
