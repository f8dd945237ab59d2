"""The XML Schema inside a WSDL, used to tell drift: an answer that is not as its contract says. Pure, thread-safe."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, cast

from lxml import etree

_XS = "{http://www.w3.org/2001/XMLSchema}"
_FRAME = (f"{_XS}import", f"{_XS}include", f"{_XS}annotation")
_OURS = "strangler-schema:"
_MAKING_A_SCHEMA = Lock()
_VALUE = re.compile(r"(?s)(: |value )'.*' (is not|has a|is less|is greater)")


@dataclass(frozen=True, slots=True)
class Invalid:
    """One place where a document is not as its schema says.

    ``path`` is in local names, such as ``/GetEntitlementResponse/payment[2]/date``; ``line`` counts from 1 in the
    bytes as received. ``message`` has no values in it: they are personal data.
    """

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path} (line {self.line}): {self.message}"

    @property
    def name(self) -> str:
        """The local name of the element."""
        return self.path.rpartition("/")[2].partition("[")[0]


class BodySchema:
    """Validates Body elements against all schemas of one WSDL."""

    def __init__(self, schemas: Sequence[etree._Element]) -> None:
        """Take the WSDL's ``xs:schema`` elements.

        Each is written out and parsed again, because an element lifted out of its document loses the namespaces that
        only its parents declare. Imports between them carry no address in a WSDL, so they are given one of ours.
        """
        parts = [
            part for part in (etree.fromstring(etree.tostring(schema)) for schema in schemas) if _has_content(part)
        ]
        places: dict[str | None, str] = {}
        for index, part in enumerate(parts):
            namespace = part.get("targetNamespace")
            if namespace in places:  # a second schema of a namespace: the first one includes it
                first = parts[int(places[namespace].removeprefix(_OURS))]
                first.insert(0, etree.Element(f"{_XS}include", schemaLocation=f"{_OURS}{index}"))
            else:
                places[namespace] = f"{_OURS}{index}"
        for part in parts:
            for element in part.iter(f"{_XS}import"):
                place = places.get(element.get("namespace"))
                if place is not None:
                    element.set("schemaLocation", place)
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        parser.resolvers.add(_Parts([etree.tostring(part) for part in parts]))
        # libxml2 makes its built-in types at the first schema, and not safely so in two threads at once.
        with _MAKING_A_SCHEMA:
            self._schema = etree.XMLSchema(etree.fromstring(_driver(places), parser))
        self._lock = Lock()  # lxml keeps the last errors on the schema itself

    def problems(self, element: etree._Element) -> tuple[Invalid, ...]:
        """Every place where ``element`` is not valid; empty where it is."""
        with self._lock:
            if self._schema.validate(element):
                return ()
            entries = [(entry.path, entry.line, entry.message) for entry in cast("Any", self._schema.error_log)]
        return tuple(Invalid(_local(element, path), line, _VALUE.sub(r"\1(hidden) \2", text))
                     for path, line, text in entries)  # fmt: skip


class _Parts(cast("Any", etree.Resolver)):  # type: ignore[misc] # the stubs have another signature
    def __init__(self, parts: Sequence[bytes]) -> None:
        super().__init__()
        self._parts = parts

    def resolve(self, system_url: str, public_id: str, context: object) -> object:  # noqa: ARG002 - lxml's signature
        if system_url.startswith(_OURS):
            return self.resolve_string(self._parts[int(system_url.removeprefix(_OURS))], context)
        raise OSError(f"schema {system_url} is outside the WSDL; put its content into wsdl:types")


def _has_content(schema: etree._Element) -> bool:
    """Whether it defines anything: WSDLs often have a schema that only imports another."""
    return any(isinstance(child.tag, str) and child.tag not in _FRAME for child in schema)


def _driver(places: dict[str | None, str]) -> bytes:
    root = etree.Element(f"{_XS}schema")
    for namespace, place in places.items():
        element = etree.SubElement(root, f"{_XS}import", schemaLocation=place)
        if namespace is not None:
            element.set("namespace", namespace)
    return etree.tostring(root)


def _local(root: etree._Element, path: str | None) -> str:
    """libxml2's path, which writes ``*`` for what has no prefix, as a path of local names."""
    if path is None:
        return "/" + etree.QName(root).localname
    spaces = {prefix: uri for element in root.iter() for prefix, uri in element.nsmap.items() if prefix}
    try:
        found = etree.ElementTree(root).xpath(path, namespaces=spaces)
    except etree.XPathError:
        return path
    target: Any = found[0] if isinstance(found, list) and found else root
    steps: list[str] = []
    while target is not None:
        steps.append(_step(target))
        target = None if target is root else target.getparent()
    return "/" + "/".join(reversed(steps))


def _step(element: etree._Element) -> str:
    parent = element.getparent()
    name = etree.QName(element).localname
    alike = [] if parent is None else [child for child in parent if child.tag == element.tag]
    return name if len(alike) < 2 else f"{name}[{alike.index(element) + 1}]"
