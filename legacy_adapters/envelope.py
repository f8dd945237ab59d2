"""SOAP 1.1 envelopes as bytes and elements: parse without entities or network, wrap, tell a fault. Pure.

Source: W3C Note "Simple Object Access Protocol (SOAP) 1.1", sections 4 (envelope) and 4.4 (fault).
"""

from collections.abc import Mapping
from typing import Any

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
CONTENT_TYPE = "text/xml; charset=utf-8"


class SoapFault(Exception):
    """A SOAP fault: what an old service answered, or what a facade's author raises to answer it.

    ``code`` is such as ``soap:Client`` or ``soap:Server``. ``detail`` is ``{element name: text or members}``. A facade
    puts it into the service's target namespace. ``status`` is the HTTP status: 500 (SOAP 1.1, section 6.2) unless the
    old service answers faults with 200.
    """

    def __init__(self, code: str, message: str, detail: Mapping[str, Any] | None = None, *, status: int = 500) -> None:
        self.code, self.message, self.detail, self.status = code, message, detail, status
        super().__init__(f"{code}: {message}")


class NotSoap(ValueError):
    """The bytes are not a SOAP 1.1 envelope with a body."""


def parse(raw: bytes, fallback_encoding: str | None = None) -> etree._Element:
    """The one element within the envelope's Body.

    ``fallback_encoding`` (such as ``cp1252``) is tried where bytes that call themselves UTF-8 are not.

    Raises:
        NotSoap: not XML, a document type declaration, no envelope, or not exactly one element in the Body.
    """
    root = _parse_xml(raw, fallback_encoding)
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotSoap("it has a document type declaration")
    if root.tag != f"{{{SOAP}}}Envelope":
        raise NotSoap(f"its root is {etree.QName(root).localname}, not a SOAP 1.1 Envelope")
    body = root.find(f"{{{SOAP}}}Body")
    children = [] if body is None else [child for child in body if isinstance(child.tag, str)]
    if len(children) != 1:
        raise NotSoap(f"its Body has {len(children)} elements, not one")
    return children[0]


def _parse_xml(raw: bytes, fallback_encoding: str | None) -> etree._Element:
    try:
        return etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError as error:
        if fallback_encoding is None or _is_utf8(raw):
            raise NotSoap(f"it is not XML: line {error.lineno}: {_first_line(error)}") from error
    except ValueError as error:
        raise NotSoap(str(error)) from error
    try:
        return etree.fromstring(raw, _parser(encoding=fallback_encoding))
    except etree.XMLSyntaxError as error:
        raise NotSoap(f"it is not XML: line {error.lineno}: {_first_line(error)}") from error


def _parser(encoding: str | None = None) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True,
        remove_pis=True, encoding=encoding,
    )  # fmt: skip


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def wrap(element: etree._Element) -> bytes:
    """The element in an envelope, as UTF-8 with its declaration."""
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
    etree.SubElement(envelope, f"{{{SOAP}}}Body").append(element)
    etree.cleanup_namespaces(envelope, keep_ns_prefixes=["soap"])
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")


def fault_of(element: etree._Element) -> SoapFault | None:
    """The fault that this Body element is, or ``None``. Its detail is text and members by local name."""
    if element.tag != f"{{{SOAP}}}Fault":
        return None
    detail = element.find("detail")
    members = None if detail is None else {etree.QName(child).localname: plain(child) for child in detail}
    code = (element.findtext("faultcode") or "").strip()
    return SoapFault(code, (element.findtext("faultstring") or "").strip(), members)


def render_fault(fault: SoapFault, namespace: str) -> bytes:
    """The fault in an envelope; the detail's elements are in ``namespace``."""
    element = etree.Element(f"{{{SOAP}}}Fault", nsmap={"soap": SOAP})
    code = fault.code if ":" in fault.code else f"soap:{fault.code}"
    etree.SubElement(element, "faultcode").text = code
    etree.SubElement(element, "faultstring").text = fault.message
    if fault.detail is not None:
        _append(etree.SubElement(element, "detail"), fault.detail, namespace)
    return wrap(element)


def _append(parent: etree._Element, members: Mapping[str, Any], namespace: str) -> None:
    default: Any = {None: namespace}
    for name, value in members.items():
        for item in value if isinstance(value, list | tuple) else (value,):
            child = etree.SubElement(parent, etree.QName(namespace, name), nsmap=default)
            if isinstance(item, Mapping):
                _append(child, item, namespace)
            elif item is not None:
                child.text = str(item)


def plain(element: etree._Element) -> Any:
    """An element without a schema: its text, or its members by local name (a list where a name repeats)."""
    if len(element) == 0:
        return element.text or ""
    members: dict[str, Any] = {}
    for child in element:
        name, value = etree.QName(child).localname, plain(child)
        if name not in members:
            members[name] = value
        elif isinstance(members[name], list):
            members[name].append(value)
        else:
            members[name] = [members[name], value]
    return members
