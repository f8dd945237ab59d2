"""HTML as a browser would show it: its text and its structure. Pure.

White space is collapsed as a browser does (CSS Text 3, 4.1), comments do not count, scripts and styles are compared by
digest. Nothing is fetched, and nothing is run.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from parity_checks.canonical.attributes import check_html
from parity_checks.canonical.decoding import MAX_DEPTH, Unreadable, bounded, characters
from parity_checks.canonical.trees import Blob, Element
from strangler.exchange import Reason

_DECLARED: Final = re.compile(
    rb"""<meta\s[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]{1,40})""", re.IGNORECASE
)
_LOOKED_AT: Final = 4_096
"""Bytes in which a ``meta`` element may declare the charset; browsers look at the first 1,024."""

_SPACES: Final = re.compile(r"[ \t\n\f\r]+")
_AS_IT_IS: Final = frozenset({"pre", "textarea", "listing"})
_BY_DIGEST: Final = frozenset({"script", "style"})
_INLINE: Final = frozenset(
    re.findall(
        r"\w+",
        """
        a abbr acronym b bdi bdo big button cite code data del dfn em font i img input ins kbd label map mark meter
        nobr object output picture progress q ruby s samp select slot small span strike strong sub sup svg textarea
        time tt u var video audio wbr canvas math
        """,
    )
)
"""Elements beside which white space shows; beside all others it does not."""

_REPLACED: Final = frozenset(["img", "input", "object", "video", "canvas", "select", "button", "progress", "meter"])
"""Inline elements that show something themselves, so that a blank after them shows too."""

_SWITCHES: Final = frozenset(
    re.findall(
        r"\w+",
        """
        allowfullscreen async autofocus autoplay checked compact controls default defer disabled formnovalidate hidden
        inert ismap itemscope loop multiple muted nohref nomodule noshade novalidate nowrap open playsinline readonly
        required reversed selected
        """,
    )
)
"""Attributes that say something by being there, whatever their value (HTML, 2.3.2)."""


def read_html(body: bytes, charset: str | None) -> tuple[Element, str, str]:
    """The root element, the charset the bytes are in, and the declared one where that was wrong.

    Raises:
        Unreadable: there is no element in it, it is nested too deep, or it has too many elements.
    """
    own = _DECLARED.search(body[:_LOOKED_AT])
    text, actual, misdeclared = characters(body, charset or (own[1].decode("ascii", "replace") if own else None))
    bounded(text.count("<") + text.count("="), "elements and attributes")
    check_html(text)
    return _Reading().element(_parsed(text), 1), actual, misdeclared


def _parsed(text: str) -> "etree._Element":
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False, recover=True
    )
    try:
        root = etree.fromstring(text.replace("\0", "\ufffd").encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(Reason.UNPARSABLE, f"no HTML: {str(error)[:120]}") from error
    # What has passed one of the parser's own bounds was cut off there, silently.
    if any(entry.type_name in {"ERR_RESOURCE_LIMIT", "ERR_NAME_TOO_LONG"} for entry in parser.error_log):
        raise Unreadable(Reason.UNPARSABLE, "HTML beyond the parser's bounds: nested too deep, or a name too long")
    if root is None:
        raise Unreadable(Reason.UNPARSABLE, "no HTML: there is no element in it")
    return root


class _Reading:
    """One pass over a document. ``_is_after_space`` tells that white space at this place shows nothing any more."""

    def __init__(self) -> None:
        self._is_after_space = True

    def element(self, node: "etree._Element", depth: int, *, keeps_spaces: bool = False) -> Element:
        """The element with what is in it."""
        if depth > MAX_DEPTH:
            raise Unreadable(Reason.UNPARSABLE, f"nested more than {MAX_DEPTH} deep")
        name = str(node.tag)
        attributes = {str(key): _value(str(key), str(value)) for key, value in node.attrib.items()}
        if name in _BY_DIGEST:
            text = "".join(map(str, node.itertext())).strip()
            return Element(name, attributes, Blob.of(text.encode("utf-8", "replace")) if text else "")
        keeps_spaces = keeps_spaces or name in _AS_IT_IS
        self._is_after_space = self._is_after_space or _is_block(node)
        children = tuple(self._children(node, depth, keeps_spaces=keeps_spaces))
        self._is_after_space = (self._is_after_space or _is_block(node)) and name not in _REPLACED
        if all(isinstance(child, str) for child in children):
            return Element(name, attributes, "".join(map(str, children)))
        return Element(name, attributes, "", children)

    def _children(self, node: "etree._Element", depth: int, *, keeps_spaces: bool) -> Iterator[Element | str]:
        within = [child for child in node if isinstance(child.tag, str) and not _is_empty_head(child)]
        yield from self._shown(node.text, node, within[0] if within else None, keeps_spaces=keeps_spaces)
        for at, child in enumerate(within, 1):
            yield self.element(child, depth + 1, keeps_spaces=keeps_spaces)
            after = within[at] if at < len(within) else None
            yield from self._shown(child.tail, node, after, keeps_spaces=keeps_spaces)

    def _shown(
        self, text: str | None, parent: "etree._Element", after: "etree._Element | None", *, keeps_spaces: bool
    ) -> Iterator[str]:
        """What of a text can be seen: nothing at the edges of blocks, one blank between words."""
        if not text:
            return
        if not keeps_spaces:
            text = _SPACES.sub(" ", text)
            if self._is_after_space:
                text = text.removeprefix(" ")
            if _is_block(parent if after is None else after):
                text = text.removesuffix(" ")
        if text:
            self._is_after_space = text.endswith(" ")
            yield text


def _is_empty_head(node: "etree._Element") -> bool:
    """Every page has a head, whether it is written or not (HTML, 13.1.2.4)."""
    return node.tag == "head" and not len(node) and not node.attrib and not (node.text or "").strip()


def _is_block(node: "etree._Element") -> bool:
    return node.tag not in _INLINE


def _value(name: str, value: str) -> str:
    return "" if name in _SWITCHES else value
