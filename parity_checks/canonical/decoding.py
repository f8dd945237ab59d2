"""From bytes on the wire to bytes and characters of a body, within bounds. Pure."""

import codecs
import zlib
from email.message import Message
from functools import lru_cache
from typing import Final

import brotli  # type: ignore[import-not-found,import-untyped,unused-ignore]

from strangler.exchange import Reason

MAX_BYTES: Final = 16 * 1024 * 1024
"""Largest body, once its content-encoding is undone; more is ``too_large``."""

MAX_DEPTH: Final = 120
"""Deepest nesting of lists, objects or elements; more is ``unparsable``."""


_BROTLI_STEP: Final = 16
"""Bytes fed at a time: this library has no bound on output, and one block of a few bytes can hold 16 MiB."""


class Unreadable(Exception):
    """A body that cannot be compared: why, and in words which side and what about it."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


def undo_encoding(body: bytes, content_encoding: str | None, limit: int = MAX_BYTES) -> bytes:
    """The body without its content-encoding (RFC 9110, 8.4): gzip, deflate, br, one after another.

    Raises:
        Unreadable: an unknown or broken encoding, or more than ``limit`` bytes come out (a zip bomb).
    """
    for coding in reversed([part.strip().lower() for part in (content_encoding or "").split(",")]):
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
    try:
        while rest:
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


def media_type(content_type: str | None) -> tuple[str, dict[str, str]]:
    """Media type in lower case, and its parameters with names in lower case (RFC 9110, 8.3)."""
    if not content_type:
        return "", {}
    return (
        _media_type(content_type) if len(content_type) <= _CACHED_CHARACTERS else _media_type.__wrapped__(content_type)
    )


@lru_cache(maxsize=256)
def _media_type(content_type: str) -> tuple[str, dict[str, str]]:
    message = Message()
    message["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
    parameters = message.get_params(failobj=[]) or []
    named = {name.lower(): value for name, value in parameters[1:]}
    return (parameters[0][0].strip().lower() if parameters else ""), named


def charset_name(name: str | None) -> str | None:
    """One name for all spellings of a charset; ``None`` where it is unknown or not said."""
    if not name:
        return None
    try:
        return codecs.lookup(name.strip().strip("'\"")).name
    except (LookupError, ValueError):
        return None


def characters(body: bytes, declared: str | None) -> tuple[str, str, str]:
    """The body as text, the charset it really is in, and the declared charset where that one was wrong.

    Old estates declare UTF-8 and send cp1252: such a body is read as what it is, and the lie is reported.

    Raises:
        Unreadable: it is neither in the declared charset nor in UTF-8, cp1252 or Latin-1.
    """
    charset = charset_name(declared) or "utf-8"
    for candidate in dict.fromkeys((charset, "utf-8", "cp1252", "iso8859-1")):
        try:
            text = body.decode(candidate)
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
        return text.removeprefix("\ufeff"), candidate, "" if candidate == charset else charset
    raise Unreadable(Reason.UNPARSABLE, f"the body is not text in {charset}")
