"""The plan's JSON Schema (draft 2020-12): editors complete and check by it, the reference page is made from it."""

from typing import Any

from strangler.plan.models import Plan


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
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "Strangler's migration plan"}
