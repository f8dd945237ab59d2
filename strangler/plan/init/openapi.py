"""A draft from an OpenAPI 3 or Swagger 2 document: one operation for each method of each path. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from strangler.errors import UsageError
from strangler.plan.init.draft import Draft, DraftOperation, DraftSystem, named, new_system, told_apart
from strangler.plan.init.guess import kebab, likely_key
from strangler.stages import Effect

_METHODS = ("get", "head", "post", "put", "patch", "delete")
_READS = ("get", "head")
_PARAMETER = re.compile(r"\{([^{}]+)\}")


def draft_from_openapi(text: str, *, name: str, source: str, url: str, new_url: str | None = None) -> Draft:
    """A draft of the interface that the document describes.

    Args:
        text: the document, JSON or YAML.
        name: what the system is called in the plan.
        source: where it was read, for the plan's first lines.
        url: where the running old system is: scheme, host and port.
        new_url: where the new service is.

    Raises:
        UsageError: the name is not of its form, or this is no such document; the message says why.
    """
    name = named(name)
    document = _document(text, source)
    base = _base_path(document)
    operations = told_apart(list(_operations(document, name, base)))
    if not operations:
        raise UsageError(f"{source}: this document has no path with a method")
    fields = {"department": name, "speaks": "http", "url": url.rstrip("/"), "serves": ["/"]}
    old = DraftSystem(name, fields, ("build: name the old system's build, by 'build:' or 'build_header:'.",))
    return Draft(name, source, old, new_system(name, new_url), operations)


def _document(text: str, source: str) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(text)  # JSON is YAML
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{source}: this is neither JSON nor YAML: {first}") from error
    if not isinstance(document, dict) or not ({"openapi", "swagger"} & document.keys()):
        raise UsageError(f"{source}: this is no OpenAPI document: it has neither 'openapi' nor 'swagger'")
    if not isinstance(document.get("paths"), dict):
        raise UsageError(f"{source}: this OpenAPI document has no 'paths'")
    return document


def _base_path(document: Mapping[str, Any]) -> str:
    """What stands before every path: of the first server (3) or ``basePath`` (2)."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else None
    base = first.get("url", "") if isinstance(first, dict) else document.get("basePath", "")
    try:
        path = urlsplit(str(base)).path
    except ValueError:
        return ""
    return path.rstrip("/") if path.startswith("/") and "{" not in path else ""


def _operations(document: Mapping[str, Any], system: str, base: str) -> Iterator[DraftOperation]:
    for path, item in document["paths"].items():
        if not isinstance(path, str) or not path.startswith("/") or not isinstance(item, dict):
            continue
        for method in _METHODS:
            entry = item.get(method)
            if isinstance(entry, dict):
                parameters = [*_parameters(document, item), *_parameters(document, entry)]
                yield _operation(system, method, base + path.partition("?")[0], entry, parameters)


def _operation(
    system: str, method: str, path: str, entry: Mapping[str, Any], parameters: list[tuple[str, str]]
) -> DraftOperation:
    effect = Effect.READ if method in _READS else Effect.WRITE
    named_as = entry.get("operationId") or f"{method} {_PARAMETER.sub(lambda found: f'by {found[1]}', path)}"
    decide = []
    if effect is Effect.WRITE:
        decide.append(f"effect: {method.upper()} may change something; say read where it only looks.")
    key = _key(path, parameters)
    if key is not None:
        decide.append("key: guessed from the parameters' names.")
    match = {"method": method.upper(), "path": _path_match(path)}
    summary = entry.get("summary")
    description = " ".join(summary.split())[:200] if isinstance(summary, str) else ""
    return DraftOperation(f"{system}.{kebab(str(named_as))}", effect, match, key, description, tuple(decide))


def _path_match(path: str) -> dict[str, object]:
    if not _PARAMETER.search(path):
        return {"type": "Exact", "value": path}
    return {"type": "RegularExpression", "value": _pattern(path)}


def _pattern(path: str, captured: str | None = None) -> str:
    """The path as a regular expression; a parameter is one segment, or part of one, and may be captured."""
    pieces = _PARAMETER.split(path)
    made = ""
    for index, piece in enumerate(pieces):
        if index % 2:
            made += "([^/]+)" if piece == captured else "[^/]+"
        else:
            made += re.escape(piece)
    return made


def _key(path: str, parameters: list[tuple[str, str]]) -> dict[str, object] | None:
    within = _PARAMETER.findall(path)
    if within:
        chosen = likely_key(within) or within[0]
        return {"path": f"^{_pattern(path, chosen)}$"} if within.count(chosen) == 1 else None
    for place in ("query", "header"):
        chosen_name = likely_key([name for where, name in parameters if where == place])
        if chosen_name is not None and re.fullmatch(r"[\w-]+", chosen_name):
            return {place: chosen_name}
    return None


def _parameters(document: Mapping[str, Any], holder: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Place and name of each parameter; a reference within the document is followed once."""
    listed = holder.get("parameters")
    for item in listed if isinstance(listed, list) else ():
        one = _referred(document, item["$ref"]) if isinstance(item, dict) and "$ref" in item else item
        if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("in"), str):
            yield one["in"], one["name"]


def _referred(document: Mapping[str, Any], reference: object) -> object:
    here: object = document
    for part in str(reference).removeprefix("#/").split("/"):
        here = here.get(part) if isinstance(here, dict) else None
    return here
