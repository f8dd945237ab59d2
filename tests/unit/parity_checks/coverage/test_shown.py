from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree

from examples.elderly_care.estate.pensions import messages
from examples.elderly_care.estate.pensions.store import Person
from examples.elderly_care.population import Address
from parity_checks.coverage import Contract, items_of
from parity_checks.coverage.model import Column, finished
from parity_checks.coverage.openapi import contract_from_openapi
from parity_checks.coverage.wsdl import contract_from_wsdl
from strangler.exchange import Observation, Request
from strangler.plan.models import Match
from strangler.stages import Side

PENSIONS = Path(__file__).parents[4] / "examples/elderly_care/estate/pensions"
XML = (("Content-Type", "text/xml; charset=utf-8"),)
JSON = (("Content-Type", "application/json"),)


def pensions(soap_action: str) -> Contract:
    documents = [etree.fromstring((PENSIONS / name).read_bytes()) for name in ("pensions.wsdl", "pensions.xsd")]
    return contract_from_wsdl(documents, soap_action=soap_action, source="pensions?wsdl")


def soap(body: str) -> Request:
    text = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'
    return Request("POST", "/pensions", XML, text.encode())


ASK = soap('<GetEntitlement xmlns="urn:example:pensions:1"><nino>AB123456C</nino></GetEntitlement>')


def answer(body: bytes | None, status: int = 200, headers: tuple[tuple[str, str], ...] = XML) -> Observation:
    return Observation(Side.OLD, status, headers, body, len(body or b""))


def person(**changes: Any) -> Person:
    known: dict[str, Any] = {
        "nino": "AB123456C",
        "name": "ANN LEE",
        "born": "1940-01-02",
        "status": "A",
        "weekly_pence": 18429,
        "inherited_pence": None,
        "spouse_pence": None,
        "spouse_died": None,
        "address": Address(("1 High Street",), "LS1 1AA"),
        "next_review": "absent",
    }
    return Person(**{**known, **changes})


def test_answer_of_the_old_pensions_service_shows_what_is_in_it() -> None:
    body = messages.entitlement(person(next_review="nil"), "2026-01-01T00:00:00Z", "c" * 32, is_reordered=False)
    assert sorted(items_of(ASK, answer(body), pensions("GetEntitlement"))) == [
        "answer //correspondenceAddress/line size 1",
        "answer //inheritedAmount absent",
        "answer //lateSpouse absent",
        "answer //nextReview nil",
        "answer //status = A",
        "answer GetEntitlementResponse",
        "request //requestId absent",
    ]


def test_fault_shows_the_fault_and_nothing_of_the_answer() -> None:
    shown = items_of(ASK, answer(messages.fault("NotFound"), 500), pensions("GetEntitlement"))
    assert shown == {"fault PensionsFault", "request //requestId absent"}


@pytest.mark.parametrize(("payments", "size"), [(0, "0"), (1, "1"), (3, "many")])
def test_list_shows_its_size(payments: int, size: str) -> None:
    days = [date(2026, 1, day) for day in range(1, payments + 1)]
    body = messages.payments(person(), days, "2026-01-01T00:00:00Z", "c" * 32)
    shown = items_of(ASK, answer(body), pensions("GetPaymentSchedule"))
    assert {item for item in shown if " size " in item} == {f"answer //payment size {size}"}


def test_request_shows_its_own_lists_at_their_bound() -> None:
    lines = "<line>a</line>" * 4
    request = soap(
        f'<ChangeAddress xmlns="urn:example:pensions:1"><nino>A</nino><address>{lines}<postcode>L</postcode></address>'
        "<requestId>1</requestId></ChangeAddress>"
    )
    shown = items_of(request, answer(messages.fault("NotFound")), pensions("ChangeAddress"))
    assert shown == {
        "fault PensionsFault",
        "request //address/line boundary maxOccurs",
        "request //address/line size many",
        "request //requestId present",
    }


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"<html>session expired</html>",
        b"<not xml",
        b"\xff\xfe\x00",
        b"<a>" * 5_000,
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'{"a": 1}',
    ],
)
def test_answer_that_cannot_be_read_shows_nothing(body: bytes | None) -> None:
    assert items_of(ASK, answer(body), pensions("GetEntitlement")) == {"request //requestId absent"}


DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "paths": {
        "/plans/{kind}": {
            "post": {
                "parameters": [
                    {"name": "kind", "in": "path", "schema": {"enum": ["a", "b c"]}},
                    {"name": "ids", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "x-trace", "in": "header", "schema": {"type": "string", "maxLength": 3}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "properties": {
                                    "note": {"type": "string", "nullable": True},
                                    "n": {"type": "number", "maximum": 1.5},
                                },
                                "required": ["note"],
                            }
                        }
                    }
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"properties": {"ok": {"type": "boolean"}}}}
                            }
                        }
                    },
                    "4XX": {"description": "refused"},
                    "default": {"description": "else"},
                },
            }
        }
    },
}
PLANS = contract_from_openapi(
    DOCUMENT, match=Match.model_validate({"method": "POST", "path": {"value": "/plans/{kind}"}}), source="x"
)


def test_json_exchange_shows_parameters_and_members() -> None:
    body = orjson.dumps({"note": None, "n": 1.50})
    request = Request("POST", "/plans/b%20c?ids=1&ids=2", (*JSON, ("X-Trace", "abc")), body)
    shown = items_of(request, answer(b'[{"ok": true}, {}]', headers=JSON), PLANS)
    assert sorted(shown) == [
        "answer 200 $ size many",
        "answer 200 $[*].ok = true",
        "answer 200 $[*].ok absent",
        "answer 200 $[*].ok present",
        "request $ present",
        "request $.n boundary maximum",
        "request $.n present",
        "request $.note null",
        "request headers.x-trace boundary maxLength",
        "request headers.x-trace present",
        "request path.kind = b c",
        "request query.ids present",
        "request query.ids size many",
        "status 200",
    ]


@pytest.mark.parametrize(("status", "item"), [(200, "status 200"), (404, "status 4XX"), (302, "status default")])
def test_status_is_the_most_exact_one_that_the_contract_names(status: int, item: str) -> None:
    shown = items_of(Request("POST", "/plans/a", JSON, b""), answer(b"", status, JSON), PLANS)
    assert {one for one in shown if one.startswith("status")} == {item}


COLUMNS = finished(
    Contract(
        "the columns of patient-index",
        "columns",
        columns=(
            Column("care_plan", "nhs_number", is_nullable=False, length=10),
            Column("care_plan", "dependency", is_nullable=False, length=1),
            Column("care_plan", "note", is_nullable=True, length=5),
            Column("plan_review", "nhs_number", is_nullable=False, length=10),
            Column("plan_review", "outcome", is_nullable=False, length=2),
            Column("plan_review", "remark", is_nullable=True),
        ),
    )
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"dependency": "1"}, {"column care_plan.note null"}),
        ({"dependency": "1", "note": None}, {"column care_plan.note null"}),
        (
            {"dependency": "1", "Note": "quiet"},
            {"column care_plan.note filled", "column care_plan.note boundary length"},
        ),
        ({"reviews": [{"outcome": "NC"}]}, {"column plan_review.remark null"}),
        ({"reviews": [{"outcome": "NC", "remark": "x"}]}, {"column plan_review.remark filled"}),
        ({"nhsNumber": "1234567890"}, set()),
        ({"error": "not-found"}, set()),
    ],
)
def test_columns_are_shown_where_an_object_is_surely_about_their_table(body: Any, expected: set[str]) -> None:
    shown = items_of(Request("GET", "/x"), answer(orjson.dumps(body), headers=JSON), COLUMNS)
    assert {item for item in shown if "note" in item or "remark" in item} == expected


def test_long_list_is_looked_at_from_its_beginning_and_has_its_whole_size() -> None:
    body = b"[" + b'{"ok": true},' * 5_000 + b'{"ok": false}]'
    shown = items_of(Request("POST", "/plans/a", JSON, b""), answer(body, headers=JSON), PLANS)
    assert {"answer 200 $ size many", "answer 200 $[*].ok = true"} <= shown
    assert "answer 200 $[*].ok = false" not in shown
