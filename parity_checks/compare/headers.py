"""Response headers as a caller would make something of them. Pure.

Two header fields can differ in bytes and tell a caller the same: methods in another order, a cookie with another value,
an address on another host. What counts of each is written down here, once.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from parity_checks.canonical.decoding import media_type
from strangler.exchange import Headers

_MOST_CHARACTERS: Final = 8_192
"""As much of a field as is looked into; a longer one is compared as it is."""

_AUTHORITY: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]*")
_OWN_PARAMETERS: Final = re.compile(r',?\s*\b(?:nonce|opaque)\s*=\s*(?:"[^"]*"|[^\s,"]*)', re.IGNORECASE)
_OUTSIDE_BRACKETS: Final = re.compile(r",(?![^<>]*>)")


_as_set = lru_cache(maxsize=256)(frozenset[str])


def chosen(headers: Headers, wanted: tuple[str, ...]) -> dict[str, list[str]]:
    """The fields with these names (in lower case), each with all its values."""
    found: dict[str, list[str]] = {}
    names = _as_set(wanted)
    for name, value in headers:
        lower = name.lower()
        if lower in names:
            found.setdefault(lower, []).append(value)
    return found


def meaning(name: str, values: list[str] | None) -> str | None:
    """What a caller makes of a field; ``None`` where it is absent. Equal meanings are no difference."""
    if values is None:
        return None
    joined = ", ".join(value.strip() for value in values)
    read = _READINGS.get(name)
    if read is None or sum(map(len, values)) > _MOST_CHARACTERS:
        return joined
    return read(values)


def displayed(name: str, values: list[str] | None) -> str | None:
    """The field as a difference shows it: as it was sent, but for cookies, whose values are nobody's business."""
    if values is None or name == "set-cookie":
        return meaning(name, values)
    return ", ".join(values)


def _tokens(values: Iterable[str]) -> str:
    return ", ".join(sorted({token.strip().lower() for token in ",".join(values).split(",")} - {""}))


def _path(values: Iterable[str]) -> str:
    return ", ".join(_AUTHORITY.sub("", value.strip()) or "/" for value in values)


def _links(values: Iterable[str]) -> str:
    links = (link.strip() for link in _OUTSIDE_BRACKETS.split(",".join(values)))
    return ", ".join(sorted("<" + _AUTHORITY.sub("", link.removeprefix("<")) for link in links if link))


def _presence(_: Iterable[str]) -> str:
    return "present"


def _wait(values: Iterable[str]) -> str:
    return ", ".join(value.strip() if value.strip().isdigit() else "a date" for value in values)


def _challenges(values: Iterable[str]) -> str:
    return ", ".join(" ".join(_OWN_PARAMETERS.sub("", value).split()) for value in values)


def _disposition(values: Iterable[str]) -> str:
    kind, parameters = media_type(", ".join(values))
    return "; ".join([kind, *(f"{name}={parameters[name]}" for name in sorted(parameters))])


def _cookies(values: Iterable[str]) -> str:
    return ", ".join(sorted({_cookie(value) for value in values}))


def _cookie(value: str) -> str:
    """A cookie's name and attributes. Its value, and when exactly it expires, are each server's own."""
    pair, *attributes = (part.strip() for part in value.split(";"))
    told: set[str] = set()
    for attribute in attributes:
        name, _, said = (part.strip() for part in attribute.partition("="))
        is_clock = name.lower() in {"expires", "max-age"}
        told.add("persistent" if is_clock else f"{name.lower()}={said.lower()}" if said else name.lower())
    return "; ".join([pair.partition("=")[0].strip(), *sorted(told - {""})])


_READINGS: Final[Mapping[str, Callable[[list[str]], str]]] = {
    "accept-ranges": _tokens,
    "allow": _tokens,
    "cache-control": _tokens,
    "content-disposition": _disposition,
    "content-language": _tokens,
    "content-location": _path,
    "etag": _presence,
    "last-modified": _presence,
    "link": _links,
    "location": _path,
    "retry-after": _wait,
    "set-cookie": _cookies,
    "vary": _tokens,
    "www-authenticate": _challenges,
}
