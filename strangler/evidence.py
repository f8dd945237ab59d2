"""What gates read: plain counts, ages and digests that stand under one fingerprint. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import orjson

from strangler.exchange import DifferenceKind, OutcomeKind, Reason, digest
from strangler.plan.models import Plan, System

COMPARER = "2"
"""Version of the comparison itself. Raise it whenever the same two bodies could now get another outcome."""


@dataclass(frozen=True, slots=True)
class Builds:
    """What runs on each side: the build header's value, the declared build, or ``unknown``."""

    old: str
    new: str


_OF_THE_OPERATION = {"effect", "match", "old", "new", "key", "ids", "effects"}


def entry_digest(plan: Plan, operation: str) -> str:
    """Digest of everything in the plan that bears on how this operation is answered and compared."""
    entry = plan.operations[operation]
    asked = {entry.old.system, *entry.old.also, entry.new.system, *entry.new.also}
    systems = {name: plan.systems[name] for name in sorted(asked)}
    parts = {
        "operation": entry.model_dump(mode="json", by_alias=True, include=_OF_THE_OPERATION),
        "compare": entry.compare.model_dump(mode="json", by_alias=True, exclude={"show"}),
        "writes": entry.writes.model_dump(mode="json") if entry.writes else None,
        "systems": {name: _identity(system) for name, system in systems.items()},
        "comparer": COMPARER,
    }
    if entry.effects:  # they are read and compared as the reads that they name
        reads = sorted({effect.read for effect in entry.effects if effect.read in plan.operations})
        parts["effects"] = {name: entry_digest(plan, name) for name in reads}
    return digest(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS))


def rows_digest(plan: Plan, name: str) -> str:
    """Digest of everything in the plan that bears on how these rows are found and compared."""
    rows = plan.rows[name]
    named = sorted({side.system for side in (rows.old, rows.new) if side.system in plan.systems})
    include = {"speaks", "dialect", "connection", "rows_connection"}
    parts = {
        "rows": rows.model_dump(mode="json", by_alias=True),
        "systems": {system: plan.systems[system].model_dump(mode="json", include=include) for system in named},
        "comparer": COMPARER,
    }
    return digest(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS))


def _identity(system: System) -> dict[str, str | None]:
    """What tells this system from another one: its build, and where nobody ever tells that, its address."""
    known: dict[str, str | None] = {"speaks": system.speaks, "build": system.build}
    if system.build is None and system.build_header is None:
        known |= {"url": system.url, "wsdl": system.wsdl, "connection": system.connection}
    return known


def fingerprint(entry: str, builds: Builds) -> str:
    """What evidence stands under: the plan entry with its rules, and the builds of both sides."""
    return digest(entry.encode(), builds.old.encode(), builds.new.encode())


@dataclass(frozen=True, slots=True)
class Counts:
    """Outcomes by kind. ``not_compared`` is by reason; ``total`` includes it."""

    by_kind: Mapping[OutcomeKind, int] = field(default_factory=dict)
    not_compared: Mapping[Reason, int] = field(default_factory=dict)

    def of(self, kind: OutcomeKind) -> int:
        """How many had this outcome."""
        return self.by_kind.get(kind, 0)

    @property
    def total(self) -> int:
        """All of them, compared or not."""
        return sum(self.by_kind.values())


@dataclass(frozen=True, slots=True)
class NoisyPath:
    """One path and kind of difference in the fair draws: in how many it was in both halves, and in one of them only.

    ``only_again``: old differed from old, and new did not differ from old. ``only_beside``: the other way round.
    """

    general_path: str
    kind: DifferenceKind
    both: int
    only_again: int
    only_beside: int


@dataclass(frozen=True, slots=True)
class NoiseEvidence:
    """What asking old twice told: how many draws were made, and where answers differed in them."""

    samples: int = 0
    paths: tuple[NoisyPath, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleLimit:
    """A comparison rule that may hide something in a share of the compared exchanges, and in how many it did.

    ``name`` says which rule it is, for people: its place in the plan and its path.
    """

    name: str
    at_most: float
    exchanges: int


@dataclass(frozen=True, slots=True)
class ParityEvidence:
    """What comparison told under one fingerprint.

    ``inputs`` counts distinct inputs by their worst outcome; ``exchanges`` counts all of them. ``other_fingerprints``
    is how many exchanges were judged under any other fingerprint. Times are seconds since the epoch.

    ``settled`` counts exchanges that only agreed when both sides were asked again, ``refused`` compared ones in which
    both sides refused. ``interleaved`` counts exchanges of the last day that stand under another fingerprint although
    they began after one under this; ``alone`` counts those under this one that began after the last of them.

    ``heard_first_at`` and ``heard_last_at`` are when callers' own exchanges were judged, without replays and probes.

    ``keys`` is about how many different keys the exchanges have; 0 where none has any. ``noise`` is what asking old
    twice told, ``rules`` how much those rules hid whose plan entry sets a limit.
    """

    fingerprint: str
    inputs: Counts
    exchanges: Counts
    settled: int = 0
    first_at: float | None = None
    last_at: float | None = None
    heard_first_at: float | None = None
    heard_last_at: float | None = None
    other_fingerprints: int = 0
    pending: int = 0
    refused: int = 0
    interleaved: int = 0
    alone: int = 0
    keys: int = 0
    noise: NoiseEvidence | None = None
    rules: tuple[RuleLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadSide:
    """One side's figures in a load run; latencies in milliseconds."""

    requests: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class LoadEvidence:
    """One load run of one operation: both sides in the same run, under one fingerprint."""

    run: str
    operation: str
    budget: str
    fingerprint: str
    at: float
    duration_s: float
    rate_per_s: float
    achieved_per_s: float
    old: LoadSide
    new: LoadSide


@dataclass(frozen=True, slots=True)
class LatencyBucket:
    """How many answers took between two times, in milliseconds."""

    low_ms: float
    high_ms: float
    count: int


@dataclass(frozen=True, slots=True)
class LatencyEvidence:
    """How long each side took for callers' exchanges since a point in time: heard by a caller, or asked for.

    Buckets are sorted and do not overlap. ``since`` is no earlier than the first comparison under the fingerprint.
    """

    fingerprint: str
    since: float
    old: tuple[LatencyBucket, ...]
    new: tuple[LatencyBucket, ...]


@dataclass(frozen=True, slots=True)
class AnsweredEvidence:
    """How many requests were put to the new side for a caller since the first comparison, and how many of these failed.

    One that failed and was then answered from old is among both.
    """

    fingerprint: str
    since: float
    requests: int
    failed: int


@dataclass(frozen=True, slots=True)
class RowsRun:
    """One reconciliation of rows. Times are seconds since the epoch; ``began_at`` is that of its oldest reading."""

    run: str
    began_at: float
    at: float
    is_complete: bool
    differences: int
    old_rows: int
    new_rows: int


@dataclass(frozen=True, slots=True)
class RowsEvidence:
    """The newest reconciliation of rows that ended and was made as the present plan says; ``None`` where none was.

    ``elsewhere`` counts those that ended under another plan. ``stopped`` is the most differences that a later run
    under the present plan found before it was stopped.
    """

    name: str
    run: RowsRun | None = None
    elsewhere: int = 0
    stopped: int = 0


@dataclass(frozen=True, slots=True)
class CoverageEvidence:
    """Which items of the old side's contract were seen in exchanges that were compared, under one fingerprint.

    ``unseen`` is sorted. ``source`` says where the contract was read; ``trouble`` why it could not be read the last
    time, if so: ``expected`` is then what an earlier reading found, or 0. ``elsewhere`` counts the operation's items
    that were seen under any other fingerprint.
    """

    expected: int
    seen: int
    unseen: tuple[str, ...]
    source: str = ""
    trouble: str = ""
    elsewhere: int = 0

    @property
    def share(self) -> float:
        """The share of items seen; 0 where none is expected."""
        return self.seen / self.expected if self.expected else 0.0

    def without(self, never: Iterable[str]) -> "CoverageEvidence":
        """The same without the unseen items that cannot be seen. An item that was seen counts, whatever is said of it.

        Args:
            never: items as they are written; ``*`` at the end of one stands for more.
        """
        patterns = tuple(never)
        unseen = tuple(item for item in self.unseen if not any(is_item(item, pattern) for pattern in patterns))
        return replace(self, expected=self.seen + len(unseen), unseen=unseen)


def is_item(item: str, pattern: str) -> bool:
    """Whether ``pattern`` names this item of a contract: it is the same text, or its beginning before a final ``*``."""
    return item.startswith(pattern[:-1]) if pattern.endswith("*") else item == pattern


@dataclass(frozen=True, slots=True)
class Approval:
    """One approver's word for one rollout under one fingerprint."""

    who: str
    at: float
    to: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the gates of one operation may read. ``gaps`` counts open gap records."""

    operation: str
    fingerprint: str
    parity: ParityEvidence | None = None
    load: LoadEvidence | None = None
    approvals: tuple[Approval, ...] = ()
    gaps: int = 0
    coverage: CoverageEvidence | None = None
    latency: LatencyEvidence | None = None
    answered: AnsweredEvidence | None = None
    rows: RowsEvidence | None = None


class Result(StrEnum):
    """What a gate says. Only PASS lets anything move."""

    PASS = "PASS"  # noqa: S105  a verdict, not a password
    HOLD = "HOLD"
    NO_DATA = "NO DATA"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate's answer, with its reasons as sentences and what would make it pass."""

    gate: str
    result: Result
    reasons: tuple[str, ...] = ()
    value: str = ""
    threshold: str = ""
    remedy: str = ""
