"""JSON with exact numbers, read within bounds; and a fast, exact test that two bodies are equal. Pure."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

import orjson

from parity_checks.canonical.decoding import MAX_DEPTH, Unreadable
from parity_checks.canonical.json_bounds import check_bounds
from parity_checks.canonical.trees import Json
from strangler.exchange import Reason

_DIGITS: Final = bytes.maketrans(
    bytes(range(256)),
    bytes(48 if chr(byte) in "0123456789." else 101 if chr(byte) in "eE" else 32 for byte in range(256)),
)
"""Digits and points to ``0``, exponents to ``e``, the rest to blanks."""

_EXPONENT: Final = re.compile(rb"(?:^|[\s:,\[])-?\d[\d.]*[eE]")


def _may_lose_digits(body: bytes) -> bool:
    """Whether a number may not survive as a double: beyond 15 significant digits, or with an exponent.

    By translation, because a regular expression over the whole body costs more than parsing it.
    """
    shape = body.translate(_DIGITS)
    return b"0" * 16 in shape or (b"0e" in shape and _EXPONENT.search(body) is not None)


def read_json(text: str) -> Json:
    """The value, with ``int`` and ``Decimal`` for numbers.

    Raises:
        Unreadable: it is no JSON (RFC 8259), a member comes twice, NaN, or it is nested too deep.
    """
    check_bounds(text)
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_depth(text)
    try:
        value: Json = json.loads(
            text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_members_once
        )
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise Unreadable(Reason.UNPARSABLE, f"no JSON: {type(error).__name__}: {str(error)[:120]}") from error
    return value


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unreadable(Reason.UNPARSABLE, "a member of a JSON object comes twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable(Reason.UNPARSABLE, f"{name} is no JSON number")


_NESTING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


def _refuse_depth(text: str) -> None:
    depth = 0
    for found in _NESTING.finditer(text):
        match found[0]:
            case "[" | "{":
                depth += 1
                if depth > MAX_DEPTH:
                    raise Unreadable(Reason.UNPARSABLE, f"nested more than {MAX_DEPTH} deep")
            case "]" | "}":
                depth -= 1
            case _:
                pass


def are_equal(old: bytes, new: bytes) -> bool:
    """Whether two JSON bodies are surely equal, exactly; ``False`` only means that a closer look is needed.

    orjson reads numbers as doubles, takes the last of two members with one name, and Python says ``True == 1``: each
    of these sends the bodies to the closer look.
    """
    if _may_lose_digits(old) or _may_lose_digits(new) or b"\\u" in old or b"\\u" in new:
        return False
    if old.count(b"[") + old.count(b"{") > MAX_DEPTH and _is_deep(old):
        return False
    try:
        old_value, new_value = orjson.loads(old), orjson.loads(new)
        if old_value != new_value:
            return False
        old_text, new_text = orjson.dumps(old_value), orjson.dumps(new_value)
        if old_text != new_text and (b"true" in old_text or b"false" in old_text):
            sort = orjson.OPT_SORT_KEYS
            if orjson.dumps(old_value, option=sort) != orjson.dumps(new_value, option=sort):
                return False
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return False
    colons = old_text.count(b":")
    return old.count(b":") == colons and new.count(b":") == colons


def _is_deep(body: bytes) -> bool:
    try:
        _refuse_depth(body.decode("utf-8", "replace"))
    except Unreadable:
        return True
    return False
