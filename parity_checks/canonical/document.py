"""One body, made ready for comparison: by its media type, with content-encoding and charset undone. Pure.

``read`` dispatches. JSON keeps exact numbers, XML gets expanded names, HTML becomes what a browser shows, a form
becomes members, CSV rows, a multipart body its parts, each by its own media type; text stays text, and anything else
is compared by digest and length.
"""

from typing import Any, Final
from urllib.parse import parse_qsl

from parity_checks.canonical.csv_body import read_csv
from parity_checks.canonical.decoding import Unreadable, bounded, characters, media_type, undo_encoding
from parity_checks.canonical.html_body import read_html
from parity_checks.canonical.json_body import read_json
from parity_checks.canonical.mtom_body import inlined, is_mtom, root_charset, root_part
from parity_checks.canonical.multipart_body import MOST_LEVELS, Part, parts_of
from parity_checks.canonical.trees import Blob, Document, Family, Json
from parity_checks.canonical.xml_body import read_xml
from strangler.exchange import Headers, Reason, header

_MOST_FIELDS: Final = 10_000

_FAMILIES: Final = {
    "application/json": Family.JSON,
    "text/json": Family.JSON,
    "application/xml": Family.XML,
    "text/xml": Family.XML,
    "text/html": Family.HTML,
    "application/xhtml+xml": Family.HTML,
    "application/x-www-form-urlencoded": Family.FORM,
    "text/csv": Family.CSV,
    "application/csv": Family.CSV,
    "text/tab-separated-values": Family.CSV,
    "application/javascript": Family.TEXT,
    "application/yaml": Family.TEXT,
}

_BY_THE_BYTE: Final = frozenset({Family.TEXT, Family.BYTES})
"""Families of which white space alone is not the same as nothing."""


def family_of(content_type: str | None, body: bytes) -> Family:
    """How a body is compared. Without a content-type the first character tells (RFC 9110, 8.3, allows to look)."""
    if not body:
        return Family.EMPTY
    name, parameters = media_type(content_type)
    is_blank = body[:1].isspace() and not body.strip()
    if not name:
        return Family.EMPTY if is_blank else _sniffed(body)
    family = _FAMILIES.get(name) or _by_form(name, parameters)
    return Family.EMPTY if is_blank and family not in _BY_THE_BYTE else family


def _by_form(name: str, parameters: dict[str, str]) -> Family:
    """Families of media types that no table can list."""
    if name.endswith("+json"):
        return Family.JSON
    if name.endswith("+xml") or is_mtom(name, parameters):
        return Family.XML
    if name.startswith("multipart/"):
        return Family.MULTIPART
    return Family.TEXT if name.startswith("text/") else Family.BYTES


def _sniffed(body: bytes) -> Family:
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower()
    match start[:1]:
        case b"{" | b"[":
            return Family.JSON
        case b"<":
            return Family.HTML if start.startswith((b"<!doctype html", b"<html")) else Family.XML
    try:
        body.decode()
    except UnicodeDecodeError:
        return Family.BYTES
    return Family.TEXT


def read(headers: Headers, body: bytes, *, as_written: bool = False) -> Document:
    """The body as a document; ``as_written`` keeps how the numbers of a JSON body are spelled.

    Raises:
        Unreadable: it does not parse as what it says it is, or passes a bound.
    """
    plain = undo_encoding(body, header(headers, "content-encoding"))
    return _read(header(headers, "content-type"), plain, 0, as_written=as_written)


def _read(content_type: str | None, plain: bytes, level: int, *, as_written: bool) -> Document:
    """A body that is no longer encoded; ``level`` is how many multipart bodies it is in."""
    family = family_of(content_type, plain)
    name, parameters = media_type(content_type)
    match family:
        case Family.EMPTY:
            return Document(family, "")
        case Family.BYTES:
            return Document(family, Blob.of(plain))
        case Family.MULTIPART:
            parts = _Parts(level, as_written=as_written)
            return Document(family, parts.read(name, plain, parameters.get("boundary")))
        case Family.XML | Family.HTML:
            return _markup(family, name, plain, parameters)
        case _:
            return _characters(family, name, plain, parameters, as_written=as_written)


def _characters(family: Family, name: str, plain: bytes, parameters: dict[str, str], *, as_written: bool) -> Document:
    """A body that is read character by character."""
    text, actual, misdeclared = characters(plain, parameters.get("charset"))
    if family is Family.JSON:
        return Document(family, read_json(text, as_written=as_written), actual, misdeclared)
    if family is Family.FORM:
        members, escaped = _form(text, actual)
        return Document(family, members, escaped, misdeclared or (actual if escaped != actual else ""))
    return Document(family, _value(family, name, text, parameters), actual, misdeclared)


def _markup(family: Family, name: str, plain: bytes, parameters: dict[str, str]) -> Document:
    if family is Family.HTML:
        return Document(family, *read_html(plain, parameters.get("charset")))
    if name == "multipart/related":
        return _mtom(plain, parameters)
    return Document(family, *read_xml(plain.strip(), parameters.get("charset")))


def _value(family: Family, name: str, text: str, parameters: dict[str, str]) -> Json:
    if family is not Family.CSV:
        return text
    return read_csv(text, parameters.get("header"), "\t" if name == "text/tab-separated-values" else None)


def read_form(text: str, charset: str = "utf-8") -> Json:
    """A form body or a query as members; a name that comes more than once holds a list.

    Raises:
        Unreadable: more fields, or more escapes, than anybody means.
    """
    return _form(text, charset)[0]


def _form(text: str, charset: str) -> tuple[Json, str]:
    """The members, and the charset that their escapes are in: as for a body, it may not be the one they should be."""
    bounded(text.count("%"), "escapes")
    for candidate in dict.fromkeys((charset, "utf-8", "cp1252", "iso8859-1")):
        try:
            pairs = parse_qsl(
                text, keep_blank_values=True, encoding=candidate, errors="strict", max_num_fields=_MOST_FIELDS
            )
        except UnicodeDecodeError:
            continue
        except ValueError as error:
            raise Unreadable(Reason.UNPARSABLE, f"not a form: {error}") from error
        return _members(list(pairs)), candidate
    raise Unreadable(Reason.UNPARSABLE, f"the escapes of a form are not text in {charset}")


def _members(pairs: list[tuple[str, Json]]) -> Json:
    values: dict[str, list[Json]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def _mtom(plain: bytes, parameters: dict[str, str]) -> Document:
    parts = parts_of(plain, parameters.get("boundary"))
    root = root_part(parts, parameters.get("start"))
    element, actual, misdeclared = read_xml(root.body.strip(), root_charset(root))
    return Document(Family.XML, inlined(element, parts), actual, misdeclared)


class _Parts:
    """A multipart body being read, each part by its own media type.

    A form (RFC 7578) becomes members by name; any other becomes a list in the order of the parts. A plain field is its
    text, and any other part an object: ``id``, ``shown`` (as an ``attachment``, say), ``name``, ``filename``, ``type``
    where it has them, and its ``body``. A content-encoding of a part is not undone: nobody sends one, and a thousand
    bombs would each pass the bound.
    """

    def __init__(self, level: int, *, as_written: bool) -> None:
        self._level = level + 1
        self._as_written = as_written
        self._marks = 0

    def read(self, name: str, plain: bytes, boundary: str | None) -> Json:
        """The body's value.

        Raises:
            Unreadable: it does not parse, or passes a bound.
        """
        if self._level > MOST_LEVELS:
            raise Unreadable(Reason.UNPARSABLE, f"more than {MOST_LEVELS} multipart bodies in each other")
        parts = parts_of(plain, boundary)
        if name != "multipart/form-data":
            return [self._part(part) for part in parts]
        return _members([(part.disposition.get("name", ""), self._field(part)) for part in parts])

    def _field(self, part: Part) -> Json:
        content_type = header(part.headers, "content-type")
        if "filename" in part.disposition or media_type(content_type)[0] not in {"", "text/plain"}:
            return self._part(part, is_field=True)
        text, actual, misdeclared = characters(part.body, media_type(content_type)[1].get("charset"))
        return {"charset": f"{misdeclared} declared, {actual} sent", "body": text} if misdeclared else text

    def _part(self, part: Part, *, is_field: bool = False) -> Json:
        content_type = header(part.headers, "content-type")
        self._marks += sum(part.body.count(mark) for mark in (b",", b"<", b"=", b"[", b"{", b"\n"))
        bounded(self._marks, "values in all parts")
        document = _read(content_type or "text/plain", part.body, self._level, as_written=self._as_written)
        told = {"id": part.id, "shown": part.shown, "name": "" if is_field else part.disposition.get("name", "")}
        told |= {"filename": part.disposition.get("filename", ""), "type": media_type(content_type)[0]}
        told["charset"] = f"{document.misdeclared} declared, {document.charset} sent" if document.misdeclared else ""
        value: dict[str, Any] = {name: text for name, text in told.items() if text}
        return value | {"body": document.value}  # elements stand in it, as they stand in nothing else that is JSON
