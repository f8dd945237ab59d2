"""The patient index through its adapters, on each database that it can be in."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from examples.elderly_care.estate.health.fill import fill
from examples.elderly_care.population import citizens
from examples.elderly_care.seed.departments import read_patient_index
from legacy_adapters.contract import Answer
from legacy_adapters.handlers import open_gateway
from strangler.exchange import Request
from strangler.plan.loader import load_plan

PLAN = Path(__file__).parents[3] / "examples" / "elderly_care" / "migration.yaml"
PEOPLE = tuple(citizens(60))
OTHERS = "PENSIONS", "COUNCIL", "GATEWAY", "CITIZEN_RECORD", "ENTITLEMENT", "CARE_PLAN", "ASSESSMENT"
NOWHERE = dict.fromkeys([f"{name}_URL" for name in OTHERS], "http://127.0.0.1:9")


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def plan(request):
    """The plan with health's operations only, over an index that is filled."""
    connection = request.getfixturevalue(f"{request.param}_odbc")
    fill(connection, request.param, PEOPLE)
    environ = NOWHERE | {"PATIENT_INDEX_ODBC": connection, "PATIENT_INDEX_DIALECT": request.param}
    whole = load_plan(PLAN, environ).plan
    health = {name: entry for name, entry in whole.operations.items() if name.startswith("health.")}
    return whole.model_copy(update={"operations": health})


def ask(plan, operation, method, target, body=b""):
    async def answered() -> Answer:
        async with open_gateway(plan, {}) as gateway:
            return await gateway.answer("old", operation, Request(method, target, (), body))

    answer = asyncio.run(answered())
    return answer.status, orjson.loads(answer.body)


def test_a_patient_is_told_without_padding_and_with_a_whole_year(plan):
    citizen = next(one for one in PEOPLE if "’" in one.name or not one.name.isascii())
    expected = {
        "nhsNumber": citizen.nhs_number,
        "familyName": citizen.family_name,
        "givenName": citizen.given_name,
        "dateOfBirth": citizen.born.isoformat(),
        "telephone": citizen.telephone,
        "address": {"lines": list(citizen.home.lines), "postcode": citizen.home.postcode},
        "gpCode": citizen.gp_code,
    }
    number = f"{citizen.nhs_number[:3]}%20{citizen.nhs_number[3:]}"
    assert ask(plan, "health.find-patient", "GET", f"/health/patients?nhsNumber={number}") == (200, expected)


def test_a_care_plan_is_told_with_all_its_parts(plan):
    citizen = next(one for one in PEOPLE if one.care_plan and one.care_plan.note and len(one.care_plan.reviews) > 1)
    status, told = ask(plan, "health.get-care-plan", "GET", f"/health/patients/{citizen.nhs_number}/care-plan")
    contacts = [
        {"name": one.name, "relation": one.relation, "telephone": one.telephone, "keyHolder": one.is_keyholder}
        for one in citizen.care_plan.contacts
    ]

    assert status == 200
    assert sorted(told["contacts"], key=str) == sorted(contacts, key=str)
    assert [one["date"] for one in told["reviews"]] == [one.on.isoformat() for one in citizen.care_plan.reviews]
    assert (told["weeklyHours"], told["note"]) == (f"{citizen.care_plan.weekly_hours:.2f}", citizen.care_plan.note)
    assert told["livesAlone"] is citizen.care_plan.lives_alone


def test_a_new_telephone_number_is_accepted_at_the_databases_time_and_shown_a_little_later(plan):
    number = PEOPLE[50].nhs_number
    status, told = ask(
        plan, "health.update-contact", "PUT", f"/health/patients/{number}/contact", b'{"telephone": "07700900321"}'
    )
    updated_at = datetime.fromisoformat(told.pop("updatedAt"))

    assert (status, told) == (200, {"nhsNumber": number, "telephone": "07700900321", "status": "accepted"})
    assert abs(datetime.now(UTC) - updated_at) < timedelta(minutes=1)
    time.sleep(0.3)
    assert ask(plan, "health.find-patient", "GET", f"/health/patients?nhsNumber={number}")[1]["telephone"] == (
        "07700900321"
    )


@pytest.mark.parametrize(
    ("operation", "method", "target", "body"),
    [
        ("health.find-patient", "GET", "/health/patients?nhsNumber=9980000000", b""),
        ("health.get-care-plan", "GET", "/health/patients/9980000000/care-plan", b""),
        ("health.update-contact", "PUT", "/health/patients/9980000000/contact", b'{"telephone": "0113"}'),
    ],
)
def test_nobody_there_is_said_by_all(plan, operation, method, target, body):
    assert ask(plan, operation, method, target, body) == (404, {"error": "not-found"})


def test_the_whole_index_is_read_for_seeding(plan):
    index = read_patient_index("patient-index", plan.systems["patient-index"])
    numbers = {row["nhs_number"].strip() for row in index.patients}

    assert {one.nhs_number for one in PEOPLE} <= numbers
    assert {row["nhs_number"].strip() for row in index.contacts + index.reviews} <= numbers
