"""``python -m tests.proofs.sabotage``: ways to have no evidence, wrong, stale or lying evidence. Not one may pass.

Each sabotage is done to evidence on which every gate passes, and every gate that the plan asks for is asked again. What
must come out is at least one gate that does not pass; an exception is a gate that said nothing, and counts as passed.
"""

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from strangler import gates
from strangler.evidence import (
    AnsweredEvidence,
    Approval,
    Counts,
    CoverageEvidence,
    Evidence,
    LatencyBucket,
    LatencyEvidence,
    LoadEvidence,
    LoadSide,
    NoiseEvidence,
    NoisyPath,
    ParityEvidence,
    RowsEvidence,
    RowsRun,
    RuleLimit,
    Verdict,
)
from strangler.exchange import DifferenceKind, OutcomeKind, Reason
from strangler.plan.gate_models import DAYS, CustomGate, ErrorsGate, Frozen, LatencyGate, Opening, RowsGate, WindowGate
from strangler.plan.models import Budget, CoverageGate, LoadGate, NeverSeen, ParityGate

NOW = 1_800_000_000.0
HOUR = 3600.0
OPERATION, MARK, TO = "pensions.get-entitlement", "f" * 32, "{shadow: 90, live: 10}"
NAN, INF = math.nan, math.inf
SIDE = LoadSide(6_000, 0, 8.0, 11.0, 13.0, 20.0)
APPROVERS = ("amina", "ben", "chloe")
REQUESTER = "dev"
PARITY, COVERAGE, LOAD = ParityGate(), CoverageGate(min=0.9), LoadGate(budget="peak")
FUNCTION, HOOK = CustomGate(name="desk", function="gates:desk"), CustomGate(name="board", url="http://board/")
ROWS = RowsGate(name="citizens")
RUN = RowsRun("r1", NOW - 2 * HOUR, NOW - HOUR, True, 0, 90_000, 90_000)
ERRORS, LATENCY = ErrorsGate(max_ratio=0.01), LatencyGate(p99_ratio=1.5)
OLD_TIMES = (LatencyBucket(4.0, 4.1, 10_000), LatencyBucket(10.0, 10.2, 9_000), LatencyBucket(14.0, 14.3, 1_000))
NEW_TIMES = (LatencyBucket(3.0, 3.1, 10_000), LatencyBucket(9.0, 9.2, 9_000), LatencyBucket(15.0, 15.3, 1_000))
WINDOW = WindowGate(zone="UTC", open=(Opening.model_validate({"days": DAYS, "from": "00:00", "to": "24:00"}),))
HOURS = WindowGate(zone="Europe/London", open=(Opening.model_validate({"from": "07:00", "to": "17:00"}),))
"""Open at NOW, a Friday, at eight in the morning."""
BUDGET = Budget(rate_per_s=100, duration_s=60, p99_ms=50, p99_ratio=1.5)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the plan asks for."""

    parity: ParityGate = PARITY
    errors: ErrorsGate = ERRORS
    latency: LatencyGate = LATENCY
    rows: RowsGate = ROWS
    coverage: CoverageGate = COVERAGE
    load: LoadGate = LOAD
    budget: Budget = BUDGET
    soak_h: float = 24.0
    approvals: int = 2
    window: WindowGate = WINDOW


@dataclass(frozen=True, slots=True)
class Room:
    """All that the gates are given: evidence, policy, time, who asks, and the kill switch."""

    evidence: Evidence
    policy: Policy = Policy()
    now: float = NOW
    requester: str | None = REQUESTER
    held_by: str | None = None
    function_said: object = field(default_factory=lambda: {"result": "PASS", "reasons": ["nobody minds"]})
    hook_said: object = field(default_factory=lambda: {"status": 204, "body": ""})

    def verdicts(self) -> tuple[Verdict, ...]:
        """What every gate says."""
        return (
            gates.parity(self.evidence, self.policy.parity, self.now),
            gates.coverage(self.evidence, self.policy.coverage),
            gates.load(self.evidence, self.policy.load, self.policy.budget, self.now),
            gates.soak(self.evidence, self.policy.soak_h, self.now),
            gates.errors(self.evidence, self.policy.errors, self.now),
            gates.latency(self.evidence, self.policy.latency, self.now),
            gates.rows(self.evidence, self.policy.rows, self.now),
            gates.window(self.policy.window, self.now),
            gates.gaps(self.evidence),
            gates.approvals(
                self.evidence, self.policy.approvals, TO, self.requester, approvers=APPROVERS, now=self.now
            ),
            gates.hold(self.held_by),
            gates.custom(FUNCTION, self.function_said),
            gates.custom(HOOK, self.hook_said),
        )


def good() -> Room:
    """Evidence on which every gate passes."""
    inputs = Counts({OutcomeKind.MATCH: 6_000, OutcomeKind.NOISE: 40})
    exchanges = Counts({OutcomeKind.MATCH: 20_000, OutcomeKind.NOISE: 120})
    noise = NoiseEvidence(400, (NoisyPath("$.at", DifferenceKind.VALUE, 100, 5, 6),))
    parity = ParityEvidence(
        MARK, inputs, exchanges, settled=12, first_at=NOW - 30 * HOUR, last_at=NOW - 60,
        heard_first_at=NOW - 30 * HOUR, heard_last_at=NOW - 60, refused=300, noise=noise,
        rules=(RuleLimit("rule 1 at $.name", 0.05, 200),),
    )  # fmt: skip
    run = LoadEvidence("r1", OPERATION, "peak", MARK, NOW - HOUR, 60.0, 100.0, 99.8, SIDE, SIDE)
    approvals = (Approval("amina", NOW - 300, TO, MARK), Approval("ben", NOW - 200, TO, MARK))
    coverage = CoverageEvidence(40, 38, ("answer //a absent", "status 404"), "the WSDL")
    rows = RowsEvidence("citizens", RUN)
    answered = AnsweredEvidence(MARK, NOW - 30 * HOUR, 2_000, 3)
    latency = LatencyEvidence(MARK, NOW - 24 * HOUR, OLD_TIMES, NEW_TIMES)
    return Room(Evidence(OPERATION, MARK, parity, run, approvals, 0, coverage, latency, answered, rows))


Sabotage = tuple[str, Callable[[Room], Room]]


def _parity(**changes: Any) -> Callable[[Room], Room]:
    return lambda room: replace(room, evidence=replace(room.evidence, parity=_changed(room.evidence.parity, changes)))


def _load(**changes: Any) -> Callable[[Room], Room]:
    return lambda room: replace(room, evidence=replace(room.evidence, load=_changed(room.evidence.load, changes)))


def _latency(**changes: Any) -> Callable[[Room], Room]:
    return lambda room: replace(room, evidence=replace(room.evidence, latency=_changed(room.evidence.latency, changes)))


def _answered(**changes: Any) -> Callable[[Room], Room]:
    return lambda room: replace(
        room, evidence=replace(room.evidence, answered=_changed(room.evidence.answered, changes))
    )


def _evidence(**changes: Any) -> Callable[[Room], Room]:
    return lambda room: replace(room, evidence=replace(room.evidence, **changes))


def _changed(what: Any, changes: dict[str, Any]) -> Any:
    return replace(what, **changes)


def _policy(**changes: Any) -> Callable[[Room], Room]:
    return lambda room: replace(room, policy=replace(room.policy, **changes))


def sabotages() -> Iterator[Sabotage]:
    """Every way, with its name."""
    yield from _absent()
    yield from _stale()
    yield from _outcomes()
    yield from _not_compared()
    yield from _figures()
    yield from _times()
    yield from _noise_and_rules()
    yield from _coverage()
    yield from _load_runs()
    yield from _approvals()
    yield from _windows()
    yield from _errors()
    yield from _latencies()
    yield from _rows()
    yield from _custom()
    yield from _others()


def _absent() -> Iterator[Sabotage]:
    for name in ("parity", "load", "coverage", "latency", "answered", "rows"):
        yield f"no {name} at all", _evidence(**{name: None})
    yield "no approvals at all", _evidence(approvals=())
    empty = Counts()
    yield "zero samples", _parity(inputs=empty, exchanges=empty)
    yield "zero samples, and no time", _parity(inputs=empty, exchanges=empty, first_at=None, last_at=None)
    yield "zero inputs of many exchanges", _parity(inputs=empty)
    yield "nothing but zeros", _parity(inputs=Counts({OutcomeKind.MATCH: 0}), exchanges=Counts({OutcomeKind.MATCH: 0}))
    for count in (1, 10, 299, 472, 1_000, 2_995, 4_740):
        few = Counts({OutcomeKind.MATCH: count})
        yield f"only {count} inputs, all clean", _parity(inputs=few, exchanges=few, noise=None, rules=(), refused=0)
    same = Counts({OutcomeKind.MATCH: 1})
    yield "one input asked 20,000 times", _parity(inputs=same)


def _stale() -> Iterator[Sabotage]:
    for mark in ("e" * 32, "", "F" * 32, MARK + " ", MARK[:-1]):
        yield f"evidence now stands under {mark!r}", _evidence(fingerprint=mark)
        yield f"comparisons stand under {mark!r}", _parity(fingerprint=mark)
        yield f"the load run stands under {mark!r}", _load(fingerprint=mark)
        yield f"times stand under {mark!r}", _latency(fingerprint=mark)
        yield f"answers stand under {mark!r}", _answered(fingerprint=mark)
        other = tuple(replace(one, fingerprint=mark) for one in good().evidence.approvals)
        yield f"approvals stand under {mark!r}", _evidence(approvals=other)
    yield (
        "all comparisons are of another build",
        _parity(inputs=Counts(), exchanges=Counts(), first_at=None, last_at=None, other_fingerprints=20_000),
    )
    for interleaved, alone in ((1, 0), (500, 100), (20_000, 9_000)):
        yield f"two builds at a time, {interleaved} of another", _parity(interleaved=interleaved, alone=alone)


def _outcomes() -> Iterator[Sabotage]:
    for kind in (OutcomeKind.MISMATCH, OutcomeKind.NEW_FAILED):
        for count in (7, 60, 600, 6_000, 10**9):
            counts = Counts({OutcomeKind.MATCH: 6_000, kind: count})
            many = Counts({OutcomeKind.MATCH: 20_000, kind: count})
            yield f"{count} {kind} of 6,000", _parity(inputs=counts, exchanges=many)
        only = Counts({kind: 6_000})
        yield f"nothing but {kind}", _parity(inputs=only, exchanges=only)
    for refused in (10_500, 20_120, 10**9):
        yield f"errors on both sides, {refused}", _parity(refused=refused)
    for settled in (500, 20_000, 10**9):
        yield f"{settled} agreed only when asked again", _parity(settled=settled)
    for pending in (100, 6_000, 10**9):
        yield f"{pending} still wait", _parity(pending=pending)
    noisy = Counts({OutcomeKind.MATCH: 1_000, OutcomeKind.NOISE: 19_000})
    yield "nearly all is noise", _parity(exchanges=noisy)


def _not_compared() -> Iterator[Sabotage]:
    for reason in Reason:
        for count in (7, 6_000, 10**7):
            counts = Counts(
                {OutcomeKind.MATCH: 6_000, OutcomeKind.NOT_COMPARED: count}, {reason: count}
            )  # all sampled out, all too large, all lost ...
            many = Counts({OutcomeKind.MATCH: 20_000, OutcomeKind.NOT_COMPARED: count}, {reason: count})
            yield f"{count} not compared: {reason}", _parity(inputs=counts, exchanges=many)
        hidden = Counts({OutcomeKind.MATCH: 6_000}, {reason: 6_000})
        yield f"not compared and left out of the sum: {reason}", _parity(inputs=hidden)


def _figures() -> Iterator[Sabotage]:
    for bad in (-1, -(10**9), NAN, INF, -INF, 6000.5, "6000", None):
        for kind in (OutcomeKind.MATCH, OutcomeKind.MISMATCH, OutcomeKind.NOT_COMPARED):
            counts = {OutcomeKind.MATCH: 6_000, kind: bad}
            yield f"{bad!r} inputs of {kind}", _parity(inputs=Counts(counts))  # type: ignore[arg-type]
            yield f"{bad!r} exchanges of {kind}", _parity(exchanges=Counts({**counts, OutcomeKind.ACCEPTED: 20_000}))  # type: ignore[dict-item]
        reasons = Counts({OutcomeKind.MATCH: 6_000}, {Reason.TOO_LARGE: bad})  # type: ignore[dict-item]
        yield f"{bad!r} not compared", _parity(inputs=reasons)
        for name in ("settled", "refused", "interleaved", "alone", "pending"):
            yield f"{bad!r} {name}", _parity(**{name: bad})
        yield f"{bad!r} gaps", _evidence(gaps=bad)
    yield "more inputs than exchanges", _parity(exchanges=Counts({OutcomeKind.MATCH: 10}))


def _times() -> Iterator[Sabotage]:
    for at in (None, NAN, INF, -INF, 0.0, -1.0, NOW + 1, NOW + 10 * HOUR):
        yield f"the first comparison at {at}", _parity(first_at=at)
        yield f"the last comparison at {at}", _parity(last_at=at)
        yield f"the first caller's comparison at {at}", _parity(heard_first_at=at)
        yield f"the last caller's comparison at {at}", _parity(heard_last_at=at)
        if at is not None:
            yield f"a load run at {at}", _load(at=at)
            late = tuple(replace(one, at=at) for one in good().evidence.approvals)
            yield f"approvals at {at}", _evidence(approvals=late)
    yield "times out of order", _parity(first_at=NOW - 60, last_at=NOW - 30 * HOUR)
    yield "a soak of an hour", _parity(heard_first_at=NOW - HOUR)
    yield "a soak with silence since", _parity(heard_first_at=NOW - 99 * HOUR, heard_last_at=NOW - 30 * HOUR)
    yield "a soak of replays alone", _parity(heard_first_at=None, heard_last_at=None)
    for now in (NAN, INF, -INF, 0.0, -NOW, NOW - 31 * HOUR):
        yield f"the clock says {now}", lambda room, now=now: replace(room, now=now)  # type: ignore[misc]


def _noise_and_rules() -> Iterator[Sabotage]:
    for again, beside in ((5, 60), (60, 5), (0, 30), (0, 150)):
        path = NoisyPath("$.at", DifferenceKind.VALUE, 100, again, beside)
        yield f"noise of {again} against {beside}", _parity(noise=NoiseEvidence(400, (path,)))
    for bad in (-1, NAN, "9", None):
        path = NoisyPath("$.at", DifferenceKind.VALUE, bad, 5, 6)  # type: ignore[arg-type]
        yield f"{bad!r} draws differ", _parity(noise=NoiseEvidence(400, (path,)))
        yield f"{bad!r} draws were made", _parity(noise=NoiseEvidence(bad, ()))  # type: ignore[arg-type]
    path = NoisyPath("$.at", DifferenceKind.VALUE, 500, 5, 6)
    yield "more draws differ than were made", _parity(noise=NoiseEvidence(400, (path,)))
    for limit, count in ((0.05, 2_000), (0.0, 1), (0.05, -1), (NAN, 200), (-1.0, 200), (2.0, 200)):
        yield f"a rule hides in {count}, and may in {limit}", _parity(rules=(RuleLimit("rule 1", limit, count),))


def _coverage() -> Iterator[Sabotage]:
    unseen = tuple(f"item {number}" for number in range(40))
    for seen in (0, 1, 20, 35):
        found = CoverageEvidence(40, seen, unseen[seen:], "the WSDL")
        yield f"{seen} of 40 items", _evidence(coverage=found)
    yield "an empty contract", _evidence(coverage=CoverageEvidence(0, 0, (), "the WSDL"))
    yield "a contract nobody could read", _evidence(coverage=CoverageEvidence(0, 0, (), "the WSDL", "no such file"))
    yield "a contract read once, and not since", _evidence(coverage=CoverageEvidence(40, 40, (), "the WSDL", "timeout"))
    yield "seen on other builds only", _evidence(coverage=CoverageEvidence(40, 0, unseen, "the WSDL", "", 40))
    for expected, seen in ((40, 41), (40, 40), (-1, -1), (0, 38), (NAN, NAN), (38.5, 38.5), (None, None)):
        lie = CoverageEvidence(expected, seen, ("one",), "the WSDL")  # type: ignore[arg-type]
        yield f"{seen} of {expected} items, which do not add up", _evidence(coverage=lie)
    everything = CoverageGate(min=0.9, never=(NeverSeen(item="*", why="nobody asks for any of it"),))

    def never_anything(room: Room) -> Room:
        nothing = CoverageEvidence(40, 0, unseen, "the WSDL")
        return _evidence(coverage=nothing)(_policy(coverage=everything)(room))

    yield "nothing seen, and everything said to be never seen", never_anything


def _load_runs() -> Iterator[Sabotage]:
    yield "a load run of another operation", _load(operation="pensions.get-payments")
    yield "a load run with another budget", _load(budget="night")
    yield "a load run a month old", _load(at=NOW - 30 * 24 * HOUR)
    yield "a load run at half the rate", _load(achieved_per_s=50.0)
    yield "a load run of half the time", _load(duration_s=30.0)
    for bad in (NAN, INF, -1.0, "60", None):
        for name in ("duration_s", "rate_per_s", "achieved_per_s"):
            yield f"a load run with {name} {bad!r}", _load(**{name: bad})
        for name in (one.name for one in fields(LoadSide)):
            for side in ("old", "new"):
                yield f"{side}'s {name} {bad!r} under load", _load(**{side: replace(SIDE, **{name: bad})})
    for side in ("old", "new"):
        yield f"no answer of {side} under load", _load(**{side: LoadSide(0, 0, 0.0, 0.0, 0.0, 0.0)})
        yield f"all errors of {side} under load", _load(**{side: replace(SIDE, errors=6_000)})
        yield f"1 % errors of {side} under load", _load(**{side: replace(SIDE, errors=60)})
        yield f"more errors than answers of {side}", _load(**{side: replace(SIDE, errors=6_001)})
        yield f"percentiles of {side} out of order", _load(**{side: replace(SIDE, p50_ms=14.0)})
        yield f"five answers of {side}", _load(**{side: replace(SIDE, requests=5)})
    yield "all errors on both sides", _load(old=replace(SIDE, errors=6_000), new=replace(SIDE, errors=6_000))
    yield "new is too slow", _load(new=replace(SIDE, p99_ms=60.0, max_ms=70.0))
    yield "new is slower than old by half and more", _load(new=replace(SIDE, p99_ms=19.9, max_ms=20.0))
    yield "old answers in no time", _load(old=replace(SIDE, p50_ms=0.0, p95_ms=0.0, p99_ms=0.0))


def _approvals() -> Iterator[Sabotage]:
    one = good().evidence.approvals[0]
    for name, given in (
        ("one approval of two", (one,)),
        ("the same person twice", (one, one)),
        ("the same person, spelled otherwise", (one, replace(one, who=" AMINA "))),
        ("somebody who is no approver", (one, replace(one, who="mallory"))),
        ("the requester", (one, replace(one, who=REQUESTER))),
        ("nobody's name", (one, replace(one, who=""))),
        ("another rollout", (one, replace(one, who="ben", to="{live: 100}"))),
    ):
        yield f"approvals: {name}", _evidence(approvals=given)
    yield "approvals: an approver who asks", lambda room: replace(room, requester="ben")
    yield "approvals: an approver who asks, spelled otherwise", lambda room: replace(room, requester=" Ben")
    yield "approvals: more are asked for than there are approvers", _policy(approvals=4)


def _errors() -> Iterator[Sabotage]:
    for failed in (200, 1_000, 2_000):
        yield f"{failed} of 2,000 answers to callers failed", _answered(failed=failed)
    yield "more answers to callers failed than there were", _answered(failed=2_001)
    for bad in (-1, NAN, INF, 1.5, "9", None):
        for name in ("requests", "failed"):
            yield f"{bad!r} {name} of answers to callers", _answered(**{name: bad})
    for at in (NAN, INF, 0.0, -1.0, NOW + 1):
        yield f"answers since {at}", _answered(since=at)
    failures = Counts({OutcomeKind.MATCH: 20_000, OutcomeKind.NEW_FAILED: 300})
    yield "300 failures that are no inputs", _parity(exchanges=failures)
    for name, bad in (("max_ratio", NAN), ("max_ratio", 0.0), ("max_ratio", 1.0), ("confidence", NAN)):
        yield f"an errors gate with {name} {bad}", _policy(errors=ERRORS.model_copy(update={name: bad}))


def _latencies() -> Iterator[Sabotage]:
    for side in ("old", "new"):
        yield f"no times of {side}", _latency(**{side: ()})
        yield f"900 times of {side}", _latency(**{side: (LatencyBucket(9.0, 9.1, 900),)})
        yield f"times of {side} that are zeros", _latency(**{side: (LatencyBucket(9.0, 9.1, 0),)})
        for bad in (NAN, INF, -1.0, "9", None):
            yield f"{bad!r} answers of {side} took 9 ms", _latency(**{side: (LatencyBucket(9.0, 9.1, bad), *OLD_TIMES)})  # type: ignore[arg-type]
            if bad != INF:
                yield (
                    f"an answer of {side} took from {bad!r} ms",
                    _latency(
                        **{side: (LatencyBucket(bad, 3.5, 1), *OLD_TIMES)}  # type: ignore[arg-type]
                    ),
                )
            yield (
                f"an answer of {side} took to {bad!r} ms",
                _latency(
                    **{side: (*OLD_TIMES, LatencyBucket(20.0, bad, 1))}  # type: ignore[arg-type]
                ),
            )
        yield f"times of {side} out of order", _latency(**{side: OLD_TIMES[::-1]})
    few = (LatencyBucket(4.0, 4.1, 1_900), LatencyBucket(14.0, 14.3, 85), LatencyBucket(900.0, 920.0, 15))
    yield "too few times to tell the tail", _latency(new=few)
    slow = (*OLD_TIMES[:2], LatencyBucket(22.0, 22.4, 1_000))
    yield "new's p99 is slower by half and more", _latency(new=slow)
    yield "old answers in less than can be measured", _latency(old=(LatencyBucket(0.0, 0.0, 20_000),))
    for at in (NAN, INF, 0.0, -1.0, NOW + 1):
        yield f"times since {at}", _latency(since=at)
    for name, bad in (
        ("p99_ratio", NAN),
        ("p99_ratio", 0.0),
        ("p99_ratio", INF),
        ("confidence", NAN),
        ("confidence", 1.0),
    ):
        yield f"a latency gate with {name} {bad}", _policy(latency=LATENCY.model_copy(update={name: bad}))


def _row_run(**changes: Any) -> Callable[[Room], Room]:
    return _evidence(rows=RowsEvidence("citizens", replace(RUN, **changes)))


def _rows() -> Iterator[Sabotage]:
    yield "rows never reconciled", _evidence(rows=RowsEvidence("citizens"))
    yield "rows reconciled under another plan", _evidence(rows=RowsEvidence("citizens", None, 7))
    yield "rows of something else", _evidence(rows=RowsEvidence("payments", RUN))
    yield "rows that differ in a run that was stopped since", _evidence(rows=RowsEvidence("citizens", RUN, 0, 1))
    for count in (1, 90_000):
        yield f"{count} rows that differ", _row_run(differences=count)
    for done in (False, None, "yes", 1):
        yield f"a run of rows that is complete: {done!r}", _row_run(is_complete=done)
    yield "a run of empty tables", _row_run(old_rows=0, new_rows=0)
    yield "a run of an empty old table", _row_run(old_rows=0)
    yield "no new row, and no difference", _row_run(new_rows=0)
    for bad in (-1, NAN, 1.5, "0", None, False):
        for name in ("differences", "old_rows", "new_rows"):
            yield f"{bad!r} {name} in a run of rows", _row_run(**{name: bad})
        yield f"{bad!r} rows differ in a run that was stopped", _evidence(rows=RowsEvidence("citizens", RUN, 0, bad))  # type: ignore[arg-type]
    for at in (NAN, INF, 0.0, -1.0, NOW + 1, None):
        yield f"a run of rows that began at {at}", _row_run(began_at=at)
        yield f"a run of rows that ended at {at}", _row_run(at=at)
    yield "a run of rows that ended before it began", _row_run(at=NOW - 3 * HOUR)
    yield "a run of rows two days old", _row_run(began_at=NOW - 48 * HOUR)
    for limit in (NAN, -1.0):
        yield f"a rows gate with an age of {limit}", _policy(rows=ROWS.model_copy(update={"max_age_h": limit}))
    for limit in (NAN, INF, -1):
        yield f"a rows gate that allows {limit}", _policy(rows=ROWS.model_copy(update={"max_differences": limit}))


def _custom() -> Iterator[Sabotage]:
    answers: tuple[object, ...] = (
        None, True, 1, "PASS", "", [], ["PASS"], {}, {"result": None}, {"result": True}, {"result": "pass"},
        {"result": "PASS "}, {"result": ["PASS"]}, {"result": "HOLD"}, {"result": "NO DATA"}, {"result": "STALE"},
        {"result": "PASS", "reasons": "none"}, {"result": "PASS", "reasons": [1]}, {"result": "PASS", "reasons": None},
        {"result": "PASS", "value": 3}, {"result": "PASS", "trouble": "it was late"}, {"trouble": "it raised KeyError"},
        {"trouble": ""}, {"result": "PASS", "more": 1}, {"status": 200, "body": ""},
    )  # fmt: skip
    for answer in answers:
        yield f"a function that answers {answer!r}", lambda room, answer=answer: replace(room, function_said=answer)  # type: ignore[misc]
    statuses = (
        0,
        99,
        199,
        300,
        301,
        304,
        400,
        401,
        404,
        429,
        500,
        503,
        600,
        2_000,
        -200,
        NAN,
        200.0,
        "200",
        None,
        True,
    )
    for status in statuses:
        said = {"status": status, "body": "OK"}
        yield f"a hook that answers {status!r}", lambda room, said=said: replace(room, hook_said=said)  # type: ignore[misc]
    for said in (None, [], {}, "200", {"trouble": "it took longer than 5 s", "status": 200}, {"result": "PASS"}):
        yield f"a hook that gave {said!r}", lambda room, said=said: replace(room, hook_said=said)  # type: ignore[misc]


def _windows() -> Iterator[Sabotage]:
    for zone in ("Asia/Tokyo", "Nowhere/At-All", "", "../etc/passwd", "/etc/localtime"):
        yield f"a window in zone {zone!r}", _policy(window=HOURS.model_copy(update={"zone": zone}))
    for change in (
        {"from_": "08:01"}, {"to": "08:00"}, {"from_": "17:00", "to": "07:00"}, {"days": ("sat", "sun")}, {"days": ()},
    ):  # fmt: skip
        closed = HOURS.open[0].model_copy(update=change)
        yield f"a window with {change}", _policy(window=HOURS.model_copy(update={"open": (closed,)}))
    yield "a window that never opens", _policy(window=HOURS.model_copy(update={"open": ()}))
    today = datetime.fromtimestamp(NOW, UTC).date()
    frozen = Frozen.model_validate({"from": today, "to": today, "why": "payday"})
    yield "a frozen day", _policy(window=HOURS.model_copy(update={"frozen": (frozen,)}))
    for hours in (-2, 10, 24, 48):
        yield f"the window, {hours} h later", _policy(window=_shifted(hours))


def _shifted(hours: int) -> WindowGate:
    """The window as it would have to be to be closed now by so many hours."""
    then = datetime.fromtimestamp(NOW, UTC) - timedelta(hours=hours)
    day = DAYS[then.weekday()]
    opening = {"days": (day,), "from": f"{then:%H}:00", "to": f"{then:%H}:30"}
    return HOURS.model_copy(update={"open": (Opening.model_validate(opening),)})


def _others() -> Iterator[Sabotage]:
    for count in (1, 2, 10**6):
        yield f"{count} writes are missing", _evidence(gaps=count)
    yield "everything is held", lambda room: replace(room, held_by="olu: a drill")
    for name, bad in (("max_mismatch", NAN), ("max_mismatch", 0.0), ("confidence", NAN), ("confidence", 1.0)):
        lying = PARITY.model_copy(update={name: bad})
        yield f"a plan with {name} {bad}", _policy(parity=lying)
    for soak_h in (NAN, INF):
        yield f"a plan with a soak of {soak_h}", _policy(soak_h=soak_h)


def passed(sabotage: Callable[[Room], Room]) -> bool:
    """Whether evidence that was sabotaged would let an operation move; a gate that breaks counts as that."""
    try:
        return gates.may_move(sabotage(good()).verdicts())
    except Exception:  # noqa: BLE001  whatever it is, no gate held
        return True


def main() -> int:
    """Print how many were tried, and which passed."""
    if not gates.may_move(good().verdicts()):
        raise AssertionError(f"even good evidence does not pass: {good().verdicts()}")
    tried = list(sabotages())
    through = [name for name, sabotage in tried if passed(sabotage)]
    print(f"sabotages: {len(tried):,} tried, {len(through):,} passed")
    for name in through:
        print(f"  passed: {name}", file=sys.stderr)
    return 1 if through else 0


if __name__ == "__main__":
    sys.exit(main())
