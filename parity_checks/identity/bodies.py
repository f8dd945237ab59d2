"""A body as text in which an id can be exchanged, and back into the bytes it came as. Pure."""

import re
import zlib
from dataclasses import dataclass

import brotli  # type: ignore[import-not-found,import-untyped,unused-ignore]

from parity_checks.canonical.decoding import Unreadable, charset_name, media_type, undo_encoding
from parity_checks.canonical.document import family_of
from parity_checks.canonical.trees import Family
from strangler.exchange import Headers, Reason, header

_DECLARED = re.compile(rb"""^(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


@dataclass(frozen=True, slots=True)
class BodyText:
    """A body's characters, and all that is needed to make bytes of them again."""

    family: Family
    text: str
    charset: str
    codings: tuple[str, ...]

    def encoded(self, text: str) -> bytes:
        """Another text as bytes in the same charset and content-encoding."""
        body = text.encode(self.charset, "xmlcharrefreplace" if self.family is Family.XML else "strict")
        for coding in self.codings:
            body = _compressed(body, coding)
        return body


def body_text(headers: Headers, body: bytes) -> BodyText:
    """The body's text.

    Raises:
        Unreadable: it is not in the charset it declares, is not compressed as declared, or is larger than the bound.
    """
    content_type, encoding = header(headers, "content-type"), header(headers, "content-encoding")
    plain = undo_encoding(body, encoding)
    family = family_of(content_type, plain)
    charset = _charset(media_type(content_type)[1].get("charset"), plain)
    try:
        text = plain.decode(charset)
        is_same = text.encode(charset) == plain
    except (UnicodeError, LookupError) as error:
        raise Unreadable(Reason.UNPARSABLE, f"the body is not text in {charset}") from error
    if not is_same:
        raise Unreadable(Reason.UNPARSABLE, f"the body does not come out of {charset} as it went in")
    codings = tuple(part.strip().lower() for part in (encoding or "").split(",") if part.strip())
    return BodyText(family, text, charset, tuple(coding for coding in codings if coding != "identity"))


def _charset(declared: str | None, plain: bytes) -> str:
    """The header's charset wins over the document's own declaration (RFC 7303, 3); a byte order mark over both."""
    for mark, charset in _MARKS:
        if plain.startswith(mark):
            return charset
    own = _DECLARED.match(plain)
    return charset_name(declared) or charset_name(own[1].decode("ascii", "replace") if own else None) or "utf-8"


def _compressed(body: bytes, coding: str) -> bytes:
    if coding == "br":
        return bytes(brotli.compress(body))
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS if coding == "deflate" else zlib.MAX_WBITS | 16)
    return packer.compress(body) + packer.flush()
