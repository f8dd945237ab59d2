import json
from pathlib import Path
from typing import Any

import pytest

from new_services.assessment.service import SERVICE as ASSESSMENT
from new_services.care_plan.service import SERVICE as CARE_PLAN
from new_services.citizen_record.service import SERVICE as CITIZEN_RECORD
from new_services.entitlement.service import SERVICE as ENTITLEMENT

NINO = "QQ123456A"
HOME = {"lines": ["1 Mill Street", "Dunsop"], "postcode": "ZZ1 1AB"}
POST_BOX = {"lines": ["c/o Jean O’Neill"], "postcode": "ZZ2 2BB"}


def _citizen(**changes: Any) -> dict[str, Any]:
    citizen = {
        "nino": NINO,
        "nhs_number": "9990000018",
        "name": "Łukasz O’Neill",
        "given_name": "Łukasz",
        "family_name": "O’Neill",
        "date_of_birth": "1940-02-29",
        "gp_code": "GP0001",
        "address": HOME,
        "held_by": {"pensions": POST_BOX, "health": HOME},
        "contact": {"telephone": "01134960001"},
    }
    return citizen | changes


@pytest.fixture
def record(start: Any) -> Any:
    client = start(CITIZEN_RECORD)
    assert client.post("/citizens/import", {"citizens": [_citizen()]}).json() == {"imported": 1}
    return client


def test_a_citizen_is_found_by_either_number_and_with_spaces(record: Any) -> None:
    by_nino, by_nhs = record.get("/citizens/qq 12 34 56 a"), record.get("/citizens?nhs_number=999 000 0018")
    assert by_nino.json() == by_nhs.json()
    assert (by_nino.json()["family_name"], by_nino.json()["date_of_birth"]) == ("O’Neill", "1940-02-29")


@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        ("/citizens/QQ000000A", 404, "citizen-unknown"),
        ("/citizens?nhs_number=9990000000", 404, "citizen-unknown"),
        ("/citizens/nobody", 400, "nino-form"),
        ("/citizens?nhs_number=12", 400, "nhs-number-form"),
        ("/citizens", 400, "query-missing"),
    ],
)
def test_who_is_not_there_is_a_problem(record: Any, path: str, status: int, problem: str) -> None:
    answer = record.get(path)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:problem:{problem}")


def test_an_address_told_once_is_everybodys_but_the_copy_of_a_department_not_yet_moved(record: Any) -> None:
    moved = {"lines": ["2 Mill Street"], "postcode": "ZZ3 3CC"}
    record.put(f"/citizens/{NINO}/address", {**moved, "told_to": "pensions"}, "move-1")

    seen = {by: record.get(f"/citizens/{NINO}?as_held_by={by}").json()["address"] for by in ("pensions", "health")}
    assert seen == {"pensions": moved, "health": HOME}
    assert record.get(f"/citizens/{NINO}").json()["address"] == moved


def test_a_department_without_a_copy_sees_the_one_address(record: Any) -> None:
    assert record.get(f"/citizens/{NINO}?as_held_by=council").json()["address"] == HOME


def test_a_telephone_number_keeps_its_zero_and_what_is_not_sent_stays(record: Any) -> None:
    record.put(f"/citizens/{NINO}/contact", {"telephone": "07700900123"})
    answer = record.put(f"/citizens/{NINO}/contact", {"email": "l@example.org"})
    assert answer.json()["contact"] == {"telephone": "07700900123", "email": "l@example.org"}


def test_a_death_is_reported_once(record: Any) -> None:
    first = record.post(f"/citizens/{NINO}/death", {"date_of_death": "2026-01-05"}, "key-1")
    again = record.post(f"/citizens/{NINO}/death", {"date_of_death": "2026-01-05"}, "key-1")
    other = record.post(f"/citizens/{NINO}/death", {"date_of_death": "2026-01-05"}, "key-2")

    assert (first.status_code, again.content) == (201, first.content)
    assert (other.status_code, other.json()["type"]) == (409, "urn:problem:death-already-reported")
    assert record.get(f"/citizens/{NINO}").json()["is_deceased"] is True


def test_a_second_import_replaces_the_record(record: Any) -> None:
    record.put(f"/citizens/{NINO}/address", {**POST_BOX, "told_to": "health"})
    record.post("/citizens/import", {"citizens": [_citizen(name="Łukasz Nowak")]})
    found = record.get(f"/citizens/{NINO}?as_held_by=health").json()
    assert (found["name"], found["address"]) == ("Łukasz Nowak", HOME)


def test_a_whole_record_is_put_for_its_own_number_only(record: Any) -> None:
    assert record.put("/citizens/QQ000001B", _citizen()).status_code == 422
    assert record.put("/citizens/QQ000001B", _citizen(nino="QQ000001B", nhs_number=None)).status_code == 200


def _award(**changes: Any) -> dict[str, Any]:
    return {"nino": NINO, "weekly_amount_pence": 18_429, "next_review": "2027-01-01"} | changes


@pytest.fixture
def entitlement(start: Any) -> Any:
    client = start(ENTITLEMENT)
    spouse = {"date_of_death": "2002-10-06", "additional_amount_pence": 6_300}
    awards = [
        _award(),
        _award(nino="QQ000002C", late_spouse=spouse, next_review=None),
        _award(nino="QQ000003D", late_spouse=spouse | {"date_of_death": "2002-10-05"}),
        _award(nino="QQ000004A", status="suspended"),
    ]
    assert client.post("/import", {"entitlements": awards}).json() == {"imported": 4}
    return client


def test_an_award_is_told_in_pence(entitlement: Any) -> None:
    expected = {
        "nino": NINO,
        "status": "active",
        "weekly_amount_pence": 18_429,
        "inherited_amount_pence": None,
        "late_spouse": None,
        "next_review": "2027-01-01",
    }
    assert entitlement.get(f"/entitlements/{NINO}").json() == expected


@pytest.mark.parametrize(("nino", "pence"), [("QQ000002C", 3_150), ("QQ000003D", 6_300)])
def test_what_is_inherited_depends_on_the_day_of_death(entitlement: Any, nino: str, pence: int) -> None:
    assert entitlement.get(f"/entitlements/{nino}").json()["inherited_amount_pence"] == pence


def test_payments_are_listed_for_each_payday(entitlement: Any) -> None:
    answer = entitlement.get(f"/entitlements/{NINO}/payments?from=2025-12-26&to=2026-01-08").json()
    expected = [
        {"date": "2026-01-01", "amount_pence": 18_429, "reference": "2026W01-QQ123456A"},
        {"date": "2026-01-08", "amount_pence": 18_429, "reference": "2026W02-QQ123456A"},
    ]
    assert answer["payments"] == expected


@pytest.mark.parametrize(
    ("nino", "query", "status", "problem"),
    [
        ("QQ000004A", "from=2025-01-01&to=2025-02-01", 409, "award-suspended"),
        (NINO, "from=2020-01-01&to=2025-02-01", 422, "range-too-long"),
        (NINO, "from=01/01/2025&to=2025-02-01", 400, "query-date"),
        (NINO, "from=2025-01-01", 400, "query-date"),
        ("QQ999999A", "from=2025-01-01&to=2025-02-01", 404, "entitlement-unknown"),
    ],
)
def test_payments_that_cannot_be_listed_are_a_problem(
    entitlement: Any, nino: str, query: str, status: int, problem: str
) -> None:
    answer = entitlement.get(f"/entitlements/{nino}/payments?{query}")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:problem:{problem}")


def test_nothing_is_paid_after_the_end(entitlement: Any) -> None:
    for _ in range(2):
        assert entitlement.post("/entitlements/QQ000004A/end", {"ended_on": "2026-01-05"}).status_code == 200
    assert entitlement.get("/entitlements/QQ000004A").json()["status"] == "ended"
    assert entitlement.get("/entitlements/QQ000004A/payments?from=2025-01-01&to=2025-02-01").json()["payments"] == []


@pytest.mark.parametrize("amount", [184.29, "18429", -1])
def test_an_amount_that_is_not_whole_pence_is_refused(entitlement: Any, amount: object) -> None:
    answer = entitlement.post("/import", {"entitlements": [_award(weekly_amount_pence=amount)]})
    assert answer.json()["errors"][0]["pointer"] == "#/entitlements/0/weekly_amount_pence"


def test_a_care_plan_comes_back_as_it_went_in_and_leaves_out_what_is_not_known(start: Any) -> None:
    client = start(CARE_PLAN)
    plan = {
        "nhs_number": "9990000018",
        "opened_on": "2022-07-12",
        "weekly_hours": "7.50",
        "dependency": 2,
        "lives_alone": True,
        "contacts": [{"name": "張 Ng", "relation": "child", "telephone": "07700900001", "is_keyholder": False}],
        "reviews": [{"date": "2023-01-08", "outcome": "no-change"}],
    }
    for _ in range(2):
        client.post("/import", {"care_plans": [plan]})
    assert client.get("/care-plans/9990000018").json() == plan
    assert client.get("/care-plans/9990000026").status_code == 404


def test_a_client_without_an_assessment_is_told_from_no_client(start: Any) -> None:
    client = start(ASSESSMENT)
    found = {
        "band": "moderate",
        "weekly_hours": "7.50",
        "assessor": "J. O’Hara",
        "summary": "Walks with a frame.",
        "assessed_on": "2024-11-03",
    }
    clients = [{"nino": NINO, "assessment": found}, {"nino": "QQ000001B"}]
    for _ in range(2):
        client.post("/import", {"clients": clients})

    assert client.get(f"/assessments/{NINO}").json() == {"nino": NINO, **found}
    problems = [client.get(f"/assessments/{nino}").json()["type"] for nino in ("QQ000001B", "QQ000002C")]
    assert problems == ["urn:problem:assessment-none", "urn:problem:client-unknown"]


def test_an_assessment_is_requested_by_a_client(start: Any) -> None:
    client = start(ASSESSMENT)
    client.post("/import", {"clients": [{"nino": NINO}]})
    answers = [client.post("/assessments", {"nino": NINO, "reason": "A fall."}, key) for key in ("a", "a", "b")]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 2
    assert client.post("/assessments", {"nino": "QQ000001B", "reason": ""}).status_code == 404


def test_services_store_text_not_escapes(start: Any, tmp_path: Path) -> None:
    client = start(CITIZEN_RECORD)
    client.post("/citizens/import", {"citizens": [_citizen()]})
    assert json.loads(client.get(f"/citizens/{NINO}").content)["name"] == "Łukasz O’Neill"
