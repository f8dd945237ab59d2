"""What goes into the journal beside exchanges, and what comes out of it. Frozen, pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from strangler.exchange import DifferenceKind, Failure, OutcomeKind, Reason
from strangler.stages import Effect


class State(StrEnum):
    """How far an exchange is on its way through the queue."""

    WAITING = "waiting"
    """The other side is still to be asked."""
    CLAIMED = "claimed"
    """A worker has it, until its lease ends."""
    ANSWERED = "answered"
    """Nobody else was to be asked."""
    JUDGED = "judged"
    """It has an outcome."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Exchanges that callers had and the journal has not. Each lost write leaves a gap.

    ``at`` is seconds since the epoch; ``entry`` is the plan entry's digest under which they were decided.
    """

    operation: str
    effect: Effect
    reason: Reason
    count: int
    at: float
    key: str | None = None
    entry: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A write that the other side may lack, until somebody reconciles its rows.

    Either it could not be journaled, or the other side was asked and did not take it. ``key`` is the caller's, in
    clear; ``why`` says what happened.
    """

    id: int
    operation: str
    key: str | None
    count: int
    at: float
    why: str
    closed_at: float | None = None
    closed_by: str | None = None
    closed_why: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptedSignature:
    """A difference that people decided to live with, until a day and up to a rate.

    ``until`` is seconds since the epoch, or ``None`` for no end; ``max_rate`` is the largest share of the operation's
    compared exchanges that may have it, or ``None`` for any.
    """

    signature: str
    until: float | None = None
    max_rate: float | None = None


ValuePair = tuple[str | None, str | None]
"""The old side's value and the new side's, in clear; ``None`` where a side has nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Differences with one signature under one fingerprint. ``old`` and ``new`` are clear values of one example.

    ``count`` is exchanges, ``inputs`` distinct inputs. The example is the smallest exchange that shows it; it is
    ``None`` once it has expired. ``samples`` are a few distinct pairs of values, from any of its exchanges.
    """

    operation: str
    signature: str
    kind: DifferenceKind
    general_path: str
    count: int
    inputs: int
    first_at: float
    last_at: float
    example_exchange_id: str
    example_path: str
    old: str | None
    new: str | None
    fingerprint: str
    samples: tuple[ValuePair, ...] = ()
    example_bytes: int = 0
    """How large the example is as it is kept, compressed; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class RuleUse:
    """What one comparison rule hid: in how many exchanges, how many differences, and when (seconds since the epoch)."""

    exchanges: int
    differences: int
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True)
class WindowStats:
    """One operation since a point in time, for the decision to take it back.

    ``requests`` were put to the new side for a caller and ``failed`` of these failed; ``fell_back`` of the failed ones
    were then answered from old. ``p99_new_ms`` and ``p99_old_ms`` are ``None`` where too few answers were seen.
    ``mismatches`` of ``compared`` exchanges disagreed in a way that nobody accepted.
    """

    operation: str
    since: float
    requests: int = 0
    failed: int = 0
    fell_back: int = 0
    p99_new_ms: float | None = None
    p99_old_ms: float | None = None
    compared: int = 0
    mismatches: int = 0
    failures: Mapping[Failure | int, int] = field(default_factory=dict)
    """Failed answers of the new side by what was wrong: a failure, or a status."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many exchanges of one operation, under one fingerprint (empty: none), had one outcome."""

    operation: str
    fingerprint: str
    kind: OutcomeKind
    reason: Reason | None
    count: int


COMPARED = frozenset({OutcomeKind.MATCH, OutcomeKind.ACCEPTED, OutcomeKind.NOISE, OutcomeKind.MISMATCH})
"""The outcomes of what was compared."""

RANK: dict[OutcomeKind, int] = {
    OutcomeKind.MATCH: 0,
    OutcomeKind.NOISE: 1,
    OutcomeKind.ACCEPTED: 2,
    OutcomeKind.NOT_COMPARED: 3,
    OutcomeKind.MISMATCH: 4,
    OutcomeKind.NEW_FAILED: 5,
}
"""Which outcome is worse: an input that was seen often counts by its worst."""

BY_RANK: dict[int, OutcomeKind] = {rank: kind for kind, rank in RANK.items()}
