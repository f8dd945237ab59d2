"""The contract of one HTTP operation, from an OpenAPI 3.0 or 3.1 document. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from parity_checks.coverage.json_schema import Schemas
from parity_checks.coverage.model import Contract, Field, NoContract, Presence, finished
from strangler.plan.models import Match

_METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options")
_PARAMETER: Final = re.compile(r"\{([^{}]+)\}")
_PLACES: Final = {"query": "query", "header": "headers", "path": "path"}
_STATUS: Final = re.compile(r"[1-5](?:\d\d|XX)|default")
_UNSAID: Final = frozenset({"accept", "content-type", "authorization"})
"""Header parameters that mean nothing in OpenAPI (3.0.3, "Parameter Object")."""

_SAMPLES: Final = ("1", "a", "A1", "1234567890", "00000000-0000-0000-0000-000000000000", "AB123456C")
"""What a path's parameters are tried with, to see whether a regular expression of the plan means that path."""


def contract_from_openapi(document: object, *, match: Match, source: str) -> Contract:
    """The contract of the one operation of the document that fits the plan's match.

    Args:
        document: the document, parsed.
        match: the plan's match: method and path choose the operation.
        source: where it was read.

    Raises:
        NoContract: it is no OpenAPI 3 document, or none or several of its operations fit.
    """
    if not isinstance(document, Mapping) or not str(document.get("openapi", "")).startswith("3."):
        raise NoContract(f"{source}: this is no OpenAPI 3 document")
    paths = document.get("paths")
    schemas = Schemas(document)
    found = [
        (base + str(path), method, schemas.referred(entry), entry_of_path)
        for base in (_base_path(document),)
        for path, item in (paths.items() if isinstance(paths, Mapping) else ())
        if (entry_of_path := schemas.referred(item))
        for method in _METHODS
        if isinstance(entry := entry_of_path.get(method), Mapping) and _fits(match, method, base + str(path))
    ]
    if len(found) > 1:  # an exact path beats a template that also means it
        exact = [one for one in found if one[0] == match.path.value]
        found = exact or found
    if len(found) != 1:
        fitting = ", ".join(f"{method.upper()} {path}" for path, method, _, _ in found)
        what = f"several operations fit: {fitting}" if found else "no operation fits"
        raise NoContract(
            f"{source}: {what} {match.method or 'any method'} {match.path.type} {match.path.value}".strip()
        )
    path, _, entry, above = found[0]
    parameters = tuple(_parameters(schemas, above, entry))
    return finished(
        Contract(
            source,
            "http",
            _request(schemas, entry),
            parameters,
            _template(path, parameters),
            dict(_answers(schemas, entry)),
        )
    )


def _base_path(document: Mapping[str, Any]) -> str:
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else None
    try:
        path = urlsplit(str(first.get("url", ""))).path if isinstance(first, Mapping) else ""
    except ValueError:
        return ""
    return path.rstrip("/") if path.startswith("/") and "{" not in path else ""


def _fits(match: Match, method: str, path: str) -> bool:
    if match.method is not None and match.method.lower() != method:
        return False
    wanted = match.path.value
    if path == wanted:
        return True
    if match.path.type == "Exact":
        return _compiled(path, {}).fullmatch(wanted) is not None
    for sample in _SAMPLES:
        tried = _PARAMETER.sub(sample, path)
        if match.path.type == "PathPrefix" and (tried + "/").startswith(wanted.rstrip("/") + "/"):
            return True
        if match.path.type == "RegularExpression" and _is_full(wanted, tried):
            return True
    return False


def _is_full(pattern: str, path: str) -> bool:
    try:
        return re.fullmatch(pattern, path) is not None
    except re.error:
        return False


def _template(path: str, parameters: tuple[Field, ...]) -> "re.Pattern[str]":
    places = {field.name: place for place, field in enumerate(parameters) if field.label.startswith("path.")}
    return _compiled(path, places)


def _compiled(path: str, places: Mapping[str, int]) -> "re.Pattern[str]":
    """The path template as a regular expression; a named parameter's group is ``p`` and its place in the contract."""
    made = ""
    for index, piece in enumerate(_PARAMETER.split(path)):
        if not index % 2:
            made += re.escape(piece)
        elif piece in places and f"(?P<p{places[piece]}>" not in made:
            made += f"(?P<p{places[piece]}>[^/]+)"
        else:
            made += "[^/]+"
    return re.compile(made)


def _parameters(schemas: Schemas, above: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[Field]:
    """The parameters of the path and of the operation; of two with one name the operation's."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for holder in (above, entry):
        listed = holder.get("parameters")
        for one in listed if isinstance(listed, list) else ():
            parameter = schemas.referred(one)
            place, name = _PLACES.get(str(parameter.get("in"))), parameter.get("name")
            if place and isinstance(name, str) and not (place == "headers" and name.lower() in _UNSAID):
                found[place, name] = parameter
    for (place, name), parameter in found.items():
        is_required = place == "path" or parameter.get("required") is True
        presence = Presence.REQUIRED if is_required else Presence.OPTIONAL
        field = schemas.field(parameter.get("schema", {}), name, f"{place}.{name}", presence)
        # A list without elements is not written at all: it is an absent parameter.
        yield replace(field, least=max(1, field.least)) if field.is_list else field


def _request(schemas: Schemas, entry: Mapping[str, Any]) -> Field | None:
    body = schemas.referred(entry.get("requestBody", {}))
    schema = _schema(body, "json", "x-www-form-urlencoded")
    if schema is None:
        return None
    return schemas.field(schema, "", "$", Presence.REQUIRED if body.get("required") is True else Presence.OPTIONAL)


def _answers(schemas: Schemas, entry: Mapping[str, Any]) -> Iterator[tuple[str, Field | None]]:
    answers = entry.get("responses")
    for said, one in answers.items() if isinstance(answers, Mapping) else ():
        status = str(said) if str(said) == "default" else str(said).upper()
        if _STATUS.fullmatch(status):
            schema = _schema(schemas.referred(one), "json")
            yield status, None if schema is None else schemas.field(schema, "", "$")


def _schema(holder: Mapping[str, Any], *kinds: str) -> object | None:
    """The schema of the first content of one of these kinds."""
    content = holder.get("content")
    for name, media in content.items() if isinstance(content, Mapping) else ():
        if isinstance(media, Mapping) and str(name).partition(";")[0].strip().endswith(kinds) and "schema" in media:
            schema: object = media["schema"]
            return schema
    return None
