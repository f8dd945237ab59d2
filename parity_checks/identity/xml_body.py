"""Ids in an XML body, with the place of each: only they are exchanged, and every other character stays. Pure.

lxml finds them, by the same XPath as everywhere in the plan; expat, which tells where each element stands, gives their
places. A document type is refused, and nothing is fetched.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from lxml import etree

from parity_checks.canonical.decoding import MAX_DEPTH, Unreadable
from parity_checks.identity.spots import Part, Spot
from strangler.exchange import Reason
from strangler.plan.paths import by_local_names

_ATTRIBUTE = re.compile(rb"""\s([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')""")
_TAG_END = re.compile(rb"""(?:[^"'>]|"[^"]*"|'[^']*')*>""")
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_Place = tuple[int, int, int]
"""Of one element: where its start tag begins and ends, and where its end tag begins."""


def xml_spots(name: str, path: str, text: str) -> Iterator[Spot]:
    """Every element without children and every attribute at an XPath.

    Raises:
        Unreadable: not well formed, with a document type, or nested too deep.
    """
    body = text.removeprefix("\ufeff").encode("utf-8", "surrogatepass")
    root = _parsed(body)
    found = [item for item in _found(path, root) if _text_of(item)]
    if not found:
        return
    places = _places(body)
    numbers = {element: number for number, element in enumerate(root.iter("*"))}
    spans: list[tuple[int, int, str, Callable[[str], str | None]]] = []
    for item in found:
        element, attribute = _owner(item)
        span = None if element is None else _span(body, places[numbers[element]], element, attribute)
        if span is not None:
            spans.append((*span, _text_of(item), _quoted if attribute else _content))
    before = len(text) - len(text.removeprefix("\ufeff"))
    at = _characters(body, [offset for start, end, _, _ in spans for offset in (start, end)])
    for start, end, value, spell in spans:
        yield Spot(Part.BODY, name, value, before + at[start], before + at[end], spell)


def xml_ids(path: str, text: str) -> list[str]:
    """The texts at an XPath, without white space around them.

    Raises:
        Unreadable: as ``xml_spots``.
    """
    root = _parsed(text.removeprefix("\ufeff").encode("utf-8", "surrogatepass"))
    return [said for item in _found(path, root) if (said := _text_of(item))]


@lru_cache(maxsize=1024)
def _xpath(text: str) -> etree.XPath:
    """As the plan's own, but strings remember the element they are of."""
    return etree.XPath(by_local_names(text), regexp=False, smart_strings=True)


def _found(path: str, root: "etree._Element") -> list[Any]:
    try:
        found = _xpath(path)(root)
    except etree.LxmlError as error:
        raise Unreadable(Reason.UNPARSABLE, f"the XPath {path!r} failed ({error})") from error
    return found if isinstance(found, list) else [found]


def _parsed(body: bytes) -> "etree._Element":
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(Reason.UNPARSABLE, f"not well-formed XML: {str(error)[:120]}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable(Reason.UNPARSABLE, "XML with a document type declaration is refused")
    return root


def _text_of(item: Any) -> str:
    if isinstance(item, etree._Element):  # noqa: SLF001  lxml has no public name for it
        return "" if len(item) else (item.text or "").strip()
    return str(item).strip() if isinstance(item, str) else ""


def _owner(item: Any) -> tuple["etree._Element | None", str | None]:
    """The element that holds what was found, and the attribute's expanded name where it is one."""
    if isinstance(item, etree._Element):  # noqa: SLF001  lxml has no public name for it
        return item, None
    parent = getattr(item, "getparent", lambda: None)()
    if parent is None or getattr(item, "is_tail", False):
        return None, None
    if item.is_attribute:
        return parent, str(item.attrname)
    return (None, None) if len(parent) else (parent, None)


def _places(body: bytes) -> list[_Place]:
    """Of every element, in document order."""
    places: list[list[int]] = []
    opened: list[int] = []
    parser = expat.ParserCreate("UTF-8")

    def start(_name: str, _attributes: object) -> None:
        if len(opened) > MAX_DEPTH:
            raise Unreadable(Reason.UNPARSABLE, f"nested more than {MAX_DEPTH} deep")
        at = parser.CurrentByteIndex
        found = _TAG_END.match(body, at)
        opened.append(len(places))
        places.append([at, found.end() if found else at, at])

    def end(_name: str) -> None:
        places[opened.pop()][2] = parser.CurrentByteIndex

    def refuse(*_: object) -> None:
        raise Unreadable(Reason.UNPARSABLE, "XML with a document type declaration is refused")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise Unreadable(Reason.UNPARSABLE, f"not well-formed XML: {error}") from error
    return [(tag, inside, closing) for tag, inside, closing in places]


def _span(body: bytes, place: _Place, element: "etree._Element", attribute: str | None) -> tuple[int, int] | None:
    tag, inside, closing = place
    if attribute is not None:
        return _attribute_span(body, tag, inside, element, attribute)
    if closing < inside:  # <id/>: nothing stands there
        return None
    inner = body[inside:closing]
    lead = len(inner) - len(inner.lstrip())
    return inside + lead, closing - (len(inner) - len(inner.rstrip()))


def _attribute_span(
    body: bytes, tag: int, inside: int, element: "etree._Element", attribute: str
) -> tuple[int, int] | None:
    namespace, _, local = attribute.rpartition("}")
    for found in _ATTRIBUTE.finditer(body, tag, inside):
        prefix, _, raw_local = found[1].decode("utf-8", "surrogatepass").rpartition(":")
        bound = (element.nsmap.get(prefix) or "") if prefix else ""
        if raw_local == local and bound == namespace.removeprefix("{"):
            return found.start(2) + 1, found.end(2) - 1
    return None


def _characters(body: bytes, offsets: Sequence[int]) -> dict[int, int]:
    """How many characters stand before each of these bytes; the body is gone through once, however many there are."""
    if body.isascii():
        return {offset: offset for offset in offsets}
    counted: dict[int, int] = {}
    at = characters = 0
    for offset in sorted(set(offsets)):
        characters += len(body[at:offset].decode("utf-8", "surrogatepass"))
        counted[offset], at = characters, offset
    return counted


def _content(value: str) -> str | None:
    return None if not value or _NOT_IN_XML.search(value) else escape(value)


def _quoted(value: str) -> str | None:
    """As an attribute's value, whichever quotes stand around it."""
    return None if not value or _NOT_IN_XML.search(value) else escape(value, {'"': "&quot;", "'": "&apos;"})
