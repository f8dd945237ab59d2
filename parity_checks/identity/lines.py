"""Ids in paths, queries, forms and header fields. Pure."""

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_plus

from parity_checks.identity.spots import Part, Spot

_NOT_IN_A_HEADER = re.compile(r"[^\x20-\x7e]")


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def path_spots(name: str, pattern: str, path: str) -> Iterator[Spot]:
    """The first group of every match of a regular expression on the path, as it was sent."""
    for found in _compiled(pattern).finditer(path):
        if found.re.groups and found[1]:
            yield Spot(Part.TARGET, name, unquote(found[1]).strip(), *found.span(1), _segment)


def _segment(value: str) -> str | None:
    """An id as a path segment (RFC 3986, 3.3); none that would make another path."""
    return None if value in {"", ".", ".."} else quote(value, safe=":@")


def field_spots(  # noqa: PLR0917  what, where, and how it is spelled
    part: Part, name: str, field: str, text: str, offset: int = 0, charset: str = "utf-8"
) -> Iterator[Spot]:
    """The values of one field of a query or form; a repeated field holds several ids.

    Args:
        part: which part of the request the text is.
        name: what the id identifies.
        field: the field's name.
        text: ``name=value`` pairs joined with ``&``.
        offset: where the text begins in its part.
        charset: what percent-encoded octets are in.
    """

    def spell(value: str) -> str:
        return quote(value, safe="", encoding=charset, errors="xmlcharrefreplace")

    at = offset
    for pair in text.split("&"):
        raw_name, equals, raw_value = pair.partition("=")
        value = unquote_plus(raw_value, charset).strip()
        if equals and value and unquote_plus(raw_name, charset) == field:
            start = at + len(raw_name) + 1
            yield Spot(part, name, value, start, start + len(raw_value), spell)
        at += len(pair) + 1


def header_spots(name: str, field: str, headers: tuple[tuple[str, str], ...]) -> Iterator[Spot]:
    """The whole value of every field of this name."""
    for index, (field_name, value) in enumerate(headers):
        inner = value.strip()
        if field_name.lower() == field.lower() and inner:
            start = value.index(inner)
            yield Spot(Part.HEADER, name, inner, start, start + len(inner), _field_value, index)


def _field_value(value: str) -> str | None:
    """An id as a header's value; none that would begin another field (RFC 9110, 5.5)."""
    return None if not value.strip() or _NOT_IN_A_HEADER.search(value) else value
