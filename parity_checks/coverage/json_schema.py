"""JSON Schema, as OpenAPI 3.0 and 3.1 use it, as fields. Pure.

Followed are local references, ``allOf``, and of ``oneOf`` and ``anyOf`` the union of their branches' members, none of
which has to be there. A schema within itself is not followed again. Not followed are references to other documents,
``additionalProperties``, ``patternProperties``, ``if``, ``not`` and tuples: they give no items.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from parity_checks.coverage.model import Bound, Facets, Field, Presence

MOST_DEPTH: Final = 12
MOST_FIELDS: Final = 20_000
"""Most fields of one contract: schemas that use each other would else give more than anybody has memory for."""

_MOST_REFERENCES: Final = 20
_FORMS: Final = frozenset({"date", "date-time", "time", "uuid"})
"""Formats that say what a text must look like; those of others are not looked at."""
_LENGTHS: Final = ("minLength", "maxLength")
_SIZES: Final = ("minItems", "maxItems")
_NUMBERS: Final = {"minimum": ("exclusiveMinimum", 1), "maximum": ("exclusiveMaximum", -1)}

Schema = Mapping[str, Any]


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._left = MOST_FIELDS

    def referred(self, node: object) -> Mapping[str, Any]:
        """The object itself, or what it refers to in this document; empty where that is none."""
        for _ in range(_MOST_REFERENCES):
            if not isinstance(node, Mapping):
                return {}
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._at(reference)
        return {}

    def _at(self, reference: str) -> object:
        if not reference.startswith("#/"):
            return None
        here: object = self._document
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            here = here.get(name) if isinstance(here, Mapping) else None
        return here

    def field(
        self,
        schema: object,
        name: str,
        label: str,
        presence: Presence = Presence.REQUIRED,
        above: tuple[Schema, ...] = (),
    ) -> Field:
        """The field that a schema describes.

        Args:
            schema: the schema, or a reference to it.
            name: the member's name.
            label: its path in items.
            presence: whether its parent must have it.
            above: the schemas that this one stands in.
        """
        self._left -= 1
        node = self.referred(schema)
        whole = self._joined(node)
        kinds = _kinds(whole)
        is_nullable = "null" in kinds or whole.get("nullable") is True
        kind = next((kind for kind in kinds if kind != "null"), "object" if "properties" in whole else "any")
        made = Field(name, label, _facets(whole, kind), presence, is_nullable)
        if any(one is node for one in above) or len(above) >= MOST_DEPTH or self._left <= 0:
            return made
        above = (*above, node)
        if kind == "array" or ("items" in whole and kind == "any"):
            most = whole.get("maxItems")
            least = whole.get("minItems")
            each = self.field(whole.get("items", {}), "", f"{label}[*]", Presence.REQUIRED, above)
            return replace(
                made,
                least=least if isinstance(least, int) else 0,
                most=most if isinstance(most, int) else None,
                each=each,
            )
        return replace(made, children=tuple(self._members(whole, label, above)))

    def _members(self, whole: Schema, label: str, above: tuple[Schema, ...]) -> Iterator[Field]:
        properties = whole.get("properties")
        required = whole.get("required")
        needed = set(required) if isinstance(required, list) else set()
        branched = whole.get("x-branched", frozenset())
        for name, schema in properties.items() if isinstance(properties, Mapping) else ():
            if name in needed:
                presence = Presence.REQUIRED
            else:
                presence = Presence.BRANCH if name in branched else Presence.OPTIONAL
            yield self.field(schema, str(name), member(label, str(name)), presence, above)

    def _joined(self, schema: object, depth: int = 0) -> dict[str, Any]:
        """The schema with ``allOf`` laid over it, and the branches of ``oneOf`` and ``anyOf`` beside each other."""
        whole = dict(self.referred(schema))
        if depth >= MOST_DEPTH:
            return whole
        for part in _list(whole.pop("allOf", None)):
            _lay_over(whole, self._joined(part, depth + 1))
        for word in ("oneOf", "anyOf"):
            branches = [self._joined(part, depth + 1) for part in _list(whole.pop(word, None))]
            some = [branch for branch in branches if branch.get("type") != "null" and branch.get("enum") != [None]]
            if len(some) < len(branches):
                whole["nullable"] = True
            if len(some) == 1:
                _lay_over(whole, some[0])
            elif some:
                _branch(whole, some)
        return whole


def member(label: str, name: str) -> str:
    """The JSONPath of a member (RFC 9535): ``$.name``, or ``$['a name']``."""
    if name.isidentifier():
        return f"{label}.{name}"
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"{label}['{quoted}']"


def _lay_over(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    for name, value in part.items():
        if name == "properties" and isinstance(value, Mapping):
            whole[name] = {**(whole.get(name) or {}), **value}
        elif name == "required" and isinstance(value, list):
            whole[name] = [*_list(whole.get(name)), *value]
        elif name == "x-branched":
            whole[name] = whole.get(name, frozenset()) | value
        else:
            whole.setdefault(name, value)


def _branch(whole: dict[str, Any], branches: list[dict[str, Any]]) -> None:
    """Members of all branches; which of them are there depends on the branch, so that none is missed."""
    properties = dict(whole.get("properties") or {})
    own = set(properties)
    values: list[Any] = []
    for branch in branches:
        inner = branch.get("properties")
        for name, schema in inner.items() if isinstance(inner, Mapping) else ():
            properties.setdefault(name, schema)
        values += _list(branch.get("enum"))
        for word in ("type", "items"):
            if word in branch:
                whole.setdefault(word, branch[word])
    if properties:
        whole["properties"] = properties
        whole["x-branched"] = whole.get("x-branched", frozenset()) | (set(properties) - own)
    if values and all("enum" in branch for branch in branches):
        whole.setdefault("enum", values)


def _kinds(whole: Schema) -> list[str]:
    said = whole.get("type")
    return [said] if isinstance(said, str) else [kind for kind in _list(said) if isinstance(kind, str)]


def _facets(whole: Schema, kind: str) -> Facets:
    values = tuple(dict.fromkeys(_text(value) for value in _list(whole.get("enum")) if value is not None))
    if "const" in whole and not isinstance(whole["const"], dict | list):
        values = (_text(whole["const"]),)
    if kind == "boolean" and not values:
        values = ("true", "false")
    pattern, form = whole.get("pattern"), whole.get("format")
    if kind == "string" and form in _FORMS:
        kind = str(form)
    return Facets(
        kind, values, () if values else tuple(_bounds(whole, kind)), pattern if isinstance(pattern, str) else ""
    )


def _bounds(whole: Schema, kind: str) -> Iterator[Bound]:
    for words, of in ((_LENGTHS, "length"), (_SIZES, "size")):
        said = [(word, whole[word]) for word in words if _is_count(whole.get(word))]
        if len({value for _, value in said}) == len(said):
            for word, value in said:
                if of == "length":
                    yield Bound(word, "length", str(value))
                else:
                    yield Bound(word, "size", str(value))
    for word, (exclusive, step) in _NUMBERS.items():
        value, beyond = whole.get(word), whole.get(exclusive)
        if _is_number(beyond) and kind == "integer":
            yield Bound(exclusive, "number", str(Decimal(str(beyond)) + step))
        elif _is_number(value) and beyond is not True:
            yield Bound(word, "number", str(value))
        elif _is_number(value) and kind == "integer":  # OpenAPI 3.0: exclusiveMinimum is a boolean beside minimum
            yield Bound(exclusive, "number", str(Decimal(str(value)) + step))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
