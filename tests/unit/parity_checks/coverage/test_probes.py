from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from lxml import etree

from parity_checks.coverage import Contract, items_of
from parity_checks.coverage.openapi import contract_from_openapi
from parity_checks.coverage.probes import aims, probe, targets
from parity_checks.coverage.values import NoValue
from parity_checks.coverage.wsdl import contract_from_wsdl
from strangler.exchange import Observation, Request
from strangler.plan.models import Match
from strangler.stages import Side

PENSIONS = Path(__file__).parents[4] / "examples/elderly_care/estate/pensions"
NOTHING = Observation(Side.OLD, None)
XSD = etree.XMLSchema(etree.parse(PENSIONS / "pensions.xsd"))
BODIES = {
    "GetEntitlement": "<nino>AB123456C</nino>",
    "ChangeAddress": "<nino>AB123456C</nino><address><line>1 High Street</line><postcode>LS1 1AA</postcode></address>",
    "ReportDeath": "<nino>AB123456C</nino><dateOfDeath>2026-01-02</dateOfDeath><requestId>r1</requestId>",
}


def pensions(soap_action: str) -> Contract:
    documents = [etree.fromstring((PENSIONS / name).read_bytes()) for name in ("pensions.wsdl", "pensions.xsd")]
    return contract_from_wsdl(documents, soap_action=soap_action, source="pensions?wsdl")


def recorded(name: str) -> Request:
    text = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<{name} xmlns="urn:example:pensions:1">{BODIES[name]}</{name}></s:Body></s:Envelope>'
    )
    headers = (("SOAPAction", name), ("Content-Type", "text/xml; charset=utf-8"))
    return Request("POST", "/pensions", headers, text.encode(), len(text))


@pytest.mark.parametrize("name", BODIES)
def test_probe_of_the_old_pensions_service_shows_each_item_and_follows_its_schema(name: str) -> None:
    contract, template = pensions(name), recorded(name)
    for aimed in sorted(aims(contract)):
        made = probe(contract, aimed, template, Random(1))
        assert aimed in items_of(made, NOTHING, contract)
        payload = etree.fromstring(made.body or b"")[0][0]
        assert XSD.validate(payload), (aimed, XSD.error_log)
        assert payload.findtext("{urn:example:pensions:1}nino") == "AB123456C"


def test_probe_keeps_everything_else_of_the_recorded_request() -> None:
    made = probe(pensions("GetEntitlement"), "request //requestId present", recorded("GetEntitlement"), Random(1))
    assert (made.method, made.target, made.header("soapaction")) == ("POST", "/pensions", "GetEntitlement")


def test_probe_is_the_same_for_the_same_randomness() -> None:
    contract, template = pensions("ChangeAddress"), recorded("ChangeAddress")
    one, other = (probe(contract, "request //address/line boundary maxOccurs", template, Random(7)) for _ in range(2))
    assert one == other


def test_items_of_answers_are_no_aim() -> None:
    contract = pensions("GetEntitlement")
    unseen = ["answer //status = D", "fault PensionsFault", "request //requestId absent", "request //requestId present"]
    assert targets(contract, lambda item: "present" in item, unseen) == ["request //requestId present"]


PARAMETERS: list[Any] = [
    {"name": "kind", "in": "path", "schema": {"enum": ["a", "b c"]}},
    {"name": "since", "in": "query", "schema": {"type": "string", "format": "date"}},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
    {"name": "ids", "in": "query", "schema": {"type": "array", "items": {"type": "string"}, "maxItems": 3}},
    {"name": "x-trace", "in": "header", "schema": {"type": "string", "pattern": "^[a-f]{4}$"}},
]
BODY: dict[str, Any] = {
    "required": ["who"],
    "properties": {
        "who": {"type": "string", "minLength": 2, "maxLength": 5},
        "note": {"type": "string", "nullable": True},
        "urgent": {"type": "boolean"},
        "hours": {"type": "number", "minimum": 0.5},
        "visits": {
            "type": "array",
            "items": {
                "required": ["on"],
                "properties": {"on": {"type": "string", "format": "date"}, "by": {"enum": ["x"]}},
            },
        },
    },
}
ENTRY = {
    "parameters": PARAMETERS,
    "requestBody": {"required": True, "content": {"application/json": {"schema": BODY}}},
    "responses": {},
}
DOCUMENT = {"openapi": "3.0.3", "paths": {"/plans/{kind}": {"post": ENTRY}}}
PLANS = contract_from_openapi(
    DOCUMENT, match=Match.model_validate({"method": "POST", "path": {"value": "/plans/{kind}"}}), source="x"
)
JSON = (("Content-Type", "application/json"),)
PLAIN = Request("POST", "/plans/a?limit=20&other=1", JSON, b'{"who": "ann", "extra": 1}')


@pytest.mark.parametrize("aimed", sorted(aims(PLANS)))
def test_probe_of_an_http_operation_shows_each_item(aimed: str) -> None:
    made = probe(PLANS, aimed, PLAIN, Random(1))
    assert aimed in items_of(made, NOTHING, PLANS)
    assert "other=1" in made.target
    assert orjson.loads(made.body or b"")["extra"] == 1


def test_probe_makes_values_of_the_contracts_form() -> None:
    made = orjson.loads(probe(PLANS, "request $.visits[*].by = x", PLAIN, Random(1)).body or b"")
    assert made["visits"] == [{"on": "2000-01-01", "by": "x"}]
    trace = probe(PLANS, "request headers.x-trace present", PLAIN, Random(1)).header("x-trace")
    assert trace == "aaaa"


@pytest.mark.parametrize(
    ("template", "aimed"),
    [
        (Request("POST", "/plans/a", JSON, b"not json"), "request $.note null"),
        (Request("POST", "/plans/a", JSON, b"[1]"), "request $.note null"),
        (Request("POST", "/plans/a", JSON, b'{"visits": [1]}'), "request $.visits[*].by = x"),
        (Request("POST", "/elsewhere", JSON, b"{}"), "request path.kind = a"),
    ],
)
def test_probe_that_cannot_be_made_of_a_recorded_request_says_so(template: Request, aimed: str) -> None:
    with pytest.raises(NoValue):
        probe(PLANS, aimed, template, Random(1))
