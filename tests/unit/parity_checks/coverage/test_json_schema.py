from typing import Any

import pytest
import yaml

from parity_checks.coverage.json_schema import Schemas
from parity_checks.coverage.model import Contract, finished


def items(schema: Any, **components: Any) -> list[str]:
    """The items of a body of this schema, without the word before them."""
    found = Schemas({"components": components}).field(schema, "", "$")
    return sorted(item.removeprefix("request ") for item in finished(Contract("x", "http", found)).items)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "exclusiveMinimum": 0}, ["$ boundary exclusiveMinimum"]),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, ["$ boundary exclusiveMinimum"]),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, []),
        ({"type": "number", "maximum": 1.5}, ["$ boundary maximum"]),
        ({"type": "string", "minLength": 2, "maxLength": 2}, []),
        ({"type": "string", "nullable": True}, ["$ null"]),
        ({"enum": ["a", None, 1]}, ["$ = 1", "$ = a"]),
        ({"const": "a"}, ["$ = a"]),
        ({"oneOf": [{"type": "null"}, {"type": "string", "maxLength": 3}]}, ["$ boundary maxLength", "$ null"]),
        (
            {"type": "array", "items": {"enum": ["a"]}, "minItems": 1},
            ["$ boundary minItems", "$ size 1", "$ size many", "$[*] = a"],
        ),
        ({"properties": {"a b": {"type": "string"}}}, ["$['a b'] absent", "$['a b'] present"]),
    ],
)
def test_schema_gives_the_items_that_a_value_can_show(schema: Any, expected: list[str]) -> None:
    assert items(schema) == expected


def test_branches_give_their_members_and_none_is_missed_for_being_absent() -> None:
    cat = {
        "type": "object",
        "properties": {"kind": {"enum": ["cat"]}, "lives": {"type": "integer"}},
        "required": ["kind"],
    }
    dog = {"type": "object", "properties": {"kind": {"enum": ["dog"]}, "barks": {"type": "boolean"}}}
    assert items({"oneOf": [cat, dog]}) == [
        "$.barks = false",
        "$.barks = true",
        "$.barks present",
        "$.kind = cat",
        "$.kind present",
        "$.lives present",
    ]


def test_schema_within_itself_is_not_followed_again() -> None:
    node = {"properties": {"next": {"$ref": "#/components/Node"}}}
    assert items({"$ref": "#/components/Node"}, Node=node) == ["$.next absent", "$.next present"]


@pytest.mark.parametrize("reference", ["#/components/A", "https://elsewhere.example/a", "#/nowhere", "a.yaml#/b"])
def test_reference_that_leads_nowhere_gives_nothing(reference: str) -> None:
    assert items({"$ref": reference}, A={"$ref": "#/components/A"}) == []


def test_aliases_that_multiply_are_bounded() -> None:
    lines = ["a0: &a0 {properties: {x: {type: string}}}"]
    lines += [
        f"a{n}: &a{n} {{properties: {{{', '.join(f'm{k}: *a{n - 1}' for k in range(9))}}}}}" for n in range(1, 12)
    ]
    document = yaml.safe_load("\n".join(lines))
    found = Schemas(document).field(document["a11"], "", "$")
    assert len(finished(Contract("x", "http", found)).items) == 2_000
