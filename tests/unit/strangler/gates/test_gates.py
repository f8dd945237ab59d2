"""Gates: what passes, what holds and why, and that no damaged figure ever passes."""

from dataclasses import replace

import pytest

from strangler import gates
from strangler.evidence import (
    Approval,
    Counts,
    Evidence,
    LoadEvidence,
    LoadSide,
    NoiseEvidence,
    NoisyPath,
    ParityEvidence,
    Result,
    RuleLimit,
)
from strangler.exchange import DifferenceKind, OutcomeKind, Reason
from strangler.gates.verdicts import rounded
from strangler.plan.models import Budget, LoadGate, ParityGate

NOW = 1_000_000.0
NAN = float("nan")
POLICY = ParityGate(max_mismatch=0.01)
LOAD = LoadGate(budget="peak")
BUDGET = Budget(rate_per_s=10, duration_s=30, p99_ms=50, p99_ratio=1.5, error_ratio=0.01, min_requests=50)


def counts(
    *, match: int = 0, mismatch: int = 0, new_failed: int = 0, skipped: int = 0, accepted: int = 0, noise: int = 0
) -> Counts:
    by_kind = {
        OutcomeKind.MATCH: match,
        OutcomeKind.MISMATCH: mismatch,
        OutcomeKind.NEW_FAILED: new_failed,
        OutcomeKind.NOT_COMPARED: skipped,
        OutcomeKind.ACCEPTED: accepted,
        OutcomeKind.NOISE: noise,
    }
    return Counts(by_kind, {Reason.TOO_LARGE: skipped} if skipped else {})


def evidence(seen_inputs: Counts, **changes: object) -> Evidence:
    seen = ParityEvidence(
        "now",
        seen_inputs,
        seen_inputs,
        first_at=NOW - 7200,
        last_at=NOW - 1,
        heard_first_at=NOW - 7200,
        heard_last_at=NOW - 1,
    )
    return Evidence("a.b", "now", parity=replace(seen, **changes))  # type: ignore[arg-type]


def run(**changes: object) -> LoadEvidence:
    side = LoadSide(300, 0, 5.0, 10.0, 20.0, 30.0)
    made = LoadEvidence("r1", "a.b", "peak", "now", NOW - 60, 30.0, 10.0, 10.0, side, side)
    return replace(made, **changes)  # type: ignore[arg-type]


def load_result(made: LoadEvidence | None) -> Result:
    return gates.load(Evidence("a.b", "now", load=made), LOAD, BUDGET, NOW).result


def test_parity_passes_on_enough_clean_inputs() -> None:
    drawn = NoiseEvidence(20)
    verdict = gates.parity(evidence(counts(match=400, accepted=60, noise=12), noise=drawn), POLICY, NOW)
    assert (verdict.result, verdict.value) == (Result.PASS, "0 of 472 inputs, at most 0.999 %")


@pytest.mark.parametrize(("pending", "result"), [(0, Result.PASS), (47, Result.PASS), (48, Result.HOLD)])
def test_parity_waits_for_a_worker_that_is_behind(pending: int, result: Result) -> None:
    seen = evidence(counts(match=4741), pending=pending)
    assert result is gates.parity(seen, ParityGate(), NOW).result


def test_parity_holds_and_says_how_many_more_it_needs() -> None:
    verdict = gates.parity(evidence(counts(match=471)), POLICY, NOW)
    assert (verdict.result, verdict.remedy) == (
        Result.HOLD,
        "1 more clean comparisons (about 1 min at the rate so far)",
    )
    many = gates.parity(evidence(counts(match=3537)), ParityGate(max_mismatch=0.001), NOW)
    assert many.remedy == "1,204 more clean comparisons (about 41 min at the rate so far)"
    slow = gates.parity(evidence(counts(match=3537), first_at=NOW - 31_752), ParityGate(max_mismatch=0.001), NOW)
    assert slow.remedy == "1,204 more clean comparisons (about 3 h at the rate so far)"


def test_parity_tells_no_time_left_from_evidence_of_a_moment() -> None:
    verdict = gates.parity(evidence(counts(match=471), first_at=NOW - 30), POLICY, NOW)
    assert verdict.remedy == "1 more clean comparisons"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 min"), (89, "1 min"), (7_199, "120 min"), (7_200, "2 h"), (172_799, "48 h"), (172_800, "2 days")],
)
def test_rounded_says_times_as_people_do(seconds: float, words: str) -> None:
    assert rounded(seconds) == words


@pytest.mark.parametrize("bad", [{"mismatch": 30}, {"new_failed": 30}, {"skipped": 30}])
def test_parity_counts_mismatches_failures_and_uncompared_alike(bad: dict[str, int]) -> None:
    verdict = gates.parity(evidence(counts(match=470, **bad)), POLICY, NOW)
    assert verdict.result is Result.HOLD
    assert verdict.reasons[0] == "30 of 500 inputs did not come out equal"


def test_parity_leaves_uncompared_out_only_up_to_the_allowed_share() -> None:
    policy = ParityGate(max_mismatch=0.01, max_not_compared=0.05)
    assert gates.parity(evidence(counts(match=500, skipped=20)), policy, NOW).result is Result.PASS
    assert gates.parity(evidence(counts(match=500, skipped=30)), policy, NOW).result is Result.HOLD


def test_parity_of_only_uncompared_inputs_is_never_a_pass() -> None:
    policy = ParityGate(max_mismatch=0.01, max_not_compared=1.0)
    assert gates.parity(evidence(counts(skipped=5000)), policy, NOW).result is Result.NO_DATA


def test_parity_without_data_is_no_data_and_with_other_builds_only_is_stale() -> None:
    nothing = {"first_at": None, "last_at": None}
    assert gates.parity(Evidence("a.b", "now"), POLICY, NOW).result is Result.NO_DATA
    assert gates.parity(evidence(counts(), **nothing), POLICY, NOW).result is Result.NO_DATA
    assert gates.parity(evidence(counts(), **nothing, other_fingerprints=9), POLICY, NOW).result is Result.STALE
    assert gates.parity(evidence(counts(match=9999), fingerprint="before"), POLICY, NOW).result is Result.STALE


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": counts(match=-1)},
        {"inputs": counts(match=5000, mismatch=-4000)},
        {"inputs": Counts({OutcomeKind.MATCH: NAN})},  # type: ignore[dict-item]
        {"inputs": counts(match=5001)},
        {"inputs": counts(match=0)},
        {"inputs": Counts({OutcomeKind.MATCH: 5000}, {Reason.TOO_LARGE: 400})},
        {"first_at": NOW + 1},
        {"last_at": NOW + 1},
        {"first_at": NAN},
        {"last_at": NAN},
        {"last_at": None},
        {"first_at": None},
        {"first_at": -5.0},
        {"first_at": 0.0},
        {"first_at": NOW - 1, "last_at": NOW - 2},
        {"settled": -1},
        {"refused": -1},
        {"interleaved": -1},
        {"alone": NAN},
        {"keys": -1},
        {"noise": NoiseEvidence(-1)},
        {"noise": NoiseEvidence(NAN)},  # type: ignore[arg-type]
        {"noise": NoiseEvidence(9, (NoisyPath("$.p", DifferenceKind.VALUE, 4, 3, 3),))},
        {"noise": NoiseEvidence(9, (NoisyPath("$.p", DifferenceKind.VALUE, 4, -1, 3),))},
        {"rules": (RuleLimit("rule 1", 0.5, -1),)},
        {"rules": (RuleLimit("rule 1", NAN, 0),)},
        {"fingerprint": ""},
        {"fingerprint": "other"},
    ],
)
def test_damaged_parity_evidence_never_passes(changes: dict[str, object]) -> None:
    damaged = evidence(counts(match=5000), **changes)
    assert gates.parity(evidence(counts(match=5000)), POLICY, NOW).result is Result.PASS
    assert gates.parity(damaged, POLICY, NOW).result is not Result.PASS


@pytest.mark.parametrize("now", [NAN, float("inf"), 0.0, -1.0, NOW - 8000])
def test_broken_clock_never_passes(now: float) -> None:
    good = evidence(counts(match=5000))
    assert gates.parity(good, POLICY, now).result is not Result.PASS
    assert gates.soak(good, 1.0, now).result is not Result.PASS
    assert gates.load(Evidence("a.b", "now", load=run()), LOAD, BUDGET, now).result is not Result.PASS


def test_load_passes_within_its_budget() -> None:
    assert load_result(run()) is Result.PASS


def side(**changes: object) -> LoadSide:
    return replace(LoadSide(300, 0, 5.0, 10.0, 20.0, 30.0), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "result"),
    [
        (None, Result.NO_DATA),
        (run(operation="a.c"), Result.NO_DATA),
        (run(budget="night"), Result.NO_DATA),
        (run(at=NOW + 1), Result.NO_DATA),
        (run(at=NAN), Result.NO_DATA),
        (run(new=side(requests=49)), Result.NO_DATA),
        (run(old=side(requests=0)), Result.NO_DATA),
        (run(new=side(p99_ms=NAN)), Result.NO_DATA),
        (run(new=side(p99_ms=-1.0)), Result.NO_DATA),
        (run(new=side(errors=301)), Result.NO_DATA),
        (run(new=side(p50_ms=99.0)), Result.NO_DATA),
        (run(achieved_per_s=NAN), Result.NO_DATA),
        (run(fingerprint="before"), Result.STALE),
        (run(at=NOW - 169 * 3600), Result.STALE),
        (run(achieved_per_s=8.9), Result.HOLD),
        (run(duration_s=20.0), Result.HOLD),
        (run(new=side(errors=4)), Result.HOLD),
        (run(old=side(errors=300), new=side(errors=300)), Result.HOLD),
        (run(new=side(p99_ms=51.0, max_ms=60.0)), Result.HOLD),
        (run(new=side(p99_ms=30.1, max_ms=60.0)), Result.HOLD),
        (run(old=side(p50_ms=0.0, p95_ms=0.0, p99_ms=0.0)), Result.HOLD),
    ],
)
def test_load_says_no_to(made: LoadEvidence | None, result: Result) -> None:
    assert load_result(made) is result


def test_soak_counts_from_the_first_comparison() -> None:
    good = evidence(counts(match=1))
    assert gates.soak(good, 2.0, NOW).result is Result.PASS
    verdict = gates.soak(good, 3.0, NOW)
    assert (verdict.result, verdict.remedy) == (Result.HOLD, "1.0 h more")
    assert gates.soak(good, NAN, NOW).result is Result.HOLD
    assert gates.soak(Evidence("a.b", "now"), 0.0, NOW).result is Result.NO_DATA


def test_soak_is_not_served_by_silence() -> None:
    once = evidence(counts(match=1), heard_first_at=NOW - 90_000, heard_last_at=NOW - 90_000)
    verdict = gates.soak(once, 24.0, NOW)
    assert (verdict.result, verdict.reasons) == (
        Result.HOLD,
        ("the last comparison of a caller's request was 25.0 h ago: nothing was seen since",),
    )
    lately = evidence(counts(match=1), heard_first_at=NOW - 90_000, heard_last_at=NOW - 3600)
    assert [gates.soak(lately, soak_h, NOW).result for soak_h in (24.0, 0.1)] == [Result.PASS, Result.PASS]


def test_soak_is_not_served_by_replays_and_probes() -> None:
    asked = evidence(counts(match=1), first_at=NOW - 90_000, heard_first_at=None, heard_last_at=None)
    verdict = gates.soak(asked, 24.0, NOW)
    assert (verdict.result, "replays and probes are no soak" in verdict.reasons[0]) == (Result.NO_DATA, True)


@pytest.mark.parametrize(
    ("interleaved", "alone", "result"),
    [(0, 0, Result.PASS), (500, 1, Result.HOLD), (1, 2499, Result.HOLD), (500, 2500, Result.PASS)],
)
def test_two_builds_that_answer_at_the_same_time_hold_parity_and_soak(
    interleaved: int, alone: int, result: Result
) -> None:
    seen = evidence(counts(match=5000), interleaved=interleaved, alone=alone)
    verdicts = gates.parity(seen, POLICY, NOW), gates.soak(seen, 1.0, NOW)
    assert [verdict.result for verdict in verdicts] == [result, result]
    for verdict in verdicts:
        assert ("two builds answer at the same time" in "".join(verdict.reasons)) == (result is Result.HOLD)


@pytest.mark.parametrize(
    ("settled", "match", "result"),
    [(520, 520, Result.HOLD), (3, 472, Result.PASS), (100, 5000, Result.PASS), (101, 5000, Result.HOLD)],
)
def test_parity_holds_where_too_much_agreed_only_when_asked_again(settled: int, match: int, result: Result) -> None:
    verdict = gates.parity(evidence(counts(match=match), settled=settled), POLICY, NOW)
    assert verdict.result is result
    assert ("agreed only when asked again" in "".join(verdict.reasons)) == (result is Result.HOLD)
    allowed = ParityGate(max_mismatch=0.01, max_settled=1.0)
    assert gates.parity(evidence(counts(match=match), settled=settled), allowed, NOW).result is Result.PASS


def test_parity_says_the_share_that_settled() -> None:
    policy = ParityGate(max_mismatch=0.1, max_settled=0.1)
    verdict = gates.parity(evidence(counts(match=100), settled=4), ParityGate(max_mismatch=0.1), NOW)
    (reason,) = verdict.reasons
    said = "4 of 100 compared exchanges (4 %) agreed only when asked again; the plan allows 2 %"
    assert reason == f"{said}: new is not stable, or races are too common"
    assert gates.parity(evidence(counts(match=100), settled=4), policy, NOW).result is Result.PASS


@pytest.mark.parametrize(("refused", "result"), [(2500, Result.PASS), (2501, Result.HOLD), (5000, Result.HOLD)])
def test_parity_holds_where_mostly_refusals_were_compared(refused: int, result: Result) -> None:
    seen = evidence(counts(match=5000), refused=refused)
    verdict = gates.parity(seen, POLICY, NOW)
    assert verdict.result is result
    assert ("mostly refusals were compared" in "".join(verdict.reasons)) == (result is Result.HOLD)
    assert gates.parity(seen, ParityGate(max_mismatch=0.01, max_refused=1.0), NOW).result is Result.PASS


@pytest.mark.parametrize(("keys", "is_told"), [(0, False), (49, True), (50, False), (5000, False)])
def test_parity_tells_where_many_inputs_are_of_few_keys(keys: int, is_told: bool) -> None:
    verdict = gates.parity(evidence(counts(match=5000), keys=keys), POLICY, NOW)
    assert verdict.result is Result.PASS
    assert ("the 5,000 inputs are of about 49 keys only" in "".join(verdict.reasons)) is is_told


def approval(who: str, **changes: object) -> Approval:
    return replace(Approval(who, NOW - 5, "{live: 100}", "now"), **changes)  # type: ignore[arg-type]


def approved(*given: Approval, requester: str | None = "olu", count: int = 2) -> Result:
    held = Evidence("a.b", "now", approvals=given)
    people = ("ana", "ben", "olu")
    return gates.approvals(held, count, "{live: 100}", requester, approvers=people, now=NOW).result


def test_approvals_of_two_others_pass() -> None:
    assert approved(approval("ana"), approval("ben")) is Result.PASS


@pytest.mark.parametrize(
    "given",
    [
        (),
        (approval("ana"),),
        (approval("ana"), approval("ana")),
        (approval("ana"), approval("Ana ")),
        (approval("ana"), approval("olu")),
        (approval("ana"), approval("OLU")),
        (approval("ana"), approval("eve")),
        (approval("ana"), approval("ben", to="{live: 10, shadow: 90}")),
        (approval("ana"), approval("ben", fingerprint="before")),
        (approval("ana"), approval("ben", at=NOW + 1)),
        (approval("ana"), approval("ben", at=NAN)),
    ],
)
def test_approvals_that_do_not_count(given: tuple[Approval, ...]) -> None:
    assert approved(*given) is Result.HOLD


def test_approvals_on_earlier_evidence_only_are_stale() -> None:
    assert approved(approval("ana", fingerprint="before"), approval("ben", fingerprint="before")) is Result.STALE


def test_gaps_hold_until_they_are_closed() -> None:
    assert gates.gaps(Evidence("a.b", "now")).result is Result.PASS
    assert gates.gaps(Evidence("a.b", "now", gaps=1)).result is Result.HOLD
    assert gates.gaps(Evidence("a.b", "now", gaps=-1)).result is Result.NO_DATA
    assert gates.gaps(Evidence("a.b", "now", gaps=NAN)).result is Result.NO_DATA  # type: ignore[arg-type]


def test_hold_stands_against_every_move() -> None:
    assert gates.hold(None).result is Result.PASS
    assert gates.hold("ana: trouble").result is Result.HOLD


def test_nothing_may_move_unless_every_gate_passed() -> None:
    good, bad = gates.hold(None), gates.hold("ana: trouble")
    assert gates.may_move([good])
    assert not gates.may_move([good, bad])
