"""Two XML bodies read together, quickly: whether they are equal, and if not, only the parts that differ. Pure.

``xml_body`` is what says how XML is read; this comes to the same, or leaves it to that. It reads with the standard
library's tree, whose parts cost a tenth of those of lxml to look at, and refuses document types before it parses.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress, count, repeat
from operator import attrgetter, ne, not_
from typing import Final
from xml.etree import ElementTree  # document types, which are what makes it dangerous, are refused before

from parity_checks.canonical.decoding import MAX_DEPTH, charset_name
from parity_checks.canonical.trees import XML_SPACE, Element

_DECLARED: Final = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
_LONGEST_DECLARATION: Final = 400
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_NIL: Final = f"{_XSI}nil"
_FAULTS: Final = frozenset(
    f"{{{namespace}}}Fault"
    for namespace in ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
)
_UNUSUAL: Final = frozenset(
    {
        f"{_XSI}type",
        f"{_XSI}schemaLocation",
        f"{_XSI}noNamespaceSchemaLocation",
        "{http://schemas.xmlsoap.org/soap/encoding/}arrayType",
        "{http://www.w3.org/XML/1998/namespace}space",
    }
)
"""Attributes whose values need the prefixes that are bound there, or that change how others are read."""

_MOST_BYTES: Final = 1_000_000

_tag, _text, _tail, _attrib = (attrgetter(name) for name in ("tag", "text", "tail", "attrib"))
Node = ElementTree.Element


@dataclass(frozen=True, slots=True)
class Flat:
    """A tree as lists in document order. ``texts`` are those of elements without children."""

    nodes: list[Node]
    tags: list[str]
    sizes: list[int]
    texts: list[str | None]
    attributes: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class XmlPair:
    """Two bodies: ``None`` for both where they are the same, else what differs and what that stands in.

    An element that is the same on both sides may be left out: then the same stand-in is in its place on both sides.
    """

    roots: tuple[Element, Element] | None


def read_xml_pair(old: bytes, new: bytes) -> XmlPair | None:
    """Two XML bodies in UTF-8; ``None`` where only ``read_xml`` can tell what they say, or how they differ."""
    old_flat = _flat(old)
    new_flat = old_flat if old_flat is None or old == new else _flat(new)
    if old_flat is None or new_flat is None or old_flat.tags != new_flat.tags or old_flat.sizes != new_flat.sizes:
        return None
    if old_flat.texts == new_flat.texts and old_flat.attributes == new_flat.attributes:
        return XmlPair(None)
    return XmlPair(_pruned(old_flat, new_flat))


def _flat(body: bytes) -> Flat | None:
    root = _root(body.strip())
    if root is None:
        return None
    nodes = list(root.iter())
    sizes = list(map(len, nodes))
    texts = list(map(_text, nodes))
    attributes = list(map(_attrib, nodes))
    layout = "".join(filter(None, compress(texts, sizes))) + "".join(filter(None, map(_tail, nodes)))
    if layout and layout.strip(XML_SPACE):
        return None  # text beside elements
    tags = list(map(_tag, nodes))
    if not _UNUSUAL.isdisjoint(set().union(*filter(None, attributes))) or not _FAULTS.isdisjoint(tags):
        return None
    if len(sizes) - sizes.count(0) >= MAX_DEPTH and _depth(root) > MAX_DEPTH:
        return None
    return Flat(nodes, tags, sizes, list(compress(texts, map(not_, sizes))), attributes)


def _root(body: bytes) -> Node | None:
    if body[:1] != b"<" or body[1:2] == b"\0" or len(body) > _MOST_BYTES or b"<!DOCTYPE" in body:
        return None
    declared = _DECLARED.match(body[:_LONGEST_DECLARATION])
    if declared is not None and charset_name(declared[1].decode("ascii", "replace")) != "utf-8":
        return None
    try:
        return ElementTree.fromstring(body)  # noqa: S314  see the import
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def _depth(root: Node) -> int:
    depth = 0
    level = [root]
    while level:
        depth += 1
        level = [child for node in level if len(node) for child in node]
    return depth


def _pruned(old: Flat, new: Flat) -> tuple[Element, Element]:
    """Both trees, which have the same elements, but for what is the same in both."""
    leaves = list(compress(count(), map(not_, old.sizes)))
    apart = [leaves[at] for at in compress(count(), map(ne, old.texts, new.texts))]
    apart += compress(count(), map(ne, old.attributes, new.attributes))
    parents: dict[Node, Node] = {}
    for parent in compress(old.nodes, old.sizes):
        parents.update(zip(parent, repeat(parent)))
    marked: set[Node] = set()
    for at in apart:
        node: Node | None = old.nodes[at]
        while node is not None and node not in marked:
            marked.add(node)
            node = parents.get(node)
    return _pair(old.nodes[0], new.nodes[0], marked)


@lru_cache(1_024)
def _stand_in(name: str) -> tuple[Element, Element]:
    same = Element(name, {}, "the same on both sides")
    return same, same


def _pair(old: Node, new: Node, marked: set[Node]) -> tuple[Element, Element]:
    if not len(old):
        return element_of(old), element_of(new)
    names = Counter(map(_tag, old))
    pairs: list[tuple[Element, Element]] = []
    for old_child, new_child in zip(old, new, strict=True):
        if old_child not in marked:
            pairs.append(_stand_in(old_child.tag))
        elif names[old_child.tag] > 1:  # in a list, elements are told by what they hold
            pairs.append((element_of(old_child), element_of(new_child)))
        else:
            pairs.append(_pair(old_child, new_child, marked))
    return (
        Element(old.tag, _without_nil(old), "", tuple(child for child, _ in pairs)),
        Element(new.tag, _without_nil(new), "", tuple(child for _, child in pairs)),
    )


def element_of(node: Node) -> Element:
    """The element with all that it holds, as ``read_xml`` reads it."""
    if len(node):
        return Element(node.tag, _without_nil(node), "", tuple(element_of(child) for child in node))
    nil = node.attrib.get(_NIL)
    if nil is None:
        return Element(node.tag, node.attrib, node.text or "")
    return Element(node.tag, _without_nil(node), None if nil.strip() in {"true", "1"} else node.text or "")


def _without_nil(node: Node) -> dict[str, str]:
    return {name: value for name, value in node.attrib.items() if name != _NIL}
