"""XML and SOAP, hardened and with expanded names. Pure.

Nothing is fetched and nothing is expanded: a document type declaration is refused (XML entity attacks; OWASP,
"XML External Entity Prevention"). Prefixes are gone: names, ``xsi:type`` and fault codes carry their namespace, so two
documents that differ only in prefixes are the same (lxml's canonical form would keep the prefixes).
"""

import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Final

from lxml import etree

from parity_checks.canonical.attributes import check_xml
from parity_checks.canonical.decoding import MAX_DEPTH, Unreadable, bounded, characters, charset_name
from parity_checks.canonical.trees import XML_SPACE, Element
from strangler.exchange import Reason

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_SOAP_11: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
_SOAP_12: Final = "{http://www.w3.org/2003/05/soap-envelope}"
_QNAME_TEXT: Final = frozenset({"faultcode", f"{_SOAP_12}Value"})
_LOCATIONS: Final = frozenset({f"{_XSI}schemaLocation", f"{_XSI}noNamespaceSchemaLocation"})
_ATTRIBUTE_QNAMES: Final = frozenset({f"{_XSI}type", "{http://schemas.xmlsoap.org/soap/encoding/}arrayType"})
_SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"
_LONGEST_DECLARATION: Final = 400
_MOST_LOOK_UPS: Final = 20_000_000
"""Most namespace declarations times names within values: each of these looks through each of those."""

_DECLARATION: Final = re.compile(r"\A\s*<\?xml[^>]*\?>")
_DECLARED = re.compile(rb"""^(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")


def read_xml(body: bytes, charset: str | None) -> tuple[Element, str, str]:
    """The root element, the charset the bytes are in, and the declared one where that was wrong.

    ``charset`` is the one of the content-type header: it wins over the document's own declaration (RFC 7303, 3).

    Raises:
        Unreadable: not well formed, with a DTD, or nested too deep.
    """
    declaration = _DECLARED.match(body[:_LONGEST_DECLARATION])
    own = declaration[1].decode("ascii", "replace") if declaration else None
    if own is None and body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        own = "utf-16"
    text, actual, misdeclared = characters(body, charset if charset_name(charset) else own)
    if actual != "utf-8":  # libxml2 knows few charsets; and whatever is counted below is counted in UTF-8
        body = _DECLARATION.sub("", text, count=1).encode("utf-8", "replace")
    bounded(body.count(b"<") + body.count(b"="), "elements and attributes")
    if body.count(b"xmlns") * (body.count(b"type") + body.count(b"Fault")) > _MOST_LOOK_UPS:
        raise Unreadable(Reason.TOO_LARGE, "too many namespace declarations and types")
    check_xml(body)
    root = _parse(body, "utf-8")
    return _element(root, 1), actual, misdeclared


def _parse(body: bytes, encoding: str | None) -> "etree._Element":
    try:
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            encoding=encoding,
        )
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        if "Text node too long" in str(error):
            raise Unreadable(Reason.TOO_LARGE, "a text of more than 10,000,000 bytes in XML") from error
        raise Unreadable(Reason.UNPARSABLE, f"not well-formed XML: {str(error)[:120]}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable(Reason.UNPARSABLE, "XML with a document type declaration is refused")
    return root


def _element(node: "etree._Element", depth: int, *, keeps_space: bool = False) -> Element:
    if depth > MAX_DEPTH:
        raise Unreadable(Reason.UNPARSABLE, f"nested more than {MAX_DEPTH} deep")
    attributes = _attributes(node)
    if len(node) == 0:
        nil = attributes.pop(f"{_XSI}nil", "false").strip()
        text = None if nil in {"true", "1"} else _leaf_text(node)
        return Element(str(node.tag), attributes, text)
    attributes.pop(f"{_XSI}nil", None)
    space = attributes.get(_SPACE)
    if space is not None:
        keeps_space = space == "preserve"
    children: list[Element | str] = []
    texts = [node.text]
    for child in node:
        if not isinstance(child.tag, str):
            raise Unreadable(Reason.UNPARSABLE, "XML with entity references is refused")
        children.append(_element(child, depth + 1, keeps_space=keeps_space))
        texts.append(child.tail)
    # White space alone is layout, unless there is text beside it (mixed content) or the document says otherwise.
    if keeps_space or any(text and text.strip(XML_SPACE) for text in texts):
        children = [child for pair in zip_longest(texts, children) for child in pair if child]
    return Element(str(node.tag), attributes, "", tuple(children))


def _leaf_text(node: "etree._Element") -> str:
    text = node.text or ""
    if node.tag in _QNAME_TEXT and _is_in_fault(node):
        return _expanded(text, node.nsmap)
    return text


def _is_in_fault(node: "etree._Element") -> bool:
    return any(ancestor.tag in {f"{_SOAP_11}Fault", f"{_SOAP_12}Fault"} for ancestor in node.iterancestors())


def _attributes(node: "etree._Element") -> dict[str, str]:
    attributes: dict[str, str] = {}
    for name, value in node.attrib.items():
        if name in _LOCATIONS:
            continue
        attributes[str(name)] = _expanded(str(value), node.nsmap) if name in _ATTRIBUTE_QNAMES else str(value)
    return attributes


def _expanded(qname: str, namespaces: Mapping[str | None, str]) -> str:
    """``prefix:local`` as ``{namespace}local``; the text as it is where the prefix is not bound."""
    prefix, colon, local = qname.strip().rpartition(":")
    namespace = namespaces.get(prefix if colon else None)
    if namespace is None:
        return qname.strip()
    return f"{{{namespace}}}{local}"
