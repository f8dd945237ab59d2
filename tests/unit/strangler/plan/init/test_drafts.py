"""Drafts: what is guessed from what a system says about itself, and that what is written loads as it is."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.errors import UsageError
from strangler.plan import LoadedPlan, parse_plan
from strangler.plan.init import (
    Draft,
    draft_from_http,
    draft_from_openapi,
    draft_from_tables,
    draft_from_wsdl,
    written,
)
from strangler.plan.init.guess import effect_of, kebab, likely_key, words
from strangler.stages import Effect

ESTATE = Path(__file__).parents[5] / "examples" / "elderly_care" / "estate" / "pensions"
WSDL = (ESTATE / "pensions.wsdl").read_bytes().replace(b"@BASE@", b"http://127.0.0.1:7101")
ADDRESS = "http://127.0.0.1:7101/pensions?wsdl"


def loaded(draft: Draft, **environ: str) -> LoadedPlan:
    """The draft as ``plan check`` reads it; refuses what it would refuse."""
    return parse_plan(written(draft), Path("migration.yaml"), environ)


def pensions(content: bytes = WSDL, **more: object) -> Draft:
    fetched = {"http://127.0.0.1:7101/pensions?xsd": (ESTATE / "pensions.xsd").read_bytes()}
    arguments = {"name": "pensions", "source": "pensions.wsdl", "address": ADDRESS, "fetch": fetched.get, **more}
    return draft_from_wsdl(content, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("GetEntitlement", ["get", "entitlement"]),
        ("getNHSNumber", ["get", "nhs", "number"]),
        ("find_patient-by.id", ["find", "patient", "by", "id"]),
        ("", []),
    ],
)
def test_words_of_a_name(name: str, parts: list[str]) -> None:
    assert words(name) == parts


@given(st.text())
def test_kebab_is_a_name_that_the_plan_takes(text: str) -> None:
    assert kebab(text)[0].isascii()
    assert kebab(text)[0].isalpha()
    assert set(kebab(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("GetEntitlement", Effect.READ),
        ("listPayments", Effect.READ),
        ("ReportDeath", Effect.WRITE),
        ("Getaway", Effect.WRITE),
        ("BudgetGet", Effect.WRITE),
        ("", Effect.WRITE),
    ],
)
def test_effect_is_a_write_unless_the_verb_only_looks(name: str, effect: Effect) -> None:
    assert effect_of(name) is effect


@pytest.mark.parametrize(
    ("names", "key"),
    [
        (["requestId", "nino", "from"], "nino"),
        (["caseReference", "citizenId"], "citizenId"),
        (["requestId", "correlationId"], None),
        (["postcode", "surname"], None),
        (["orderNo", "customerNumber"], "customerNumber"),
        ([], None),
    ],
)
def test_likely_key_is_an_identifier_of_whom_it_is_about(names: list[str], key: str | None) -> None:
    assert likely_key(names) == key


def test_wsdl_of_the_example_gives_its_four_operations() -> None:
    plan = loaded(pensions()).plan
    assert {name: entry.effect.value for name, entry in plan.operations.items()} == {
        "pensions.get-entitlement": "read",
        "pensions.get-payment-schedule": "read",
        "pensions.change-address": "write",
        "pensions.report-death": "write",
    }
    assert {entry.key.xpath for entry in plan.operations.values() if entry.key} == {"//nino"}
    assert next(entry.match.soap_action for entry in plan.operations.values()) == "GetEntitlement"
    assert {entry.match.path.value for entry in plan.operations.values()} == {"/pensions"}
    assert {entry.writes.policy for entry in plan.operations.values() if entry.writes} == {"never"}
    assert (plan.systems["pensions"].wsdl, plan.systems["pensions"].serves) == (ADDRESS, ("/pensions",))


def test_what_is_guessed_is_marked() -> None:
    text = written(pensions())
    assert "# decide: effect: GetEntitlement sounds like a read" in text
    assert "# decide: key: nino looks like an identifier; there are also requestId." in text
    assert "# decide: url: where the new service is." in text
    assert "# decide: url: where the new service is." not in written(pensions(new_url="http://127.0.0.1:8"))


def test_wsdl_whose_schema_cannot_be_had_says_so() -> None:
    draft = pensions(fetch=lambda _: None)
    assert all(operation.key is None for operation in draft.operations)
    assert "the request's schema could not be read" in written(draft)
    loaded(draft)


def test_wsdl_with_a_placeholder_for_its_host_keeps_its_path() -> None:
    plan = loaded(pensions(WSDL.replace(b"http://127.0.0.1:7101", b"@BASE@"), address=None)).plan
    assert {entry.match.path.value for entry in plan.operations.values()} == {"/pensions"}


def test_wsdl_that_names_another_address_is_asked_about() -> None:
    draft = pensions(WSDL.replace(b'location="http://127.0.0.1:7101', b'location="http://pensions.example:80'))
    assert loaded(draft).plan.systems["pensions"].url == "http://pensions.example:80"
    assert "# decide: url: the WSDL is at one address and names another" in written(draft)


def test_wsdl_without_actions_is_told_apart_by_the_body() -> None:
    draft = pensions(WSDL.replace(b'soapAction="', b'soapAction="" x="'))
    entries = loaded(draft).plan.operations
    assert next(entry.match.xpath.value for entry in entries.values() if entry.match.xpath) == "GetEntitlement"
    assert len(entries) == 4


def test_operations_without_actions_are_decided_by_the_engine() -> None:
    from proxy.decide import compile_table, decide
    from strangler.exchange import Request

    plan = loaded(pensions(WSDL.replace(b'soapAction="', b'soapAction="" x="'))).plan
    body = (
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        b'<ReportDeath xmlns="urn:example:pensions:1"><nino>QQ123456C</nino></ReportDeath></e:Body></e:Envelope>'
    )
    request = Request("POST", "/pensions", (("content-type", "text/xml"),), body, len(body))
    found = decide(compile_table(plan, {}, None), request)
    assert (found.operation, found.key) == ("pensions.report-death", "QQ123456C")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "this is no XML"),
        (b"<html>", "this is no XML"),
        (b"<html/>", "this is no WSDL"),
        (b'<description xmlns="http://www.w3.org/ns/wsdl"/>', "this is WSDL 2.0"),
        (b'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>', "no operation that is bound to SOAP"),
        ("<html/>".encode("utf-16")[:7], "this is no"),
    ],
)
def test_what_is_no_wsdl_says_what_it_is(content: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        pensions(content)


def test_wsdl_is_read_without_entities() -> None:
    secret = Path(__file__).resolve()
    hostile = (
        b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e SYSTEM "file://'
        + str(secret).encode()
        + b'">]>'
        + (WSDL.partition(b"?>")[2].replace(b'name="Pensions"', b'name="Pensions" x="1"', 1))
    )
    hostile = hostile.replace(b"<wsdl:types>", b"<wsdl:documentation>&e;</wsdl:documentation><wsdl:types>")
    assert "hypothesis" not in written(pensions(hostile))


def test_hostile_names_stay_values_and_comments() -> None:
    action = b'soapAction="x&quot;}&#10;people: {eve: {roles: [approver]}} #${HOME}'
    plan = loaded(pensions(WSDL.replace(b'soapAction="GetEntitlement', action))).plan
    assert plan.people == {}
    assert "${HOME}" in (plan.operations["pensions.get-entitlement"].match.soap_action or "")


@pytest.mark.parametrize("name", ["Pensions", "9lives", "a b", "", "a.b"])
def test_name_that_the_plan_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="write small letters"):
        draft_from_http(name, "http://127.0.0.1:8")


OPENAPI = {
    "openapi": "3.0.3",
    "servers": [{"url": "https://council.example/api/v1"}],
    "components": {"parameters": {"Citizen": {"name": "citizenId", "in": "query"}}},
    "paths": {
        "/assessments": {
            "parameters": [{"$ref": "#/components/parameters/Citizen"}],
            "get": {"operationId": "listAssessments", "summary": "All of one citizen: newest first"},
            "post": {"operationId": "requestAssessment"},
        },
        "/assessments/{assessmentId}/notes/{note}": {"get": {}, "delete": {"operationId": "9"}},
        "/assessments/{id}/notes/{other}": {"get": {}},
        "/health.json": {"get": {"operationId": "listAssessments"}},
        "x-internal": {"get": {}},
    },
}


def council(document: object = OPENAPI) -> Draft:
    text = document if isinstance(document, str) else json.dumps(document)
    return draft_from_openapi(text, name="council", source="council.json", url="http://127.0.0.1:8080/")


def test_openapi_gives_an_operation_for_each_method_of_each_path() -> None:
    operations = loaded(council()).plan.operations
    found = {
        name: (entry.effect.value, entry.match.method, entry.match.path.type, entry.match.path.value)
        for name, entry in operations.items()
    }
    notes = "/api/v1/assessments/[^/]+/notes/[^/]+"
    assert found == {
        "council.list-assessments": ("read", "GET", "Exact", "/api/v1/assessments"),
        "council.request-assessment": ("write", "POST", "Exact", "/api/v1/assessments"),
        "council.get-api-v1-assessments-by-assessment-id-notes-by-note": ("read", "GET", "RegularExpression", notes),
        "council.operation-9": ("write", "DELETE", "RegularExpression", notes),
        "council.list-assessments-2": ("read", "GET", "Exact", "/api/v1/health.json"),
    }


def test_openapi_keys_come_from_parameters() -> None:
    operations = loaded(council()).plan.operations
    assert operations["council.list-assessments"].key is not None
    assert operations["council.list-assessments"].key.query == "citizenId"
    key = operations["council.operation-9"].key
    assert key is not None
    assert key.path == "^/api/v1/assessments/([^/]+)/notes/[^/]+$"


def test_openapi_may_be_yaml_and_swagger_2() -> None:
    text = "swagger: '2.0'\nbasePath: /v2\npaths:\n  /pets/{petId}:\n    get: {operationId: getPet}\n"
    (entry,) = loaded(council(text)).plan.operations.values()
    assert entry.match.path.value == "/v2/pets/[^/]+"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "neither JSON nor YAML"),
        ("[]", "no OpenAPI document"),
        ("title: x", "no OpenAPI document"),
        ("openapi: 3.0.0", "no 'paths'"),
        ("openapi: 3.0.0\npaths: {}", "no path with a method"),
        ("openapi: 3.0.0\npaths: {1: 2, /a: 3, /b: {get: 4}}", "no path with a method"),
        ("[" * 5000, "neither JSON nor YAML"),
    ],
)
def test_what_is_no_openapi_says_what_it_is(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        council(text)


def test_http_gives_one_read_with_a_key_from_the_path() -> None:
    plan = loaded(draft_from_http("library", "http://127.0.0.1:8080", "/books", "http://127.0.0.1:8090")).plan
    (name,) = plan.operations
    assert (name, plan.operations[name].match.path.value) == ("library.get-books", "/books")
    assert plan.operations[name].key is not None
    assert plan.operations[name].key.path == "^/books/([^/]+)"
    assert list(loaded(draft_from_http("library", "http://127.0.0.1:8080")).plan.operations) == ["library.get-all"]


@pytest.mark.parametrize("path", ["books", "/books?x=1", "/#"])
def test_http_refuses_what_is_no_path(path: str) -> None:
    with pytest.raises(UsageError, match="write a path such as /books"):
        draft_from_http("library", "http://127.0.0.1:8080", path)


def test_tables_become_remarks_and_the_connection_a_variable() -> None:
    draft = draft_from_tables("patient-index", "DSN=patients", "sqlite", ["patient", "care_plan", "x\nversion: 2"])
    plan = loaded(draft).plan
    assert plan.systems["patient-index"].connection == "DSN=patients"
    assert plan.operations == {}
    text = written(draft)
    assert "${PATIENT_INDEX_ODBC:-DSN=patients}" in text
    assert "# patient-index.get-care-plan: reads care_plan" in text


@pytest.mark.parametrize(
    "connection", ["DSN=p;UID=x;PWD=hunter2", "DSN=p;Password=hunter2", "DRIVER={Odd};PWD={hunter2}"]
)
def test_password_is_not_written_into_the_plan(connection: str) -> None:
    draft = draft_from_tables("patient-index", connection, "postgresql", [])
    assert "hunter2" not in written(draft)
    assert "# decide: connection: set PATIENT_INDEX_ODBC in the environment" in written(draft)
    assert loaded(draft, PATIENT_INDEX_ODBC=connection).plan.systems["patient-index"].connection == connection
