"""Makes a WSDL self-contained: the schemas that it imports from its own origin are put into ``wsdl:types``.

zeep is then told to fetch nothing (``forbid_external``). A document of another origin is refused, so that a WSDL cannot
make us call hosts that the plan does not name.
"""

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from lxml import etree

_XS = "{http://www.w3.org/2001/XMLSchema}"
_TYPES = "{http://schemas.xmlsoap.org/wsdl/}types"
MOST_DOCUMENTS = 64


class OutsideReference(ValueError):
    """A WSDL refers to a document of another origin, or to too many."""


def inlined(content: bytes, location: str, fetch: Callable[[str], bytes]) -> bytes:
    """The WSDL with every imported or included schema within.

    Args:
        content: the WSDL.
        location: its URL or path, to which relative references belong.
        fetch: gets a document of the same origin.

    Raises:
        OutsideReference: a reference leaves the origin, or there are more than ``MOST_DOCUMENTS``.
        lxml.etree.XMLSyntaxError: a document is not XML.
    """
    root = _parse(content)
    parts: list[etree._Element] = []
    seen: set[str] = set()
    waiting = [(schema, location) for schema in root.iter(f"{_XS}schema")]
    while waiting:
        schema, base = waiting.pop()
        for reference in [*schema.iter(f"{_XS}import"), *schema.iter(f"{_XS}include")]:
            place = reference.get("schemaLocation")
            reference.attrib.pop("schemaLocation", "")
            if reference.tag == f"{_XS}include":
                schema.remove(reference)  # what it includes becomes a schema of the same namespace beside it
            if place is None:
                continue
            url = urljoin(base, place)
            if url in seen:
                continue
            _check(url, location, len(seen))
            seen.add(url)
            added = _parse(fetch(url))
            if reference.tag == f"{_XS}include" and added.get("targetNamespace") is None:
                added.set("targetNamespace", str(schema.get("targetNamespace", "")))
            parts.append(added)
            waiting.append((added, url))
    return _joined(root, parts)


def _joined(root: etree._Element, parts: list[etree._Element]) -> bytes:
    """The WSDL with the parts at the end of its types, joined as text.

    An element moved into another tree loses the default namespace that its ``type="Name"`` values refer to, where the
    new parent knows the same namespace by a prefix.
    """
    types = root.find(_TYPES)
    if types is None or not parts:
        return etree.tostring(root)
    marker = etree.Comment("strangler: schemas from elsewhere")
    types.append(marker)
    whole = etree.tostring(root)
    return whole.replace(etree.tostring(marker, with_tail=False), b"".join(etree.tostring(part) for part in parts), 1)


def _check(url: str, location: str, count: int) -> None:
    ours, theirs = urlsplit(location), urlsplit(url)
    if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
        raise OutsideReference(f"{location} refers to {url}, which is elsewhere; put its content into wsdl:types")
    if count >= MOST_DOCUMENTS:
        raise OutsideReference(f"{location} refers to more than {MOST_DOCUMENTS} documents")


def _parse(content: bytes) -> etree._Element:
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    if root.getroottree().docinfo.internalDTD is not None:
        raise OutsideReference("it has a document type declaration")
    return root
