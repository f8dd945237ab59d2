from typing import Any

import pytest

from parity_checks.coverage.model import Contract, NoContract
from parity_checks.coverage.openapi import contract_from_openapi
from strangler.plan.models import Match

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Patients", "version": "1"},
    "servers": [{"url": "https://old.example/health"}],
    "paths": {
        "/patients/{nhs}/care-plan": {
            "parameters": [
                {"name": "nhs", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 10}}
            ],
            "get": {
                "parameters": [
                    {"name": "since", "in": "query", "schema": {"type": "string", "format": "date"}},
                    {"$ref": "#/components/parameters/Detail"},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Plan"}}}},
                    "404": {"description": "none"},
                    "5XX": {"description": "broken"},
                },
            },
        },
        "/patients/{nhs}": {"get": {"responses": {"200": {"description": "a patient"}}}},
        "/patients/count": {"get": {"responses": {"200": {"description": "how many"}}}},
    },
    "components": {
        "parameters": {"Detail": {"name": "detail", "in": "query", "schema": {"enum": ["short", "full"]}}},
        "schemas": {
            "Plan": {
                "type": "object",
                "required": ["dependency", "contacts"],
                "properties": {
                    "dependency": {"type": "integer", "minimum": 1, "maximum": 4},
                    "note": {"type": ["string", "null"], "maxLength": 200},
                    "contacts": {"type": "array", "maxItems": 5, "items": {"$ref": "#/components/schemas/Contact"}},
                },
            },
            "Contact": {
                "allOf": [{"$ref": "#/components/schemas/Named"}, {"properties": {"keyHolder": {"type": "boolean"}}}],
                "required": ["keyHolder"],
            },
            "Named": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        },
    },
}


def match(path: str, kind: str = "Exact", method: str | None = "GET") -> Match:
    return Match.model_validate({"method": method, "path": {"type": kind, "value": path}})


def contract(path: str, kind: str = "Exact", method: str | None = "GET") -> Contract:
    return contract_from_openapi(DOCUMENT, match=match(path, kind, method), source="openapi.yaml")


def test_contract_of_an_operation_holds_its_parameters_statuses_and_fields() -> None:
    found = contract("/health/patients/[^/]+/care-plan", "RegularExpression")
    assert sorted(found.items) == [
        "answer 200 $.contacts boundary maxItems",
        "answer 200 $.contacts size 0",
        "answer 200 $.contacts size 1",
        "answer 200 $.contacts size many",
        "answer 200 $.contacts[*].keyHolder = false",
        "answer 200 $.contacts[*].keyHolder = true",
        "answer 200 $.dependency boundary maximum",
        "answer 200 $.dependency boundary minimum",
        "answer 200 $.note absent",
        "answer 200 $.note boundary maxLength",
        "answer 200 $.note null",
        "answer 200 $.note present",
        "request path.nhs boundary maxLength",
        "request query.detail = full",
        "request query.detail = short",
        "request query.detail absent",
        "request query.detail present",
        "request query.since absent",
        "request query.since present",
        "status 200",
        "status 404",
        "status 5XX",
    ]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/health/patients/{nhs}/care-plan", "Exact"),
        ("/health/patients/12/care-plan", "Exact"),
        ("/health/patients/[0-9]{10}/care-plan", "RegularExpression"),
    ],
)
def test_contract_is_found_by_method_and_path(path: str, kind: str) -> None:
    assert contract(path, kind).items == contract("/health/patients/[^/]+/care-plan", "RegularExpression").items


def test_contract_of_an_exact_path_is_not_that_of_a_template_which_means_it_too() -> None:
    assert contract("/health/patients/count").path is not None
    assert contract("/health/patients/count").path.pattern == r"/health/patients/count"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("path", "kind", "method", "why"),
    [
        ("/health/patients", "PathPrefix", "GET", "several operations fit: GET /health/patients/"),
        ("/elsewhere", "Exact", "GET", "no operation fits GET Exact /elsewhere"),
        ("/health/patients/count", "Exact", "PUT", "no operation fits"),
        ("(", "RegularExpression", "GET", "no operation fits"),
    ],
)
def test_contract_that_is_not_one_operations_says_why(path: str, kind: str, method: str, why: str) -> None:
    with pytest.raises(NoContract, match=why):
        contract(path, kind, method)


@pytest.mark.parametrize("document", [None, [], {}, {"swagger": "2.0", "paths": {}}, {"openapi": "3.0.0", "paths": 1}])
def test_contract_of_another_document_is_none(document: object) -> None:
    with pytest.raises(NoContract):
        contract_from_openapi(document, match=match("/a"), source="x")
