import pytest

from examples.elderly_care.population import citizens
from examples.elderly_care.release_1 import assessment, care_plan, citizen_record, entitlement
from examples.elderly_care.release_1.faults import with_faults
from new_services.care_plan.service import SERVICE as CARE_PLAN


@pytest.mark.parametrize(("pence", "expected"), [(435, 434), (18_429, 18_429), (20_000, 20_000)])
def test_rounding_loses_a_penny_where_the_float_is_just_below(pence: int, expected: int) -> None:
    assert entitlement.d01_rounding_to_pence({"weekly_amount_pence": pence}) == {"weekly_amount_pence": expected}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-29", "2026-03-29"),  # the clock goes forward at one in the morning: midnight was still winter
        ("2026-03-30", "2026-03-29"),
        ("2026-10-25", "2026-10-24"),
        ("2026-10-26", "2026-10-26"),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_dates_are_a_day_early_in_summer_only(day: str, expected: str) -> None:
    assert entitlement.d02_summer_time_date({"payments": [{"date": day}]}) == {"payments": [{"date": expected}]}


def test_the_list_is_cut_after_the_50th() -> None:
    payments = list(range(60))
    assert entitlement.d06_list_cut_at_50({"payments": payments}) == {"payments": payments[:50]}


def test_about_one_citizen_in_500_is_hit() -> None:
    assert 8 <= sum(entitlement.is_hit(citizen.nino) for citizen in citizens()) <= 16


@pytest.mark.parametrize(("name", "expected"), [("O’Neill", "O\x92Neill"), ("O'Neill", "O'Neill"), ("張", "?")])
def test_only_what_latin_1_writes_otherwise_is_lost(name: str, expected: str) -> None:
    assert citizen_record.d03_apostrophe_lost_to_cp1252({"family_name": name}) == {"family_name": expected}


def test_what_is_known_is_left_alone_and_what_is_not_becomes_null() -> None:
    known = {"note": "n", "reviews": [{"remark": "r"}]}
    unknown = {"reviews": [{"date": "2026-01-01"}]}
    assert care_plan.d04_null_for_absent(known) == known
    assert care_plan.d04_null_for_absent(unknown) == {
        "note": None,
        "reviews": [{"remark": None, "date": "2026-01-01"}],
    }


def test_bands_are_crossed_in_the_middle_of_the_table() -> None:
    crossed = [assessment.d08_code_table_crossed({"band": band})["band"] for band in ("low", "moderate", "substantial")]
    assert crossed == ["low", "substantial", "moderate"]


def test_a_fault_over_a_route_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError, match="care_plan has no route"):
        with_faults(CARE_PLAN, {("GET", "/plans"): ()})
