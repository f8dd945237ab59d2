import pytest
from lxml import etree

from examples.elderly_care.adapters import as_declared, birth_date, hours, iso_date, lines_of, text
from examples.elderly_care.seed import records
from examples.elderly_care.seed.departments import PatientIndex

PATIENT = {
    "nhs_number": "9990000018",
    "nino": "QQ123456A",
    "family_name": "O’Neill" + " " * 33,
    "given_name": "Zoë" + " " * 37,
    "birth_ddmmyy": "290240",
    "status": "1",
    "telephone": "01134960001     ",
    "gp_code": "GP0001",
    "address_1": "1 Mill Street" + " " * 27,
    "address_2": "Dunsop" + " " * 34,
    "address_3": None,
    "address_4": None,
    "postcode": "ZZ1 1AB ",
}
AWARD = {
    "nino": "QQ 12 34 56 A",
    "name": "ZOË O’NEILL",
    "dateOfBirth": "29/02/1940",
    "status": "A",
    "weeklyAmount": "184.29",
    "correspondenceAddress": {"line": ["c/o Jean Hall", None], "postcode": "ZZ2 2BB"},
}


@pytest.mark.parametrize(("implied", "expected"), [("00750", "7.50"), ("13975", "139.75"), ("00000", "0.00")])
def test_hours_have_their_point_put_in(implied: str, expected: str) -> None:
    assert hours(implied) == expected


def test_dates_of_the_index_become_iso_8601() -> None:
    assert (birth_date("290240"), iso_date("20220712")) == ("1940-02-29", "2022-07-12")


def test_padding_goes_and_inner_spaces_stay() -> None:
    assert (text("van der Berg   "), lines_of(PATIENT)) == ("van der Berg", ["1 Mill Street", "Dunsop"])


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_a_page_is_utf_8_whatever_it_was(encoding: str) -> None:
    assert as_declared("Mrs O’Neill £5".encode(encoding)).decode() == "Mrs O’Neill £5"


def test_a_citizen_is_named_as_people_write_and_dated_by_the_index() -> None:
    found = records.citizen(PATIENT, AWARD)
    assert (found["name"], found["date_of_birth"], found["is_deceased"]) == ("Zoë O’Neill", "1940-02-29", False)
    assert found["held_by"] == {
        "health": {"lines": ["1 Mill Street", "Dunsop"], "postcode": "ZZ1 1AB"},
        "pensions": {"lines": ["c/o Jean Hall", ""], "postcode": "ZZ2 2BB"},
    }


def test_where_the_departments_disagree_on_the_name_pensions_is_kept() -> None:
    assert records.citizen(PATIENT, AWARD | {"name": "ZOË HALL"})["name"] == "ZOË HALL"


@pytest.mark.parametrize(("health", "pensions"), [("9", "A"), ("1", "D")])
def test_who_is_dead_to_either_is_dead(health: str, pensions: str) -> None:
    assert records.citizen(PATIENT | {"status": health}, AWARD | {"status": pensions})["is_deceased"] is True


def test_somebody_without_an_award_is_a_citizen_all_the_same() -> None:
    assert list(records.citizen(PATIENT, None)["held_by"]) == ["health"]


@pytest.mark.parametrize("review", [{}, {"nextReview": None}, {"nextReview": ""}])
def test_no_review_is_one_thing_however_it_was_said(review: dict[str, str | None]) -> None:
    assert records.entitlement("QQ123456A", AWARD | review)["next_review"] is None


def test_pounds_become_pence_and_what_is_inherited_is_left_to_the_law() -> None:
    spouse = {"dateOfDeath": "2001-05-06", "additionalAmount": "63.02"}
    found = records.entitlement("QQ123456A", AWARD | {"inheritedAmount": "31.51", "lateSpouse": spouse})
    assert found == {
        "nino": "QQ123456A",
        "status": "active",
        "weekly_amount_pence": 18_429,
        "late_spouse": {"date_of_death": "2001-05-06", "additional_amount_pence": 6_302},
        "next_review": None,
    }


def test_a_care_plan_gets_the_contacts_and_reviews_that_are_its_own() -> None:
    plan = {
        "nhs_number": "9990000018",
        "opened_on": "20220712",
        "weekly_hours": "00750",
        "dependency": "2",
        "lives_alone": "Y",
        "note": None,
    }
    contact = {"name": "A Ng ", "relation": "02", "telephone": "0113 ", "keyholder": "N"}
    review = {"reviewed_on": "20230108", "outcome": "NC", "remark": None}
    index = PatientIndex(
        [PATIENT],
        [plan],
        [contact | {"nhs_number": "9990000018"}, contact | {"nhs_number": "9990000026"}],
        [review | {"nhs_number": "9990000026"}],
    )
    (found,) = records.care_plans(index)
    assert found["contacts"] == [{"name": "A Ng", "relation": "child", "telephone": "0113", "is_keyholder": False}]
    assert (found["reviews"], found["weekly_hours"], found["lives_alone"]) == ([], "7.50", True)


def test_a_page_without_an_assessment_is_a_client_all_the_same() -> None:
    page = etree.fromstring('<error code="NA">No assessment has been made</error>')
    assert records.client("QQ123456A", page) == {"nino": "QQ123456A"}


def test_an_assessment_is_read_from_its_page() -> None:
    page = etree.fromstring(
        '<assessment><nino>QQ123456A</nino><band code="M"/><weeklyHours>7.50</weeklyHours><assessor>J. O’Hara'
        "</assessor><summary>Ms Ng: walks.</summary><assessedOn>03/11/2024</assessedOn></assessment>"
    )
    assert records.client("QQ123456A", page)["assessment"] == {
        "band": "moderate",
        "weekly_hours": "7.50",
        "assessor": "J. O’Hara",
        "summary": "Ms Ng: walks.",
        "assessed_on": "2024-11-03",
    }
