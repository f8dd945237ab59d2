"""Multipart bodies cut into their parts (RFC 2046, 5.1; RFC 7578; RFC 2387). Pure.

Only the cutting is done here: what a part's bytes mean is ``document``'s matter, as for a whole body. Cut by one search
for the boundary, because the standard library's parser takes quadratic time over parts within parts.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from parity_checks.canonical.decoding import Unreadable, media_type
from strangler.exchange import Headers, Reason, header

MOST_PARTS: Final = 1_000
"""Most parts of one body."""

MOST_LEVELS: Final = 5
"""Deepest multipart within multipart."""

_MOST_FIELDS: Final = 64
_LONGEST_BOUNDARY: Final = 200
_HEAD_ENDS: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_FIELD: Final = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its own header fields, and its bytes with their transfer encoding undone."""

    headers: Headers
    body: bytes

    @property
    def id(self) -> str:
        """The content-id without its angle brackets; empty where it has none."""
        return (header(self.headers, "content-id") or "").strip().removeprefix("<").removesuffix(">")

    @property
    def shown(self) -> str:
        """How it is to be shown: ``attachment``; empty for ``inline``, which is what it is without a word."""
        kind = media_type(header(self.headers, "content-disposition"))[0]
        return "" if kind in {"inline", "form-data"} else kind

    @property
    def disposition(self) -> dict[str, str]:
        """Parameters of content-disposition: ``name``, ``filename``."""
        return media_type(header(self.headers, "content-disposition"))[1]


def parts_of(body: bytes, boundary: str | None) -> tuple[Part, ...]:
    """The parts, in their order. What stands before the first and after the last is nobody's.

    Raises:
        Unreadable: no boundary is declared, it does not occur, the last one is missing, or there are too many parts.
    """
    if not boundary or len(boundary) > _LONGEST_BOUNDARY:
        raise Unreadable(Reason.UNPARSABLE, "a multipart body without a usable boundary")
    sent = boundary.encode("utf-8", "replace")
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(sent) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    return tuple(_part(content) for content in _contents(body, line))


def _contents(body: bytes, line: re.Pattern[bytes]) -> Iterator[bytes]:
    start: int | None = None
    count = 0
    for found in line.finditer(body):
        if start is not None:
            count += 1
            if count > MOST_PARTS:
                raise Unreadable(Reason.TOO_LARGE, f"more than {MOST_PARTS} parts")
            yield body[start : found.start()]
        if found[1]:
            if start is None:
                break
            return
        start = found.end()
    said = "ends before its last boundary" if start is not None else "does not have the boundary it declares"
    raise Unreadable(Reason.UNPARSABLE, f"the multipart body {said}")


def _part(content: bytes) -> Part:
    """A part from the line end after its boundary on."""
    found = _HEAD_ENDS.search(content)
    if found is None:
        if content.strip():
            raise Unreadable(Reason.UNPARSABLE, "a part of the multipart body has no end to its header")
        return Part((), b"")
    headers = tuple(_fields(content[: found.start()]))
    return Part(headers, _undone(content[found.end() :], header(headers, "content-transfer-encoding")))


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    text = re.sub(r"\r?\n[ \t]+", " ", head.decode("utf-8", "replace"))
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > _MOST_FIELDS:
        raise Unreadable(Reason.TOO_LARGE, f"a part with more than {_MOST_FIELDS} header fields")
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise Unreadable(Reason.UNPARSABLE, "a part of the multipart body has a header field without a name")
        yield found[1], found[2].strip()


def _undone(content: bytes, encoding: str | None) -> bytes:
    match (encoding or "binary").strip().lower():
        case "base64":
            try:
                return binascii.a2b_base64(content)
            except binascii.Error as error:
                raise Unreadable(Reason.UNPARSABLE, "a part is not in base64 as declared") from error
        case "quoted-printable":
            return quopri.decodestring(content)
        case _:
            return content
