"""Where an adapter's or a facade's parameters come from in the caller's request. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from legacy_adapters.contract import BadRequest
from strangler.exchange import Request


@dataclass(frozen=True, slots=True)
class FromPath:
    """The named segment of the declaration's ``path`` template, percent-decoded."""

    name: str


@dataclass(frozen=True, slots=True)
class FromQuery:
    """The first value of that name in the query. Where it is not ``required`` and absent: ``default``."""

    name: str
    default: str | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class FromJson:
    """The member at a dotted path of the JSON body, such as ``address.postcode``; ``None`` if absent and optional."""

    path: str
    required: bool = True


Source = FromPath | FromQuery | FromJson


def path_values(template: str, request: Request) -> dict[str, str]:
    """The values of the template's ``{names}`` in the request's path.

    Raises:
        BadRequest: the path does not fit the template.
    """
    found = _pattern(template).fullmatch(request.path)
    if found is None:
        raise BadRequest(f"the path does not fit {template}")
    return {name: unquote(value) for name, value in found.groupdict().items()}


def query_values(request: Request) -> dict[str, str]:
    """The first value of each name in the query."""
    return _firsts(request.query)


def form_values(request: Request) -> dict[str, str]:
    """The first value of each field of a form-encoded body (UTF-8).

    Raises:
        BadRequest: the body is not UTF-8.
    """
    try:
        return _firsts((request.body or b"").decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRequest("the form is not UTF-8") from error


def json_value(request: Request) -> Any:
    """The JSON body.

    Raises:
        BadRequest: it does not parse.
    """
    try:
        return orjson.loads(request.body or b"")
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error


def parameters(sources: Mapping[str, Source], template: str, request: Request) -> dict[str, Any]:
    """The value of each parameter.

    Raises:
        BadRequest: the path does not fit, the body does not parse, or a required value is absent or no scalar.
    """
    path, query = path_values(template, request), query_values(request)
    needs_json = any(isinstance(source, FromJson) for source in sources.values())
    document = json_value(request) if needs_json else None
    values: dict[str, Any] = {}
    for name, source in sources.items():
        match source:
            case FromPath():
                values[name] = path[source.name]
            case FromQuery():
                if source.required and source.name not in query:
                    raise BadRequest(f"the query has no {source.name}")
                values[name] = query.get(source.name, source.default)
            case FromJson():
                values[name] = _member(document, source)
    return values


def _member(document: Any, source: FromJson) -> Any:
    value = document
    for step in source.path.split("."):
        if not isinstance(value, dict) or step not in value:
            if source.required:
                raise BadRequest(f"the body has no {source.path}")
            return None
        value = value[step]
    if isinstance(value, dict | list):
        raise BadRequest(f"{source.path} is not one value")
    return value


def _firsts(encoded: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        values.setdefault(name, value)
    return values


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    fixed, names = parts[::2], parts[1::2]
    pattern = re.escape(fixed[0])
    for name, text in zip(names, fixed[1:], strict=True):
        pattern += f"(?P<{name}>[^/]+){re.escape(text)}"
    return re.compile(pattern)
