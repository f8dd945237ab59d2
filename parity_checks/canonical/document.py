"""One body, made ready for comparison: by its media type, with content-encoding and charset undone. Pure.

``read`` dispatches. JSON keeps exact numbers, XML gets expanded names, a form becomes members, text stays text, and
anything else is compared by digest and length.
"""

from urllib.parse import parse_qsl

from parity_checks.canonical.decoding import Unreadable, characters, media_type, undo_encoding
from parity_checks.canonical.json_body import read_json
from parity_checks.canonical.trees import Document, Family, Json
from parity_checks.canonical.xml_body import read_xml
from strangler.exchange import Headers, Reason, digest, header

_MAX_FIELDS = 10_000


def family_of(content_type: str | None, body: bytes) -> Family:  # noqa: PLR0911  one line per family
    """How a body is compared. Without a content-type the first character tells (RFC 9110, 8.3, allows to look)."""
    if not body.strip():
        return Family.EMPTY
    name, _ = media_type(content_type)
    if not name:
        return _sniffed(body)
    if name in {"application/json", "text/json"} or name.endswith("+json"):
        return Family.JSON
    if name in {"application/xml", "text/xml"} or name.endswith("+xml"):
        return Family.XML
    if name == "application/x-www-form-urlencoded":
        return Family.FORM
    if name.startswith("text/") or name in {"application/javascript", "application/yaml"}:
        return Family.TEXT
    return Family.BYTES


def _sniffed(body: bytes) -> Family:
    match body.lstrip()[:1]:
        case b"{" | b"[":
            return Family.JSON
        case b"<":
            return Family.XML
    try:
        body.decode()
    except UnicodeDecodeError:
        return Family.BYTES
    return Family.TEXT


def read(headers: Headers, body: bytes) -> Document:
    """The body as a document.

    Raises:
        Unreadable: it does not parse as what it says it is, or passes a bound.
    """
    content_type = header(headers, "content-type")
    plain = undo_encoding(body, header(headers, "content-encoding"))
    family = family_of(content_type, plain)
    charset = media_type(content_type)[1].get("charset")
    match family:
        case Family.EMPTY:
            return Document(family, "")
        case Family.BYTES:
            return Document(family, f"{len(plain)} bytes, digest {digest(plain)}")
        case Family.XML:
            root, actual, misdeclared = read_xml(plain.strip(), charset)
            return Document(family, root, actual, misdeclared)
        case Family.JSON:
            text, actual, misdeclared = characters(plain, charset)
            return Document(family, read_json(text), actual, misdeclared)
        case Family.FORM:
            text, actual, misdeclared = characters(plain, charset)
            return Document(family, read_form(text, actual), actual, misdeclared)
        case Family.TEXT:
            text, actual, misdeclared = characters(plain, charset)
            return Document(family, text, actual, misdeclared)


def read_form(text: str, charset: str = "utf-8") -> Json:
    """A form body or a query as members; a name that comes more than once holds a list.

    Raises:
        Unreadable: more fields than anybody means.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, encoding=charset, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise Unreadable(Reason.UNPARSABLE, f"not a form: {error}") from error
    values: dict[str, list[Json]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}
