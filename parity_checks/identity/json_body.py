"""Ids in a JSON body, with the place of each: only they are exchanged, and every other character stays. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]  # what the decoder itself scans strings with

from parity_checks.canonical.decoding import MAX_DEPTH, Unreadable
from parity_checks.identity.spots import Part, Spot
from strangler.exchange import Reason
from strangler.plan.paths import JsonPath, json_path

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"true|false|null")
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class _Scalar:
    """A string or number and where it stands."""

    value: str
    start: int
    end: int
    is_text: bool


def json_spots(name: str, path: str, text: str) -> Iterator[Spot]:
    """Every string and number at a JSONPath.

    Raises:
        Unreadable: the text is no JSON, or nested too deep.
    """
    document = _scanned(text)
    for found in _path(path).find(document):
        if isinstance(found, _Scalar) and found.value.strip():
            spell = _text if found.is_text else _number
            yield Spot(Part.BODY, name, found.value.strip(), found.start, found.end, spell)


def json_ids(path: str, text: str) -> list[str]:
    """Every string and number at a JSONPath, as texts; numbers as they are written.

    Raises:
        Unreadable: the text is no JSON, or nested too deep.
    """
    return [spot.value for spot in json_spots("", path, text)]


@lru_cache(maxsize=1024)
def _path(text: str) -> JsonPath:
    return json_path(text)


def _text(value: str) -> str:
    """In ASCII, so that it stands in any charset."""
    return json.dumps(value)


def _number(value: str) -> str:
    """A number where the other side's id is one too; else the text that it is."""
    return value if _INTEGER.fullmatch(value) else json.dumps(value)


def _scanned(text: str) -> object:
    """The document with its scalars as places. ``json`` itself does not tell where a value stands."""
    value, end = _value(text, _after_space(text, 1 if text.startswith("\ufeff") else 0), 1)
    if _after_space(text, end) != len(text):
        raise _unreadable(end)
    return value


def _value(text: str, at: int, depth: int) -> tuple[object, int]:
    if depth > MAX_DEPTH:
        raise Unreadable(Reason.UNPARSABLE, f"nested more than {MAX_DEPTH} deep")
    match text[at : at + 1]:
        case '"':
            value, end = _string(text, at)
            return _Scalar(value, at, end, is_text=True), end
        case "{":
            return _object(text, at, depth)
        case "[":
            return _array(text, at, depth)
    if found := _WORD.match(text, at):
        return None, found.end()
    if found := _NUMBER.match(text, at):
        return _Scalar(found[0], at, found.end(), is_text=False), found.end()
    raise _unreadable(at)


def _string(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] != '"':
        raise _unreadable(at)
    try:
        value, end = scanstring(text, at + 1)
    except ValueError as error:
        raise _unreadable(at) from error
    return str(value), int(end)


def _object(text: str, at: int, depth: int) -> tuple[dict[str, object], int]:
    members: dict[str, object] = {}
    at = _after_space(text, at + 1)
    if text[at : at + 1] == "}":
        return members, at + 1
    while True:
        name, at = _string(text, at)
        at = _after_space(text, at)
        if text[at : at + 1] != ":":
            raise _unreadable(at)
        members[name], at = _value(text, _after_space(text, at + 1), depth + 1)
        at = _after_space(text, at)
        if text[at : at + 1] == "}":
            return members, at + 1
        at = _after_comma(text, at)


def _array(text: str, at: int, depth: int) -> tuple[list[object], int]:
    elements: list[object] = []
    at = _after_space(text, at + 1)
    if text[at : at + 1] == "]":
        return elements, at + 1
    while True:
        element, at = _value(text, at, depth + 1)
        elements.append(element)
        at = _after_space(text, at)
        if text[at : at + 1] == "]":
            return elements, at + 1
        at = _after_comma(text, at)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _after_comma(text: str, at: int) -> int:
    if text[at : at + 1] != ",":
        raise _unreadable(at)
    return _after_space(text, at + 1)


def _unreadable(at: int) -> Unreadable:
    return Unreadable(Reason.UNPARSABLE, f"no JSON from character {at} on")
