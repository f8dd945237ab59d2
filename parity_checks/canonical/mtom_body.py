"""MTOM: an XML document whose binary content travels beside it (W3C SOAP MTOM and XOP, 2005). Pure.

Each ``xop:Include`` becomes the base64 text that it stands for (XOP, 3.2), so that a message with attachments equals
the same message with everything inside, and binary content is compared where it belongs.
"""

from base64 import b64encode
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from parity_checks.canonical.decoding import MAX_BYTES, Unreadable, media_type
from parity_checks.canonical.multipart_body import Part
from parity_checks.canonical.trees import XML_SPACE, Element
from strangler.exchange import Reason, header

XOP: Final = "application/xop+xml"
_INCLUDE: Final = "{http://www.w3.org/2004/08/xop/include}Include"


def is_mtom(name: str, parameters: dict[str, str]) -> bool:
    """Whether a media type is an XML document packaged with its binary content."""
    return name == "multipart/related" and media_type(parameters.get("type"))[0] == XOP


def root_part(parts: tuple[Part, ...], start: str | None) -> Part:
    """The part that holds the document: the one that ``start`` names, else the first (RFC 2387, 3.2).

    Raises:
        Unreadable: there is none.
    """
    wanted = (start or "").strip().removeprefix("<").removesuffix(">")
    for part in parts:
        if not wanted or part.id == wanted:
            return part
    raise Unreadable(Reason.UNPARSABLE, "the multipart body has no part for its root document")


def root_charset(part: Part) -> str | None:
    """The charset that the root part declares."""
    return media_type(header(part.headers, "content-type"))[1].get("charset")


def inlined(root: Element, parts: tuple[Part, ...]) -> Element:
    """The document with the content of its parts in it.

    Raises:
        Unreadable: a part that the document needs is missing, or all of it together is too large.
    """
    return _Inlining({part.id: part.body for part in parts if part.id}).element(root)


class _Inlining:
    """One document's inlining; ``_bytes`` bounds how often one large part can be meant."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self._contents = contents
        self._texts: dict[str, str] = {}
        self._bytes = 0

    def element(self, element: Element) -> Element:
        if not element.children:
            return element
        within = [child for child in element.children if not isinstance(child, str) or child.strip(XML_SPACE)]
        if len(within) == 1 and isinstance(within[0], Element) and within[0].name == _INCLUDE:
            return replace(element, text=self._text(within[0]), children=())
        children = tuple(child if isinstance(child, str) else self.element(child) for child in element.children)
        return replace(element, children=children)

    def _text(self, include: Element) -> str:
        href = include.attributes.get("href", "")
        content_id = unquote(href.removeprefix("cid:"))
        if not href.startswith("cid:") or content_id not in self._contents:
            raise Unreadable(Reason.UNPARSABLE, "the document includes a part that is not there")
        content = self._contents[content_id]
        self._bytes += len(content)
        if self._bytes > MAX_BYTES:
            raise Unreadable(Reason.TOO_LARGE, f"more than {MAX_BYTES} bytes once its parts are in their place")
        if content_id not in self._texts:
            self._texts[content_id] = b64encode(content).decode()
        return self._texts[content_id]
