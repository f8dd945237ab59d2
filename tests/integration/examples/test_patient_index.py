"""The patient index through its ODBC drivers: one schema on three databases, and its quirks."""

import time
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from examples.elderly_care.estate.health.fill import fill
from examples.elderly_care.population import citizens
from legacy_adapters.odbc import engine_for

PEOPLE = tuple(citizens(800))
DIALECTS = ("sqlite", "postgresql", "mariadb")


@pytest.fixture(scope="module", params=DIALECTS)
def index(request):
    """A filled index: its connection string and dialect."""
    connection = request.getfixturevalue(f"{request.param}_odbc")
    fill(connection, request.param, PEOPLE)
    return connection, request.param


@pytest.fixture
def database(index):
    with connected(*index) as connection:
        yield connection


@contextmanager
def connected(connection, dialect):
    engine = engine_for(connection, dialect)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as opened:
            yield opened
    finally:
        engine.dispose()


def one(is_wanted):
    return next(citizen for citizen in PEOPLE if is_wanted(citizen))


def row(database, table, citizen):
    found = database.execute(text(f"SELECT * FROM {table} WHERE nhs_number = :n"), {"n": citizen.nhs_number})
    return found.mappings().one()


def test_index_holds_everybody(database):
    assert database.execute(text("SELECT count(*) FROM patient_now")).scalar() == len(PEOPLE)


def test_filling_again_changes_nothing(index):
    assert fill(*index, PEOPLE) == 0


@pytest.mark.parametrize("letters", ["’", "'", "Ł", "張", "Ñ"])
def test_names_come_back_whole(database, letters):
    citizen = one(lambda c: letters in c.family_name)
    assert row(database, "patient_now", citizen)["family_name"].rstrip() == citizen.family_name


def test_char_columns_are_padded_where_the_database_gives_padding_out(database, index):
    padded = row(database, "patient_now", one(lambda c: c.family_name == "Ng"))["family_name"]
    assert padded == ("Ng" if index[1] == "mariadb" else "Ng".ljust(40))


def test_birth_has_a_two_digit_year_on_leap_days_too(database):
    citizen = one(lambda c: (c.born.month, c.born.day) == (2, 29))
    assert row(database, "patient_now", citizen)["birth_ddmmyy"] == f"2902{citizen.born.year % 100}"


def test_truth_is_y_or_n(database):
    homeless = one(lambda c: not c.has_fixed_address)
    assert row(database, "patient_now", homeless)["fixed_address"] == "N"
    assert row(database, "patient_now", one(lambda c: c.has_fixed_address))["fixed_address"] == "Y"


def test_codes_are_the_health_services_own(database):
    died = one(lambda c: c.status == "D" and c.sex == "F")
    found = row(database, "patient_now", died)
    assert (found["status"], found["sex"]) == ("9", "2")


def test_hours_have_implied_decimals(database):
    citizen = one(lambda c: c.care_plan and c.care_plan.weekly_hours % 1)
    assert int(row(database, "care_plan", citizen)["weekly_hours"]) == citizen.care_plan.weekly_hours * 100


def test_remark_that_was_not_made_is_null(database):
    citizen = one(lambda c: c.care_plan and c.care_plan.reviews)
    found = database.execute(
        text("SELECT remark FROM plan_review WHERE nhs_number = :n ORDER BY review_no"), {"n": citizen.nhs_number}
    )
    assert [remark for (remark,) in found] == [review.remark for review in citizen.care_plan.reviews]


def test_contacts_come_in_no_order_and_in_another_one_each_time(database):
    citizen = one(lambda c: c.care_plan and len(c.care_plan.contacts) == 4)
    orders = set()
    for _ in range(40):
        found = database.execute(
            text("SELECT contact_id FROM contact_list WHERE nhs_number = :n"), {"n": citizen.nhs_number}
        )
        orders.add(tuple(number for (number,) in found))
    assert len(orders) > 1
    assert len({tuple(sorted(order)) for order in orders}) == 1


def test_changed_telephone_is_seen_a_moment_later_than_it_was_written(database):
    citizen = PEOPLE[5]
    change = text("INSERT INTO contact_change (nhs_number, telephone, changed_at) VALUES (:n, :t, :a)")
    values = {"n": citizen.nhs_number, "t": "07700900999", "a": "2026-03-02T09:15:27"}
    began = time.monotonic()
    database.execute(change, values)
    telephones = [row(database, "patient_now", citizen)["telephone"].strip()]
    while telephones[-1] != "07700900999" and time.monotonic() - began < 5:
        time.sleep(0.02)
        telephones.append(row(database, "patient_now", citizen)["telephone"].strip())
    assert telephones[-1] == "07700900999"
    assert time.monotonic() - began >= 0.1
    assert telephones[0] == citizen.telephone


def test_later_change_wins(database):
    citizen = PEOPLE[6]
    change = text("INSERT INTO contact_change (nhs_number, telephone, changed_at) VALUES (:n, :t, :a)")
    for telephone in ("07700900001", "07700900002"):
        database.execute(change, {"n": citizen.nhs_number, "t": telephone, "a": "2026-03-02T09:15:27"})
    time.sleep(0.4)
    assert row(database, "patient_now", citizen)["telephone"].strip() == "07700900002"
