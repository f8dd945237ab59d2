"""The rows gate: only a reconciliation that ended, lately, as the plan says now, lets anything pass."""

from dataclasses import replace

import pytest

from strangler import gates
from strangler.evidence import Evidence, Result, RowsEvidence, RowsRun, Verdict
from strangler.plan.gate_models import RowsGate

NOW = 1_000_000.0
RUN = RowsRun("r1", NOW - 7200, NOW - 3600, True, 2, 900, 900)


def verdict(seen: RowsEvidence | None, **policy: object) -> Verdict:
    return gates.rows(Evidence("a.b", "now", rows=seen), RowsGate.model_validate({"name": "citizens", **policy}), NOW)


def of_run(**changes: object) -> RowsEvidence:
    return RowsEvidence("citizens", replace(RUN, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("allowed", "result"), [(2, Result.PASS), (1, Result.HOLD)])
def test_rows_may_differ_as_often_as_the_plan_says(allowed: int, result: Result) -> None:
    told = verdict(of_run(), max_differences=allowed)
    assert (told.result, told.value) == (result, "2 differences in 900 old and 900 new rows, 2.0 h old")


def test_rows_hold_says_what_to_do() -> None:
    told = verdict(of_run())
    assert told.reasons == ("2 rows differ; the plan allows 0",)
    assert told.remedy == "rows that agree, then strangler rows citizens"


def test_rows_read_too_long_ago_are_stale() -> None:
    assert verdict(of_run(differences=0), max_age_h=1.9).result is Result.STALE
    assert verdict(of_run(differences=0), max_age_h=2).result is Result.PASS


def test_rows_of_an_earlier_plan_are_stale_and_none_at_all_are_no_data() -> None:
    assert verdict(RowsEvidence("citizens", None, elsewhere=1)).result is Result.STALE
    assert verdict(RowsEvidence("citizens")).result is Result.NO_DATA
    assert verdict(None).result is Result.NO_DATA


def test_rows_that_a_stopped_run_found_to_differ_since_then_hold() -> None:
    seen = replace(of_run(differences=0), stopped=3)
    assert verdict(seen).reasons == ("a run since then found 3 rows that differ before it was stopped",)


def test_rows_of_empty_tables_are_no_data() -> None:
    assert verdict(of_run(differences=0, old_rows=0, new_rows=0)).result is Result.NO_DATA
