import json

import jsonschema
import pytest
import yaml

from strangler.plan.schema import schema


def test_schema_is_a_valid_schema_and_accepts_the_good_plan(good: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(good))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("effect: read", "efect: read"),
        (', why: "clocks differ"', ""),
        ("as: text", "as: txt"),
        ("programme: elderly-care", "programme: Elderly Care"),
        ("pensions.get-entitlement:", "get-entitlement:"),
        ("timeout_s: 5", "timeout_s: 0"),
    ],
)
def test_schema_refuses_what_the_loader_refuses(good: str, before: str, after: str) -> None:
    assert before in good
    plan = yaml.safe_load(good.replace(before, after, 1))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(plan)


def test_schema_is_plain_json_with_every_model_described() -> None:
    found = schema()
    assert json.loads(json.dumps(found)) == found
    assert [
        name for name, model in found["$defs"].items() if "enum" not in model and not model.get("description")
    ] == []


def test_schema_describes_every_field_of_every_model() -> None:
    undescribed = [
        f"{name}.{field}"
        for name, model in {"Plan": schema(), **schema()["$defs"]}.items()
        for field, node in model.get("properties", {}).items()
        if not node.get("description")
    ]
    assert undescribed == []
