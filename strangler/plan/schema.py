"""The plan's JSON Schema (draft 2020-12): editors complete and check by it, the reference page is made from it."""

from typing import Any

from strangler.plan.models import Plan

_VARIABLE: dict[str, Any] = {
    "type": "string",
    "pattern": r"\$\{[^}]+\}",
    "description": "Filled in from the environment.",
}


def _or_variable(field: dict[str, Any]) -> dict[str, Any]:
    """The field, or ``${NAME}`` where it is no free text: editors see the plan before variables are filled in."""
    choices = field.get("anyOf", [field])
    if not any("enum" in choice or choice.get("type") in ("number", "integer", "boolean") for choice in choices):
        return field
    shown: dict[str, Any] = {key: field[key] for key in ("description", "default", "title") if key in field}
    bare = [{key: value for key, value in choice.items() if key not in shown} for choice in choices]
    return shown | {"anyOf": [*bare, _VARIABLE]}


def schema() -> dict[str, Any]:
    """The schema of ``migration.yaml``, with a description for every field that is not told by its name."""
    found = Plan.model_json_schema(by_alias=True)
    target = found["$defs"]["Target"]
    short = {"type": "string", "description": "Short for {system: ...}."}
    for side in ("old", "new"):
        entry = found["$defs"]["Operation"]["properties"][side]
        found["$defs"]["Operation"]["properties"][side] = {
            "anyOf": [{"$ref": "#/$defs/Target"}, short],
            "description": entry.get("description", target.get("description", "")),
        }
    for model in (found, *found["$defs"].values()):
        for field in model.get("properties", {}).values():
            if "patternProperties" in field:
                field["additionalProperties"] = False
        model["properties"] = {name: _or_variable(field) for name, field in model.get("properties", {}).items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "Strangler's migration plan"}
