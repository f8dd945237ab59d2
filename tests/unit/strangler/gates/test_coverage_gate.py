"""The coverage gate: what was never seen is named, and nothing passes on a contract that nobody could read."""

from dataclasses import replace

import pytest

from strangler import gates
from strangler.evidence import CoverageEvidence, Evidence, Result, Verdict
from strangler.plan.models import CoverageGate

ITEMS = tuple(f"status {code}" for code in range(400, 410))


def verdict(seen: CoverageEvidence | None, **policy: object) -> Verdict:
    return gates.coverage(Evidence("a.b", "now", coverage=seen), CoverageGate.model_validate(policy))


def seen(count: int, **changes: object) -> CoverageEvidence:
    made = CoverageEvidence(len(ITEMS), count, ITEMS[count:], "http://pensions/wsdl")
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("count", "result"), [(10, Result.PASS), (9, Result.PASS), (8, Result.HOLD), (0, Result.HOLD)])
def test_coverage_passes_from_the_share_that_the_plan_asks_for(count: int, result: Result) -> None:
    assert result is verdict(seen(count)).result


def test_coverage_names_what_was_never_seen_and_what_would_do() -> None:
    told = verdict(seen(2))
    assert told.value == "2 of 10 items, 20 %"
    assert told.threshold == "90 % of the contract's items"
    assert told.reasons == (
        "8 items were never seen: status 402, status 403, status 404, status 405, status 406 and 3 more",
    )
    assert told.remedy == "7 more items seen, by traffic or by probes, or said to be 'never' seen"


def test_coverage_leaves_out_what_cannot_be_seen() -> None:
    never = [{"item": "status 40*", "why": "the old side never says so"}]
    assert verdict(seen(0), never=never).result is Result.NO_DATA
    told = verdict(seen(5), never=[{"item": "status 409", "why": "the old side never says so"}])
    assert (told.result, told.value) == (Result.HOLD, "5 of 9 items, 55.6 %")


def test_coverage_without_a_contract_is_no_data() -> None:
    assert verdict(None).result is Result.NO_DATA
    assert verdict(CoverageEvidence(0, 0, ())).result is Result.NO_DATA
    told = verdict(CoverageEvidence(0, 0, (), "pensions.wsdl", "no such file"))
    assert told.reasons == ("the contract at pensions.wsdl could not be read the last time: no such file",)


def test_coverage_by_a_contract_that_cannot_be_read_any_more_holds() -> None:
    told = verdict(seen(10, trouble="connection refused"))
    assert (told.result, told.remedy) == (Result.HOLD, "a contract that can be read")


def test_coverage_of_other_builds_is_stale() -> None:
    assert verdict(seen(0, elsewhere=10)).result is Result.STALE
    assert verdict(seen(9, elsewhere=10)).result is Result.PASS


@pytest.mark.parametrize(
    "changes",
    [{"expected": -1}, {"seen": -1}, {"seen": 11}, {"unseen": ()}, {"expected": float("nan")}, {"elsewhere": -1}],
)
def test_damaged_coverage_never_passes(changes: dict[str, object]) -> None:
    assert verdict(seen(9, **changes), min=0.1).result is Result.NO_DATA
