"""The pensions department over the wire: its contract, and its quirks."""

import re
import sqlite3
from datetime import date

import httpx
import pytest
import requests
import zeep
from lxml import etree

from examples.elderly_care.population import ReviewForm, citizens, inherited_pence, nino_of, spaced

PEOPLE = tuple(citizens(1_200))
P = "{urn:example:pensions:1}"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"


def one(is_wanted):
    return next(citizen for citizen in PEOPLE if is_wanted(citizen))


def ask(http, system, action, nino, content="", **headers):
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:example:pensions:1"><s:Body>'
        f"<{action}><nino>{nino}</nino>{content}<requestId>r1</requestId></{action}></s:Body></s:Envelope>"
    )
    sent = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{action}"', **headers}
    return http.post(f"{system.url}/pensions", content=body.encode(), headers=sent)


def answered(response):
    return etree.fromstring(response.content)[0][0]


def entitlement(http, system, citizen):
    return answered(ask(http, system, "GetEntitlement", citizen.nino))


def schedule(http, system, citizen, first, last):
    days = f"<from>{first.isoformat()}</from><to>{last.isoformat()}</to>"
    return ask(http, system, "GetPaymentSchedule", citizen.nino, days)


def schema(http, system):
    return etree.XMLSchema(etree.fromstring(http.get(f"{system.url}/pensions?xsd").content))


def code_of(response):
    return answered(response).findtext(f"detail/{P}PensionsFault/{P}code")


def test_answers_follow_the_schema(pensions, http):
    valid = schema(http, pensions)
    wrong = [
        citizen.nino
        for citizen in PEOPLE[:120]
        if not citizen.is_paper_file
        and citizen.review_form is not ReviewForm.EMPTY
        and not valid.validate(entitlement(http, pensions, citizen))
    ]
    assert wrong == []


def test_every_answer_names_the_build(pensions, http):
    assert ask(http, pensions, "GetEntitlement", PEOPLE[0].nino).headers["server"] == "Pensions/4.2"


def test_wsdl_serves_zeep_for_every_operation(pensions):
    with requests.Session() as session:
        client = zeep.Client(f"{pensions.url}/pensions?wsdl", transport=zeep.Transport(session=session))
        citizen = one(lambda c: c.status == "A" and len(c.correspondence.lines) == 3)
        assert client.service.GetEntitlement(citizen.nino).correspondenceAddress.line == list(
            citizen.correspondence.lines
        )
        year = {"from": date(2025, 1, 1), "to": date(2025, 12, 31)}
        assert len(client.service.GetPaymentSchedule(nino=citizen.nino, **year).payment) in {52, 53}


def test_unknown_citizen_is_a_fault_with_status_500(pensions, http):
    response = ask(http, pensions, "GetEntitlement", nino_of(900_001))
    assert (response.status_code, code_of(response)) == (500, "NotFound")
    assert answered(response).findtext("faultcode") == "soap:Client"


def test_schedule_of_a_suspended_citizen_is_a_fault_with_status_200(pensions, http):
    response = schedule(http, pensions, one(lambda c: c.status == "S"), date(2025, 1, 1), date(2025, 2, 1))
    assert (response.status_code, answered(response).tag, code_of(response)) == (200, f"{SOAP}Fault", "Suspended")


def test_birth_from_paper_is_written_day_first_and_breaks_the_schema(pensions, http):
    citizen = one(lambda c: c.is_paper_file and c.review_form is not ReviewForm.EMPTY)
    answer = entitlement(http, pensions, citizen)
    assert answer.findtext(f"{P}dateOfBirth") == citizen.born.strftime("%d/%m/%Y")
    assert not schema(http, pensions).validate(answer)


@pytest.mark.parametrize(
    ("form", "found"), [(ReviewForm.ABSENT, []), (ReviewForm.NIL, [("true", None)]), (ReviewForm.EMPTY, [(None, None)])]
)
def test_no_review_is_told_in_three_ways(pensions, http, form, found):
    answer = entitlement(http, pensions, one(lambda c: c.next_review is None and c.review_form is form))
    nil = "{http://www.w3.org/2001/XMLSchema-instance}nil"
    assert [(review.get(nil), review.text) for review in answer.iterfind(f"{P}nextReview")] == found


def test_names_are_in_capitals_whatever_their_letters(pensions, http):
    citizen = one(lambda c: "Ñ" in c.name or "Ł" in c.name)
    name = entitlement(http, pensions, citizen).findtext(f"{P}name")
    assert name == citizen.name.upper() != citizen.name


def test_nino_is_answered_with_spaces_however_it_was_asked(pensions, http):
    nino = PEOPLE[0].nino
    for written in (nino, spaced(nino), nino.lower()):
        assert answered(ask(http, pensions, "GetEntitlement", written)).findtext(f"{P}nino") == spaced(nino)


def test_amounts_are_pounds_in_one_operation_and_pence_in_another(pensions, http):
    citizen = one(lambda c: c.status == "A" and c.weekly_pence % 100)
    assert (
        entitlement(http, pensions, citizen).findtext(f"{P}weeklyAmount")
        == f"{citizen.weekly_pence // 100}.{citizen.weekly_pence % 100:02d}"
    )
    answer = answered(schedule(http, pensions, citizen, date(2025, 7, 1), date(2025, 7, 31)))
    assert {amount.text for amount in answer.iter(f"{P}amount")} == {str(citizen.weekly_pence)}


@pytest.mark.parametrize(("last", "count"), [(date(2025, 6, 30), 0), (date(2025, 7, 8), 1), (date(2026, 9, 1), 61)])
def test_schedule_has_no_one_or_many_payments(pensions, http, last, count):
    citizen = one(lambda c: c.status == "A" and int(c.nino[6:8]) < 25)
    answer = answered(schedule(http, pensions, citizen, date(2025, 7, 2), last))
    assert len(answer.findall(f"{P}payment")) == count


def test_reference_names_the_week_of_the_payment(pensions, http):
    citizen = one(lambda c: c.status == "A")
    answer = answered(schedule(http, pensions, citizen, date(2024, 12, 30), date(2025, 1, 5)))
    assert [found.text for found in answer.iter(f"{P}reference")] == [f"2025W01-{citizen.nino}"]


def test_schedule_of_the_deceased_is_empty(pensions, http):
    citizen = one(lambda c: c.status == "D")
    assert answered(schedule(http, pensions, citizen, date(2025, 1, 1), date(2025, 2, 1))).find(f"{P}payment") is None


def test_schedule_that_is_too_long_is_a_fault(pensions, http):
    response = schedule(http, pensions, one(lambda c: c.status == "A"), date(2020, 1, 1), date(2025, 1, 1))
    assert code_of(response) == "RangeTooLong"


def test_time_and_correlation_are_the_servers_own(pensions, http):
    first, second = (entitlement(http, pensions, PEOPLE[0]) for _ in range(2))
    assert first.findtext(f"{P}correlationId") != second.findtext(f"{P}correlationId")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first.findtext(f"{P}answeredAt"))  # fractions are cut


def test_changed_address_is_shown_by_the_next_read(pensions, http):
    citizen = PEOPLE[3]
    address = "<address><line>1 O’Neill &amp; Ñúñez Row</line><line>張</line><postcode>ZZ1 1AA</postcode></address>"
    assert answered(ask(http, pensions, "ChangeAddress", citizen.nino, address)).findtext(f"{P}accepted") == "true"
    found = entitlement(http, pensions, citizen).find(f"{P}correspondenceAddress")
    assert [element.text for element in found] == ["1 O’Neill & Ñúñez Row", "張", "ZZ1 1AA"]


def test_death_cannot_be_reported_twice(pensions, http):
    citizen = next(c for c in reversed(PEOPLE) if c.status == "A")
    died = "<dateOfDeath>2026-02-01</dateOfDeath>"
    first = ask(http, pensions, "ReportDeath", citizen.nino, died)
    assert re.fullmatch(r"RD-\d{6}", answered(first).findtext(f"{P}reference"))
    assert entitlement(http, pensions, citizen).findtext(f"{P}status") == "D"
    again = ask(http, pensions, "ReportDeath", citizen.nino, died)
    assert (again.status_code, code_of(again)) == (500, "AlreadyReported")


def test_inherited_amount_is_underpaid_for_those_widowed_before_the_change(pensions, http):
    widowed = [citizen for citizen in PEOPLE if citizen.late_spouse]
    wrong, expected = [], []
    for citizen in widowed:
        answer = entitlement(http, pensions, citizen)
        paid, due = answer.findtext(f"{P}inheritedAmount"), inherited_pence(citizen.late_spouse)
        if int(paid.replace(".", "")) != due:
            wrong.append(citizen.nino)
        if answer.findtext(f"{P}lateSpouse/{P}dateOfDeath") < "2002-10-06":
            expected.append(citizen.nino)
    assert wrong == expected != []


@pytest.mark.parametrize(
    "body", [b"", b"<a", b"<a/>", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>']
)
def test_body_that_is_no_call_is_a_fault(pensions, http, body):
    response = http.post(f"{pensions.url}/pensions", content=body, headers={"content-type": "text/xml"})
    assert (response.status_code, code_of(response)) == (500, "Invalid")


def test_call_against_the_schema_is_a_fault(pensions, http):
    assert code_of(ask(http, pensions, "ChangeAddress", PEOPLE[0].nino)) == "Invalid"
    assert code_of(ask(http, pensions, "ReportDeath", PEOPLE[0].nino, "<dateOfDeath>1/2/26</dateOfDeath>")) == "Invalid"


def test_store_keeps_what_was_written_over_a_restart(running, tmp_path, http):
    address = "<address><line>Kept</line><postcode>ZZ1 1AA</postcode></address>"
    with running("pensions", tmp_path) as system:
        ask(http, system, "ChangeAddress", PEOPLE[0].nino, address)
    with sqlite3.connect(tmp_path / "pensions.db") as database:
        assert database.execute("SELECT count(*) FROM person").fetchone() == (1_200,)
    database.close()
    with running("pensions", tmp_path, "--release", "4.3") as system:
        answer = entitlement(http, system, PEOPLE[0])
        assert answer.findtext(f"{P}correspondenceAddress/{P}line") == "Kept"


def test_minor_release_reorders_the_elements(pensions, running, tmp_path, http):
    def names(system):
        return [etree.QName(element).localname for element in entitlement(http, system, PEOPLE[1])]

    with running("pensions", tmp_path, "--release", "4.3") as newer:
        assert names(pensions)[:4] == ["nino", "name", "dateOfBirth", "status"]
        assert names(newer)[:4] == ["nino", "status", "name", "dateOfBirth"]
        assert sorted(names(newer)) == sorted(names(pensions))


def test_switched_down_it_answers_html_503_and_comes_back(running, wait_until, tmp_path, http):
    with running("pensions", tmp_path) as system:
        switch = tmp_path / "pensions.admin.json"
        switch.write_text('{"down": true}')
        wait_until(lambda: ask(http, system, "GetEntitlement", PEOPLE[0].nino).status_code == 503, "the switch")
        down = ask(http, system, "GetEntitlement", PEOPLE[0].nino)
        assert down.headers["content-type"].startswith("text/html")
        switch.unlink()
        wait_until(lambda: ask(http, system, "GetEntitlement", PEOPLE[0].nino).status_code == 200, "the switch")
        assert httpx.get(f"{system.url}/health").status_code == 200


def test_switched_slow_it_waits_before_each_answer(running, wait_until, tmp_path, http):
    def seconds(system):
        return ask(http, system, "GetEntitlement", PEOPLE[0].nino).elapsed.total_seconds()

    with running("pensions", tmp_path) as system:
        (tmp_path / "pensions.admin.json").write_text('{"slow_ms": 300}')
        wait_until(lambda: seconds(system) >= 0.3, "the switch")
