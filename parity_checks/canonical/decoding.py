"""From bytes on the wire to bytes and characters of a body, within bounds. Pure."""

import codecs
import re
import zlib
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import brotli  # type: ignore[import-not-found,import-untyped,unused-ignore]

from strangler.exchange import Reason

MAX_BYTES: Final = 16 * 1024 * 1024
"""Largest body, once its content-encoding is undone; more is ``too_large``."""

MAX_DEPTH: Final = 120
"""Deepest nesting of lists, objects or elements; more is ``unparsable``."""

MAX_VALUES: Final = 500_000
"""Most values, elements and attributes of one body: what is parsed takes many times the room of its bytes."""

_MOST_CODINGS: Final = 4
"""Most content-encodings, one around the other."""

_MOST_MEMBERS: Final = 256
"""Most gzip members of one body (RFC 1952, 2.2): each of them costs a copy of what is left."""

_BROTLI_STEP: Final = 16
"""Bytes fed at a time: this library has no bound on output, and one block of a few bytes can hold 16 MiB."""


class Unreadable(Exception):
    """A body that cannot be compared: why, and in words which side and what about it."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


def bounded(count: int, what: str) -> None:
    """Refuse what is too many to hold in memory once parsed.

    Raises:
        Unreadable: ``too_large``.
    """
    if count > MAX_VALUES:
        raise Unreadable(Reason.TOO_LARGE, f"more than {MAX_VALUES} {what}")


def undo_encoding(body: bytes, content_encoding: str | None, limit: int = MAX_BYTES) -> bytes:
    """The body without its content-encoding (RFC 9110, 8.4): gzip, deflate, br, one after another.

    Raises:
        Unreadable: an unknown or broken encoding, or more than ``limit`` bytes come out (a zip bomb).
    """
    if not content_encoding:
        codings = []
    else:
        codings = [part.strip().lower() for part in content_encoding.split(",", 2 * _MOST_CODINGS)]
    if len(codings) > _MOST_CODINGS:
        raise Unreadable(Reason.UNSUPPORTED_MEDIA, f"more than {_MOST_CODINGS} content-encodings")
    for coding in reversed(codings):
        if len(body) > limit:
            break
        match coding:
            case "" | "identity":
                continue
            case "gzip" | "x-gzip":
                body = _inflate(body, limit, zlib.MAX_WBITS | 16)
            case "deflate":
                # Some servers send raw deflate under this name: RFC 9110, 8.4.1.2 warns of them.
                is_zlib = len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
                body = _inflate(body, limit, zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
            case "br":
                body = _unbrotli(body, limit)
            case _:
                raise Unreadable(Reason.UNSUPPORTED_MEDIA, f"content-encoding {coding[:40]!r} is not supported")
    if len(body) > limit:
        raise Unreadable(Reason.TOO_LARGE, f"more than {limit} bytes")
    return body


def _inflate(body: bytes, limit: int, window_bits: int) -> bytes:
    out = bytearray()
    rest = body
    members = 0
    try:
        while rest:
            members += 1
            if members > _MOST_MEMBERS:
                raise Unreadable(Reason.TOO_LARGE, f"more than {_MOST_MEMBERS} compressed members")
            stream = zlib.decompressobj(window_bits)
            out += stream.decompress(rest, limit + 1 - len(out))
            if len(out) > limit:
                raise Unreadable(Reason.TOO_LARGE, f"more than {limit} bytes once decompressed")
            if not stream.eof:
                raise Unreadable(Reason.UNPARSABLE, "the compressed body ends too early")
            rest = stream.unused_data
    except zlib.error as error:
        raise Unreadable(Reason.UNPARSABLE, f"the body is not compressed as declared: {error}") from error
    return bytes(out)


def _unbrotli(body: bytes, limit: int) -> bytes:
    stream = brotli.Decompressor()
    out = bytearray()
    try:
        for at in range(0, len(body), _BROTLI_STEP):
            out += stream.process(body[at : at + _BROTLI_STEP])
            if len(out) > limit:
                raise Unreadable(Reason.TOO_LARGE, f"more than {limit} bytes once decompressed")
    except brotli.error as error:
        raise Unreadable(Reason.UNPARSABLE, "the body is not compressed with br as declared") from error
    if not stream.is_finished():
        raise Unreadable(Reason.UNPARSABLE, "the compressed body ends too early")
    return bytes(out)


_CACHED_CHARACTERS: Final = 120
_MOST_CHARACTERS: Final = 2_000
"""As much of a header field as is read for its parameters."""

_PARAMETER: Final = re.compile(r""";\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))""")


def media_type(content_type: str | None) -> tuple[str, dict[str, str]]:
    """Media type in lower case, and its parameters with names in lower case (RFC 9110, 8.3).

    A parameter in extended notation (``filename*=UTF-8''%e2%82%ac.pdf``; RFC 8187) is decoded and wins.
    """
    if not content_type:
        return "", {}
    if len(content_type) <= _CACHED_CHARACTERS:
        return _media_type(content_type)
    return _media_type.__wrapped__(content_type[:_MOST_CHARACTERS])


@lru_cache(maxsize=256)
def _media_type(content_type: str) -> tuple[str, dict[str, str]]:
    named: dict[str, str] = {}
    extended: dict[str, str] = {}
    for found in _PARAMETER.finditer(content_type):
        name = found[1].lower()
        value = found[3].strip() if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
        if name.endswith("*") and value.count("'") >= 2:
            charset, _, text = value.split("'", 2)
            extended.setdefault(name[:-1], unquote(text, charset_name(charset) or "utf-8", "replace"))
        else:
            named.setdefault(name, value)
    return content_type.partition(";")[0].strip().lower(), named | extended


_NO_CHARSETS: Final = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7"})
"""Codecs that no body is in: quadratic in its length, or not made for text of others."""


def charset_name(name: str | None) -> str | None:
    """One name for all spellings of a charset; ``None`` where it is unknown or not said."""
    if not name:
        return None
    if len(name) > _CACHED_CHARACTERS:
        return None
    try:
        found = codecs.lookup(name.strip().strip("'\""))
    except (LookupError, ValueError):
        return None
    # The standard library marks its codecs between bytes, such as zlib, by this field alone.
    return found.name if found._is_text_encoding and found.name not in _NO_CHARSETS else None  # noqa: SLF001


_C1: Final = re.compile(rb"[\x80-\x9f]")
_SINGLE_BYTE: Final = frozenset({"iso8859-1", "iso8859-15", "cp1252"})


def characters(body: bytes, declared: str | None) -> tuple[str, str, str]:
    """The body as text, the charset it really is in, and the declared charset where that one was wrong.

    Old estates declare UTF-8 and send cp1252, or declare Latin-1 and send its quotation marks: such a body is read as
    what it is, and the lie is reported.

    Raises:
        Unreadable: it is neither in the declared charset nor in UTF-8, cp1252 or Latin-1.
    """
    charset = charset_name(declared) or "utf-8"
    for candidate in dict.fromkeys((*_likely(body, charset), charset, "utf-8", "cp1252", "iso8859-1")):
        try:
            text = body.decode(candidate)
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
        return text.removeprefix("\ufeff"), candidate, "" if candidate == charset else charset
    raise Unreadable(Reason.UNPARSABLE, f"the body is not text in {charset}")


def _likely(body: bytes, charset: str) -> tuple[str, ...]:
    """What is tried before the declared charset, where decoding by that one would succeed and give nonsense."""
    if charset == "utf-8":
        return ("utf-8", "utf-16") if body[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else ()
    if charset in _SINGLE_BYTE and not body.isascii():
        # What decodes as UTF-8 is UTF-8, but for odds of millions. C1 controls are in no text: browsers read Latin-1 as
        # cp1252 for this (WHATWG Encoding, 4.2).
        return ("utf-8", "cp1252") if charset == "iso8859-1" and _C1.search(body) else ("utf-8",)
    if charset.startswith(("utf-16", "utf-32")) and body and b"\0" not in body:
        return ("utf-8",)
    return ()
