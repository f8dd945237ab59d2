"""Says in the plan's own words what pydantic found wrong with a plan's form."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import ValidationError

from strangler.plan.models import Plan
from strangler.plan.source import Path, Source


def nearest(word: str, choices: Collection[str]) -> str:
    """A sentence that helps: the nearest valid name, or all of them where none is near."""
    close = get_close_matches(word, sorted(choices), n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"choose from {', '.join(sorted(choices)[:20])}" if choices else "there are none yet"


def report_form(source: Source, error: ValidationError) -> set[str | None]:
    """Note every form problem in ``source``.

    Returns:
        The names of the operations that are wrong; ``None`` among them where something else is wrong too.
    """
    broken: set[str | None] = set()
    for found in error.errors(include_url=False):
        location = found["loc"]
        path = _path_in_data(source.data, location)
        broken.add(str(location[1]) if len(location) > 1 and location[0] == "operations" else None)
        code, message, fix = _told(found["type"], found["msg"], found.get("ctx", {}), location, found["input"])
        source.report(code, path, message, fix)
    return broken


def _path_in_data(data: object, location: tuple[str | int, ...]) -> Path:
    """The location without what pydantic adds to it: union tags and ``[key]``."""
    path: list[str | int] = []
    here = data
    for index, part in enumerate(location):
        is_last = index == len(location) - 1
        if isinstance(here, dict):
            if part in here:
                here = here[part]
            elif not is_last or part == "[key]":
                continue
            else:
                here = None
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        elif not is_last or part == "[key]":
            continue
        path.append(part)
    return tuple(path)


def _told(  # noqa: PLR0911  one case for each kind of error
    kind: str, message: str, context: Mapping[str, Any], location: tuple[str | int, ...], given: object
) -> tuple[str, str, str]:
    """Code, message and fix for one pydantic error."""
    last = str(location[-1]) if location else "plan"
    match kind:
        case "extra_forbidden":
            return "unknown-field", f"unknown field {last!r}", nearest(last, fields_at(location[:-1]))
        case "missing" if last == "why":
            return "rule-without-why", "a rule without a reason", "add 'why:' and say why the two sides may differ here"
        case "missing":
            return "missing-field", f"{last!r} is missing", f"add '{last}:'{_about(location)}"
        case "literal_error" | "enum":
            choices = _choices(str(context.get("expected", "")))
            return "bad-choice", f"{given!r} is not a choice here", nearest(str(given), choices)
        case "union_tag_invalid":
            tags = _choices(str(context.get("expected_tags", "")))
            return "unknown-rule", f"there is no rule {context.get('tag')!r}", nearest(str(context.get("tag")), tags)
        case "union_tag_not_found":
            return "missing-field", "a rule that does not say how it compares", "add 'as:', such as 'as: datetime'"
        case "string_pattern_mismatch":
            return "bad-name", f"{given!r} has not the form wanted here", f"write it as {context.get('pattern')}"
        case "value_error":
            return "bad-value", message.removeprefix("Value error, "), ""
        case "model_type" | "model_attributes_type" | "dict_type":
            return "bad-value", "this must be a mapping", _about(location).removeprefix(": ")
        case "string_type" if given is not None:
            return "bad-value", "this must be text", "put it in quotes"
        case _:
            return "bad-value", message, ""


def _choices(expected: str) -> list[str]:
    return [choice.strip(" '") for choice in expected.replace(" or ", ", ").split(",") if choice.strip(" '")]


def _about(location: tuple[str | int, ...]) -> str:
    node = _schema_at(location)
    description = node.get("description", "").splitlines() if node else []
    return f": {description[0]}" if description else ""


def fields_at(location: tuple[str | int, ...]) -> list[str]:
    """The names of the fields that may stand at a pydantic location."""
    node = _schema_at(location)
    return list(node.get("properties", {})) if node else []


@cache
def _schema() -> dict[str, Any]:
    return Plan.model_json_schema(by_alias=True)


def _schema_at(location: tuple[str | int, ...]) -> dict[str, Any]:
    """The JSON Schema of what may stand at a location; empty where unknown."""
    node = _resolved(_schema(), None)
    for part in location:
        if isinstance(part, int):
            node = _resolved(node.get("items", {}), None)
        elif "oneOf" in node:
            node = _resolved(node, part)
        elif "properties" in node:
            node = _resolved(node["properties"].get(part, {}), None)
        else:
            named = next(iter(node.get("patternProperties", {}).values()), node.get("additionalProperties"))
            node = _resolved(named, None) if isinstance(named, dict) else {}
    return node


def _resolved(node: dict[str, Any], tag: str | None) -> dict[str, Any]:
    """Follow references and optionality; of a union take the member that the tag names."""
    if tag is not None and "oneOf" in node:
        mapping = node.get("discriminator", {}).get("mapping", {})
        node = {"$ref": mapping[tag]} if tag in mapping else {}
    if "anyOf" in node:
        node = next((choice for choice in node["anyOf"] if choice.get("type") != "null"), {})
    if "$ref" in node:
        target = _schema()["$defs"][node["$ref"].rpartition("/")[2]]
        return {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node
