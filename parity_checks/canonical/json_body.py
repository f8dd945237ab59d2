"""JSON with exact numbers, read within bounds; and a quick reading of two bodies that is just as exact. Pure.

``read_json`` is the reading of one body. ``read_pair`` is for two that are compared: it reads numbers as doubles, which
is much quicker, and only where that loses nothing; ``Spelling`` gives a number its digits back where somebody looks.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from threading import local
from typing import Any, Final, NoReturn

import orjson

from parity_checks.canonical.decoding import MAX_DEPTH, Unreadable
from parity_checks.canonical.json_bounds import check_bounds
from parity_checks.canonical.trees import Json, Written
from strangler.exchange import Reason

_DIGITS: Final = bytes.maketrans(
    bytes(range(256)),
    bytes(48 if chr(byte) in "0123456789." else 101 if chr(byte) in "eE" else 32 for byte in range(256)),
)
"""Digits and points to ``0``, exponents to ``e``, the rest to blanks."""

_EXPONENT: Final = re.compile(rb"(?:^|[\s:,\[])-?\d[\d.]*[eE]")
_BLANKS: Final = b" \n\r\t"
_ALL_BUT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"\\')
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")


def _may_lose_digits(body: bytes) -> bool:
    """Whether a number may not survive as a double: beyond 15 significant digits, or with an exponent.

    By translation, because a regular expression over the whole body costs more than parsing it.
    """
    shape = body.translate(_DIGITS)
    return b"0" * 16 in shape or (b"0e" in shape and _EXPONENT.search(body) is not None)


def read_json(text: str, *, as_written: bool = False) -> Json:
    """The value, with ``int`` and ``Decimal`` for numbers; or, ``as_written``, numbers that know how they are spelled.

    Raises:
        Unreadable: it is no JSON (RFC 8259), a member comes twice, NaN, or it is nested too deep.
    """
    check_bounds(text)
    if is_deep(text.encode("utf-8", "replace")):
        raise Unreadable(Reason.UNPARSABLE, f"nested more than {MAX_DEPTH} deep")
    try:
        value: Json = json.loads(
            text,
            parse_float=Written if as_written else Decimal,
            parse_int=Written if as_written else None,
            parse_constant=_refuse_constant,
            object_pairs_hook=_members_once,
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


_NESTING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


def is_deep(body: bytes) -> bool:
    """Whether lists and objects are nested deeper than ``MAX_DEPTH``."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = body.translate(_ONE_KIND, _ALL_BUT_BRACKETS).replace(b'""', b"")
    if b'"' in brackets or b"\\" in brackets:  # a text with brackets or quotes in it
        return _is_deep_token_by_token(body)
    for _ in range(MAX_DEPTH):
        outer = brackets.replace(b"[]", b"")  # one level less
        if len(outer) == len(brackets):
            break
        brackets = outer
    return bool(brackets) and _is_deep_token_by_token(body)


def _is_deep_token_by_token(body: bytes) -> bool:
    depth = 0
    for found in _NESTING.finditer(body):
        match found[0]:
            case b"[" | b"{":
                depth += 1
                if depth > MAX_DEPTH:
                    return True
            case b"]" | b"}":
                depth -= 1
            case _:
                pass
    return False


@dataclass(frozen=True, slots=True)
class Pair:
    """Two JSON bodies with numbers as ``int`` and ``float``, no two of which are equal without being so exactly.

    ``are_equal`` says that they surely are the same; where it is false, a walk has to tell.
    """

    old: Any
    new: Any
    are_equal: bool
    old_text: bytes = b""
    new_text: bytes = b""


def read_pair(old: bytes, new: bytes) -> Pair | None:  # noqa: PLR0911  one return for each way to tell
    """Two JSON bodies in UTF-8, quickly; ``None`` where only ``read_json`` can tell what they say.

    orjson reads numbers as doubles, takes the last of two members with one name, and Python says ``True == 1``. So
    what was read is written again: where that gives the body's own characters, nothing was lost.
    """
    try:
        new_value = orjson.loads(new)
        new_text = _NEST.text(new_value)
        if old == new:
            return Pair(new_value, new_value, True) if _loses_nothing(new, new_text) else None
        if new_text == old and _is_spaced_only(old, new):
            return Pair(new_value, new_value, True)  # character by character, but for white space: no need to read old
        old_value = orjson.loads(old)
        old_text = _NEST.text(old_value)
        if old_text == new and _is_spaced_only(old, new):
            return Pair(old_value, old_value, True)
        if not _loses_nothing(old, old_text) or not _loses_nothing(new, new_text):
            return None
        if old_text == new_text or (old_value == new_value and _sorted(old_value) == _sorted(new_value)):
            return Pair(old_value, new_value, True)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return None
    return Pair(old_value, new_value, False, old_text, new_text)


def is_written_so(value: Json, other: Json, text: bytes) -> bool:
    """Whether a value is exactly another one, whose text is given: equal texts, but for the order of members."""
    return _NEST.text(value) == text or _sorted(value) == _sorted(other)


class _Nest(local):
    """Lists in lists, so many that orjson refuses to write what is nested deeper than ``MAX_DEPTH`` within them."""

    def __init__(self) -> None:
        self.inner: list[Any] = [None]
        self.outer = self.inner
        for _ in range(_LEVELS_WRITTEN - MAX_DEPTH - 1):
            self.outer = [self.outer]
        self._brackets = _LEVELS_WRITTEN - MAX_DEPTH

    def text(self, value: Json) -> bytes:
        """The value as compact JSON.

        Raises:
            orjson.JSONEncodeError: it is nested too deep.
        """
        self.inner[0] = value
        try:
            return orjson.dumps(self.outer)[self._brackets : -self._brackets]
        finally:
            self.inner[0] = None


def _levels_written() -> int:
    """How deep orjson writes: its makers say 254; found out, for it is no promise."""
    value: Json = []
    for levels in range(1, 10_000):
        try:
            orjson.dumps(value)
        except orjson.JSONEncodeError:
            return levels - 1
        value = [value]
    raise AssertionError("orjson writes without a bound")


_LEVELS_WRITTEN: Final = _levels_written()
_NEST: Final = _Nest()


def _is_spaced_only(old: bytes, new: bytes) -> bool:
    """Whether two bodies have the same characters, but for blanks."""
    return old.translate(None, _BLANKS) == new.translate(None, _BLANKS)


def _sorted(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _loses_nothing(body: bytes, text: bytes) -> bool:
    """Whether the body says nothing that this text, read from it and written again, does not say too."""
    if body == text or body.translate(None, _BLANKS) == text.translate(None, _BLANKS):
        return True
    # A member that came twice has taken its colon along.
    return b"\\u003" not in body and body.count(b":") == text.count(b":") and not _may_lose_digits(body)


class AmbiguousNumberError(Exception):
    """A number of which this reading cannot tell how it was spelled: the body must be read with ``read_json``."""


_BEFORE_NUMBER: Final = frozenset(b" \n\r\t:,[")
_AFTER_NUMBER: Final = frozenset(b" \n\r\t,]}")


_MOST_LOOKED_THROUGH: Final = 20_000_000
"""Bytes that are looked through for digits: each number is looked for in the whole body."""


class Spelling:
    """How one body spells its numbers: gives a double its digits back, as ``1.10`` for ``1.1``.

    ``text`` is the body as orjson writes it, where that is known: equal to the body, it says how all of it is spelled.
    """

    __slots__ = ("_body", "_bytes_left", "_is_shortest")

    def __init__(self, body: bytes, text: bytes = b"") -> None:
        self._body = body
        self._bytes_left = _MOST_LOOKED_THROUGH
        self._is_shortest = body == text  # it spells every number as orjson does

    def exact(self, value: Any) -> Any:
        """The value with ``Decimal`` for ``float``, as ``read_json`` reads it.

        Raises:
            AmbiguousNumberError: the body spells one number in two ways, or too many were looked for.
        """
        kind = type(value)
        if kind is float:
            return Decimal(self._spelled(value))
        if kind is dict:
            return {name: self.exact(member) for name, member in value.items()}
        if kind is list:
            return [self.exact(element) for element in value]
        return value

    def _spelled(self, number: float) -> str:
        if self._is_shortest:
            return repr(number)
        plain = repr(number).encode()
        body, size = self._body, len(plain)
        self._bytes_left -= len(body)
        if self._bytes_left < 0:  # so many differ that reading it all is quicker
            raise AmbiguousNumberError
        found: set[bytes] = set()
        at = body.find(plain)
        while at >= 0:
            end = at + size
            while body[end : end + 1] == b"0":
                end += 1
            is_whole = (at == 0 or body[at - 1] in _BEFORE_NUMBER) and (end == len(body) or body[end] in _AFTER_NUMBER)
            if is_whole:
                found.add(body[at:end])
            at = body.find(plain, end)
        if len(found) != 1:
            raise AmbiguousNumberError
        return found.pop().decode()
