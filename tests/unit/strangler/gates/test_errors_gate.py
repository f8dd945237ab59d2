"""The errors gate: every failure counts, whoever asked, and nothing passes that was not shown."""

from dataclasses import replace

import pytest

from strangler import gates
from strangler.evidence import AnsweredEvidence, Counts, Evidence, ParityEvidence, Result, Verdict
from strangler.exchange import OutcomeKind, Reason
from strangler.plan.gate_models import ErrorsGate

NOW = 1_000_000.0
POLICY = ErrorsGate(max_ratio=0.01)


def verdict(*, fine: int = 0, failed: int = 0, requests: int = 0, broke: int = 0, **changes: object) -> Verdict:
    counts = Counts({OutcomeKind.MATCH: fine, OutcomeKind.NEW_FAILED: failed})
    seen = ParityEvidence("now", counts, counts, first_at=NOW - 7200, last_at=NOW - 1)
    seen = replace(seen, **changes)  # type: ignore[arg-type]
    answered = AnsweredEvidence("now", NOW - 7200, requests, broke)
    return gates.errors(Evidence("a.b", "now", parity=seen, answered=answered), POLICY, NOW)


def test_errors_pass_once_the_rate_is_shown_to_be_below_the_limit() -> None:
    told = verdict(fine=472)
    assert (told.result, told.value) == (Result.PASS, "0 of 472 answers, at most 0.999 %")
    assert told.threshold == "below 1 % at 95 % confidence"


def test_errors_hold_below_that_and_say_how_many_more() -> None:
    told = verdict(fine=471)
    assert (told.result, told.remedy) == (Result.HOLD, "1 more answers of new, none of them failed")


@pytest.mark.parametrize(
    ("counts", "failed", "of"),
    [
        ({"fine": 500, "requests": 900}, 0, 900),
        ({"fine": 900, "requests": 500, "broke": 40}, 40, 900),
        ({"fine": 500, "failed": 40, "requests": 500, "broke": 40}, 80, 540),
        ({"fine": 0, "failed": 40, "requests": 40, "broke": 40}, 40, 40),
    ],
)
def test_errors_count_failures_of_both_and_the_larger_sample_alone(
    counts: dict[str, int], failed: int, of: int
) -> None:
    assert verdict(**counts).value.startswith(f"{failed} of {of} answers")  # type: ignore[arg-type]


def test_errors_leave_out_what_was_not_compared() -> None:
    skipped = Counts({OutcomeKind.MATCH: 100, OutcomeKind.NOT_COMPARED: 9_000}, {Reason.TOO_LARGE: 9_000})
    told = verdict(inputs=skipped, exchanges=skipped)
    assert (told.result, told.value.split(",")[0]) == (Result.HOLD, "0 of 100 answers")


def test_errors_while_two_builds_answer_hold() -> None:
    told = verdict(fine=1_000, interleaved=5, alone=3)
    assert (told.result, told.remedy) == (Result.HOLD, "one build to answer alone")


def test_errors_of_other_builds_are_stale_and_none_are_no_data() -> None:
    assert verdict(first_at=None, last_at=None, other_fingerprints=5_000).result is Result.STALE
    assert verdict().result is Result.NO_DATA
    assert gates.errors(Evidence("a.b", "now"), POLICY, NOW).result is Result.NO_DATA
