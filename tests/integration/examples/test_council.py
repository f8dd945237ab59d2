"""The council's application over the wire: its contract, and its quirks."""

import time

import pytest
from lxml import etree

from examples.elderly_care.population import citizens, nino_of, spaced

PEOPLE = tuple(citizens(1_200))
ASSESSED = next(citizen for citizen in PEOPLE if citizen.assessment)


def one(is_wanted):
    return next(citizen for citizen in PEOPLE if citizen.assessment and is_wanted(citizen.assessment))


@pytest.fixture
def signed_in(council, http):
    http.base_url = council.url
    assert http.post("/council/login", data={"user": "gateway", "office": "LS1"}).status_code == 200
    return http


def assessment(client, nino):
    return client.post("/council/assessment", data={"nino": nino})


def test_assessment_is_answered_in_xml(signed_in):
    citizen = one(lambda a: a.summary.isascii() and a.assessor.isascii())
    found = citizen.assessment
    answer = assessment(signed_in, citizen.nino)
    assert answer.headers["content-type"] == "text/xml; charset=UTF-8"
    root = etree.fromstring(answer.content)
    assert [(element.tag, element.get("code") or element.text) for element in root] == [
        ("nino", citizen.nino),
        ("band", found.band),
        ("weeklyHours", f"{found.weekly_hours:.2f}"),
        ("assessor", found.assessor),
        ("summary", found.summary),
        ("assessedOn", found.assessed_on.strftime("%d/%m/%Y")),
    ]


def test_nino_is_answered_without_spaces_however_it_was_asked(signed_in):
    answers = [assessment(signed_in, nino).content for nino in (ASSESSED.nino, spaced(ASSESSED.nino))]
    assert answers[0] == answers[1]


def test_page_says_utf_8_and_is_cp1252(signed_in):
    citizen = one(lambda a: "O’" in a.summary and "Ż" not in a.assessor)
    answer = assessment(signed_in, citizen.nino)
    assert answer.headers["content-type"].endswith("charset=UTF-8")
    assert answer.content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(answer.content)
    mended = etree.fromstring(answer.content.decode("cp1252").encode())
    assert mended.findtext("summary") == citizen.assessment.summary


def test_letters_that_cp1252_has_not_are_references(signed_in):
    citizen = one(lambda a: "Ł" in a.summary or "張" in a.summary)
    text = assessment(signed_in, citizen.nino).content.decode("cp1252")
    assert "&#" in text
    assert etree.fromstring(text.encode()).findtext("summary") == citizen.assessment.summary


def test_client_that_is_not_held_is_an_error_with_status_200(signed_in):
    answer = assessment(signed_in, nino_of(900_001))
    assert (answer.status_code, etree.fromstring(answer.content).get("code")) == (200, "NF")


def test_client_who_was_not_assessed_is_another_error(signed_in):
    answer = assessment(signed_in, next(c.nino for c in PEOPLE if c.assessment is None))
    assert (answer.status_code, etree.fromstring(answer.content).get("code")) == (200, "NA")


def test_request_gets_an_id_that_the_server_made_and_another_one_each_time(signed_in):
    form = {"nino": ASSESSED.nino, "reason": "carer’s request"}
    roots = [etree.fromstring(signed_in.post("/council/assessment-request", data=form).content) for _ in range(2)]
    ids = [root.findtext("id") for root in roots]
    assert [root.findtext("status") for root in roots] == ["RECEIVED"] * 2
    assert int(ids[1].removeprefix("AR-")) > int(ids[0].removeprefix("AR-"))


def test_without_a_session_it_says_expired_in_html_with_status_200(council, http):
    answer = http.post(f"{council.url}/council/assessment", data={"nino": ASSESSED.nino})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=UTF-8")
    assert "<title>Session expired</title>" in answer.text


def test_every_answer_slides_the_token(signed_in):
    tokens = [assessment(signed_in, ASSESSED.nino).cookies["COUNCILTOKEN"]]
    time.sleep(0.01)
    tokens.append(assessment(signed_in, ASSESSED.nino).cookies["COUNCILTOKEN"])
    assert tokens[0] != tokens[1]


def test_session_expires_and_nothing_is_done(running, wait_until, tmp_path, http):
    with running("council", tmp_path, "--session-s", "0.3") as system:
        http.base_url = system.url
        http.post("/council/login", data={"user": "gateway", "office": "LS1"})
        form = {"nino": ASSESSED.nino, "reason": "fall"}
        first = etree.fromstring(http.post("/council/assessment-request", data=form).content).findtext("id")
        time.sleep(0.4)
        assert "Session expired" in http.post("/council/assessment-request", data=form).text
        http.post("/council/login", data={"user": "gateway", "office": "LS1"})
        second = etree.fromstring(http.post("/council/assessment-request", data=form).content).findtext("id")
        assert (first, second) == ("AR-000001", "AR-000002")


def test_form_without_a_nino_is_an_html_error_page(signed_in):
    answer = signed_in.post("/council/assessment", data={"reason": "fall"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/html; charset=UTF-8")


def test_login_without_an_office_is_refused(council, http):
    assert http.post(f"{council.url}/council/login", data={"user": "gateway"}).status_code == 500


def test_batch_window_is_an_html_503_for_all_but_health(running, wait_until, tmp_path, http):
    with running("council", tmp_path) as system:
        http.base_url = system.url
        switch = tmp_path / "council.admin.json"
        switch.write_text('{"down": true}')
        wait_until(lambda: assessment(http, ASSESSED.nino).status_code == 503, "the batch window")
        answer = assessment(http, ASSESSED.nino)
        assert "overnight batch" in answer.text
        assert http.get("/health").status_code == 200
        switch.write_text("not json")
        wait_until(lambda: assessment(http, ASSESSED.nino).status_code == 200, "the end of the batch window")
