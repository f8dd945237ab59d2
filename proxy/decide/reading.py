"""One request, read no further than a decision needs, and each part of it once.

Nothing here raises for what a caller sent: what cannot be read is absent, and ``Reading.complaint`` says why;
``Reading.is_unparsable`` that the body is not of the form it should have.
"""

import json
from urllib.parse import parse_qsl

import orjson
from lxml import etree

from proxy.decide.spelling import normal_path
from strangler.exchange import Request
from strangler.plan.paths import JsonPath

_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False
)
_UNREAD = object()


class Reading:
    """A request's parts, parsed on first use. One thread, one decision."""

    __slots__ = (
        "_action", "_form", "_headers", "_json", "_query", "_xml", "complaint", "is_unparsable", "method", "path",
        "request",
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        self.request = request
        path = request.target.partition("?")[0]
        self.path = normal_path(path) if "%" in path or "//" in path else path
        self.method = request.method
        self.complaint = ""
        self.is_unparsable = False
        self._headers: dict[str, str] | None = None
        self._query: dict[str, str] | None = None
        self._form: dict[str, str] | None = None
        self._action: str | object | None = _UNREAD
        self._xml: object = _UNREAD
        self._json: object = _UNREAD

    @property
    def headers(self) -> dict[str, str]:
        """Lower-case names to values; repeated fields joined with a comma, as Envoy does."""
        fields = self._headers
        if fields is None:
            fields = self._headers = {}
            for name, value in self.request.headers:
                lower = name.lower()
                fields[lower] = f"{fields[lower]},{value.strip()}" if lower in fields else value.strip()
        return fields

    @property
    def query(self) -> dict[str, str]:
        """Decoded query names to values; of a repeated name the first, as Envoy does."""
        if self._query is None:
            self._query = _first_values(self.request.query)
        return self._query

    @property
    def form(self) -> dict[str, str]:
        """Decoded form field names to values; of a repeated name the first."""
        if self._form is None:
            self._form = _first_values((self._body() or b"").decode("utf-8", "replace"))
        return self._form

    @property
    def soap_action(self) -> str | None:
        """The SOAP 1.1 ``SOAPAction`` without its quotes, or the ``action`` of a SOAP 1.2 content type."""
        if self._action is _UNREAD:
            self._action = self._read_action()
        return self._action  # type: ignore[return-value]

    def _read_action(self) -> str | None:
        given = self.headers.get("soapaction")
        if given is None:
            for parameter in self.headers.get("content-type", "").split(";")[1:]:
                name, _, value = parameter.partition("=")
                if name.strip().lower() == "action":
                    given = value.strip()
        if given is not None and len(given) > 1 and given[0] == given[-1] and given[0] in "\"'":
            given = given[1:-1]
        return given

    def xml_texts(self, path: etree.XPath) -> list[str]:
        """The texts at an XPath of the body; none where the body is no XML."""
        if self._xml is _UNREAD:
            self._xml = self._parsed_xml()
        if not isinstance(self._xml, etree._Element):  # noqa: SLF001  lxml has no public name for it
            return []
        try:
            found = path(self._xml)
        except etree.LxmlError as error:
            self.complaint = f"the XPath failed on this body ({error})"
            return []
        return [text for item in (found if isinstance(found, list) else [found]) if (text := _xml_text(item))]

    def json_texts(self, path: JsonPath) -> list[str]:
        """The scalars at a JSONPath of the body, as texts; none where the body is no JSON."""
        if self._json is _UNREAD:
            self._json = self._parsed_json()
        found = list(path.find(self._json))
        if any(isinstance(value, float) for value in found):
            found = list(path.find(self._exact_json()))
        return [str(value) for value in found if isinstance(value, str | int) and not isinstance(value, bool)]

    def _body(self) -> bytes | None:
        if self.request.body is None:
            self.complaint = f"the body of {self.request.body_bytes} bytes was streamed past"
        return self.request.body

    def _parsed_xml(self) -> etree._Element | None:
        body = self._body()
        if body is None:
            return None
        try:
            root = etree.fromstring(body, _PARSER)
        except (etree.LxmlError, ValueError) as error:
            self.complaint = f"the body is no XML ({str(error)[:120]})"
            self.is_unparsable = True
            return None
        if root.getroottree().docinfo.internalDTD is not None:
            self.complaint = "the body declares a document type, which is never read"
            self.is_unparsable = True
            return None
        return root

    def _parsed_json(self) -> object:
        body = self._body()
        if body is None:
            return None
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            self.complaint = f"the body is no JSON ({error})"
            self.is_unparsable = True
            return None

    def _exact_json(self) -> object:
        """As parsed, but numbers with a point and integers beyond 64 bits keep the text they were sent as."""
        try:
            return json.loads(self.request.body or b"", parse_float=str, parse_int=str)
        except (ValueError, RecursionError) as error:
            self.complaint = f"the body's numbers cannot be read ({error})"
            return None


def _first_values(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        values.setdefault(name, value)
    return values


def _xml_text(item: object) -> str:
    if isinstance(item, str):
        return item.strip()
    if isinstance(item, float):
        return format(item, ".15g")
    if isinstance(item, etree._Element):  # noqa: SLF001  lxml has no public name for it
        return "".join(str(text) for text in item.itertext()).strip()
    return ""
