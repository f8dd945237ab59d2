"""Noise: new may waver where and as often as old does, and nowhere else."""

import random
from dataclasses import replace

import pytest

from strangler import gates
from strangler.evidence import Counts, Evidence, NoiseEvidence, NoisyPath, ParityEvidence, Result, RuleLimit, Verdict
from strangler.exchange import DifferenceKind, OutcomeKind
from strangler.plan.models import ParityGate

NOW = 1_000_000.0
POLICY = ParityGate(max_mismatch=0.01)


def path(general: str, both: int, again: int, beside: int) -> NoisyPath:
    return NoisyPath(general, DifferenceKind.VALUE, both, again, beside)


def verdict(noise: NoiseEvidence | None, *, noisy: int = 0, policy: ParityGate = POLICY, **changes: object) -> Verdict:
    seen = Counts({OutcomeKind.MATCH: 1000 - noisy, OutcomeKind.NOISE: noisy})
    parity = ParityEvidence("now", seen, seen, first_at=NOW - 7200, last_at=NOW - 1, noise=noise)
    parity = replace(parity, **changes)  # type: ignore[arg-type]
    return gates.parity(Evidence("a.b", "now", parity=parity), policy, NOW)


@pytest.mark.parametrize(
    ("again", "beside", "result"),
    [(0, 0, Result.PASS), (9, 9, Result.PASS), (0, 7, Result.PASS), (0, 8, Result.HOLD), (8, 0, Result.HOLD)],
)
def test_rate_of_noise_that_changes_holds_parity(again: int, beside: int, result: Result) -> None:
    told = verdict(NoiseEvidence(200, (path("$.p", 20, again, beside),)))
    assert result is told.result


def test_rate_of_noise_that_changes_is_told_with_its_figures() -> None:
    told = verdict(NoiseEvidence(200, (path("$.p", 10, 10, 60), path("$.q", 9, 9, 9))))
    (reason,) = told.reasons
    assert reason == (
        "$.p (value) differs more often between old and new than between old and old: in 60 of 200 draws only from "
        "new, in 10 only from old, which differs from itself in 4.28 % to 18.8 %"
    )
    assert told.remedy == "noise of new as old has it"
    calmer = verdict(NoiseEvidence(200, (path("$.p", 10, 60, 10),)))
    assert "differs less often" in calmer.reasons[0]


def test_many_noisy_paths_share_one_risk_of_a_false_alarm() -> None:
    alone = path("$.p", 0, 0, 8)
    others = tuple(path(f"$.q{n}", 5, 5, 5) for n in range(60))
    assert [found.general_path for found in gates.changed_rates(NoiseEvidence(200, (alone,)), 0.95)] == ["$.p"]
    assert gates.changed_rates(NoiseEvidence(200, (alone, *others)), 0.95) == ()


def test_many_changed_paths_are_counted_and_a_few_named() -> None:
    told = verdict(NoiseEvidence(200, tuple(path(f"$.p{n}", 0, 0, 40 + n) for n in range(5))))
    assert [reason.split()[0] for reason in told.reasons[:3]] == ["$.p4", "$.p3", "$.p2"]
    assert told.reasons[3] == "so it is at 2 further paths"


@pytest.mark.parametrize(("noisy", "result"), [(3, Result.PASS), (200, Result.PASS), (201, Result.HOLD)])
def test_too_much_noise_holds_parity(noisy: int, result: Result) -> None:
    assert result is verdict(NoiseEvidence(50), noisy=noisy).result


@pytest.mark.parametrize(("noisy", "result"), [(3, Result.PASS), (4, Result.HOLD)])
@pytest.mark.parametrize("noise", [None, NoiseEvidence()])
def test_noise_without_any_draw_holds_parity(noise: NoiseEvidence | None, noisy: int, result: Result) -> None:
    assert result is verdict(noise, noisy=noisy).result


@pytest.mark.parametrize(("exchanges", "result"), [(0, Result.PASS), (50, Result.PASS), (51, Result.HOLD)])
def test_rule_that_hides_more_than_its_share_holds_parity(exchanges: int, result: Result) -> None:
    told = verdict(None, rules=(RuleLimit("rule 2 (ignore at $.p)", 0.05, exchanges),))
    assert told.result is result
    reason = "rule 2 (ignore at $.p) hid something in 51 of 1,000 compared exchanges (5.1 %); the plan allows it in 5 %"
    assert (told.reasons == (reason,)) is (result is Result.HOLD)


def test_doubts_are_told_although_the_bound_is_not_reached() -> None:
    told = verdict(None, rules=(RuleLimit("rule 1", 0.0, 9),), policy=ParityGate(max_mismatch=0.001))
    assert told.remedy.startswith(
        "3,741 more clean comparisons (about 7 h at the rate so far), and a look at what rule 1 hides"
    )
    assert len(told.reasons) == 2


def test_paths_that_turn_up_one_by_one_raise_few_false_alarms() -> None:
    """A new noisy path every 20 draws, each like old's; all of them looked at after every fourth draw."""
    rng = random.Random(7)
    alarms = sum(is_any_called_changed(rng) for _ in range(1_000))
    assert alarms <= 1_000 * 0.1


def is_any_called_changed(rng: random.Random) -> bool:
    counts: list[list[int]] = []
    for draw in range(160):
        if draw % 20 == 0:
            counts.append([0, 0])
        for pair in counts:
            pair[rng.random() < 0.5] += 1
        if draw % 4 == 3:
            paths = tuple(path(f"$.p{n}", 0, *pair) for n, pair in enumerate(counts))
            if gates.changed_rates(NoiseEvidence(160, paths), 0.9):
                return True
    return False
