"""What callers ask: seeded, sweeping, believable."""

import re
from datetime import date

import pytest
from lxml import etree

from examples.elderly_care.population import citizens, nino_of
from examples.elderly_care.traffic import MIX, Callers, is_failure
from examples.elderly_care.traffic.callers import UNKNOWN_NHS_NUMBERS, is_awkward

PEOPLE = list(citizens(400))
ENTITLEMENT = {"pensions.get-entitlement": 1.0}


def drawn(count, seed=1, mix=MIX, start=0):
    callers = Callers(PEOPLE, seed, mix, start)
    return [callers.draw() for _ in range(count)]


def nino_in(asked):
    return re.sub(r"\s", "", re.search(r"<nino>(.*?)</nino>", asked.body.decode())[1])


def test_callers_ask_the_same_for_the_same_seed():
    assert drawn(200) == drawn(200)


def test_callers_ask_something_else_with_another_seed():
    assert drawn(200) != drawn(200, seed=2)


def test_callers_ask_every_operation():
    assert {asked.operation for asked in drawn(5_000)} == set(MIX)


def test_mix_with_an_unknown_operation_is_refused():
    with pytest.raises(ValueError, match="choose from"):
        Callers(PEOPLE, mix={"pensions.get-entitlment": 1})


def test_one_operation_alone_sweeps_the_citizens():
    known = {citizen.nino for citizen in PEOPLE}
    asked = [nino for nino in map(nino_in, drawn(len(PEOPLE), mix=ENTITLEMENT)) if nino in known]
    assert len(set(asked)) == len(asked) > 0.95 * len(PEOPLE)


def test_start_goes_on_where_an_earlier_run_ended():
    first = {nino_in(asked) for asked in drawn(100, mix=ENTITLEMENT)}
    then = {nino_in(asked) for asked in drawn(100, mix=ENTITLEMENT, start=100)}
    unknown = {nino_of(900_000 + index) for index in range(500)}
    assert (first & then) - unknown == set()


def test_awkward_citizens_are_met_early():
    awkward = {citizen.nino for citizen in PEOPLE if is_awkward(citizen)}
    early = [nino_in(asked) in awkward for asked in drawn(150, mix=ENTITLEMENT)]
    assert sum(early) >= 40


def test_requests_of_pensions_are_well_formed_xml():
    for asked in drawn(1_000):
        if asked.operation.startswith("pensions."):
            etree.fromstring(asked.body)


def test_request_ids_are_all_different():
    ids = [re.search(rb"<requestId>(\w+)<", asked.body)[1] for asked in drawn(300, mix=ENTITLEMENT)]
    assert len(set(ids)) == len(ids)


def test_some_callers_write_a_nino_with_spaces():
    spaced = [asked for asked in drawn(300, mix=ENTITLEMENT) if re.search(rb"<nino>QQ \d\d ", asked.body)]
    assert 10 < len(spaced) < 150


def test_some_callers_ask_about_nobody():
    targets = [asked.target for asked in drawn(500, mix={"health.find-patient": 1})]
    assert [target for target in targets if target.rpartition("=")[2] in UNKNOWN_NHS_NUMBERS] != []


@pytest.mark.parametrize("write", ["pensions.change-address", "pensions.report-death", "health.update-contact"])
def test_write_is_read_while_it_is_under_way_at_once_and_later(write):
    asked = drawn(1, mix={write: 1})[0]
    assert ([wait_s for wait_s, _ in asked.then], len(asked.beside)) == ([0.0, 1.5], 1)
    reads = {read.operation for read in (*asked.beside, *(read for _, read in asked.then))}
    assert reads <= {"pensions.get-entitlement", "health.find-patient"}


def test_every_request_has_a_target_below_its_department():
    wrong = [asked for asked in drawn(2_000) if not asked.target.startswith("/" + asked.operation.split(".")[0])]
    assert wrong == []


def test_payment_schedules_of_more_than_fifty_weeks_are_asked_for():
    asked = drawn(100, mix={"pensions.get-payment-schedule": 1})
    ranges = [re.search(r"<from>(.*?)</from><to>(.*?)</to>", one.body.decode()).groups() for one in asked]
    lengths = [(date.fromisoformat(last) - date.fromisoformat(first)).days for first, last in ranges]
    assert [length for length in lengths if length > 50 * 7] != []
    assert [length for length in lengths if 0 < length < 7] != []


@pytest.mark.parametrize(
    ("operation", "status", "content_type", "body", "is_usable"),
    [
        ("pensions.get-entitlement", 200, "text/xml; charset=utf-8", b"<a/>", True),
        ("pensions.get-entitlement", 500, "text/xml", b"<soap:Fault></soap:Fault>", True),
        ("pensions.get-entitlement", 500, "text/xml", b"<a/>", False),
        ("pensions.get-entitlement", 502, "application/problem+json", b"{}", False),
        ("pensions.get-entitlement", 404, "application/json", b"{}", False),
        ("health.find-patient", 404, "application/json", b"{}", True),
        ("health.find-patient", 504, "application/json", b"{}", False),
        ("council.get-assessment", 200, "text/html", b"Session expired", False),
        ("council.get-assessment", 200, "text/xml", b"<error/>", True),
    ],
)
def test_failure_is_what_a_caller_cannot_use(operation, status, content_type, body, is_usable):
    assert (is_failure(operation, status, content_type, body) is None) == is_usable
