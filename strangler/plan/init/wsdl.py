"""A draft from a WSDL 1.1 document: one operation for each of its SOAP operations. Pure.

Read with a hardened parser: no entities, no network, no huge trees. What a document imports is asked of ``fetch``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from strangler.errors import UsageError
from strangler.plan.init.draft import Draft, DraftOperation, DraftSystem, named, new_system, told_apart
from strangler.plan.init.guess import effect_of, kebab, likely_key
from strangler.stages import Effect

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_XS = "{http://www.w3.org/2001/XMLSchema}"
_SOAP = ("{http://schemas.xmlsoap.org/wsdl/soap/}", "{http://schemas.xmlsoap.org/wsdl/soap12/}")
_MOST_DOCUMENTS = 50
_MOST_DEPTH = 6

Fetch = Callable[[str], bytes | None]
"""Gives the document at a location as another document names it; ``None`` where it cannot be had."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One SOAP operation: its name, its action, the path it is posted to, the names of what its request holds."""

    name: str
    action: str
    path: str
    leaves: tuple[str, ...]


def draft_from_wsdl(
    content: bytes,
    *,
    name: str,
    source: str,
    address: str | None = None,
    new_url: str | None = None,
    fetch: Fetch = lambda _: None,
) -> Draft:
    """A draft of the service that the document describes.

    Args:
        content: the WSDL as it was read.
        name: what the system is called in the plan.
        source: where it was read, for the plan's first lines.
        address: the WSDL's own URL, where it has one that the plan may use.
        new_url: where the new service is.
        fetch: gives imported documents.

    Raises:
        UsageError: the name is not of its form, or this is no WSDL 1.1 with a SOAP binding.
    """
    name = named(name)
    root = _root(content, source)
    documents = [root, *_imported(root, fetch)]
    calls = list(_calls(documents))
    if not calls:
        raise UsageError(f"{source}: this WSDL has no operation that is bound to SOAP over HTTP")
    location = _location(documents)
    decide = []
    if address is None:
        address = f"{_origin(location) or 'http://127.0.0.1:8080'}{calls[0].path}?wsdl"
        decide.append(f"wsdl: read from {source}; say where the running system has it.")
    fields: dict[str, object] = {"department": name, "speaks": "soap", "wsdl": address}
    if _origin(location) and _origin(location) != _origin(address):
        fields["url"] = _origin(location)
        decide.append("url: the WSDL is at one address and names another; say where the system really answers.")
    fields["serves"] = sorted({call.path for call in calls})
    decide.append("build: name the old system's build, by 'build:' or 'build_header:'.")
    new = new_system(name, new_url, "it must answer SOAP; where it speaks JSON, say 'new: {system, facade}' below.")
    operations = told_apart([_operation(name, call) for call in calls])
    return Draft(name, source, DraftSystem(name, fields, tuple(decide)), new, operations)


def _operation(system: str, call: _Call) -> DraftOperation:
    match: dict[str, object] = {"method": "POST", "path": {"type": "Exact", "value": call.path}}
    decide: list[str] = []
    if call.action:
        match["soap_action"] = call.action
    else:
        match["xpath"] = {"path": "local-name(/*/*[local-name() = 'Body']/*)", "value": call.name}
        decide.append("match: the WSDL names no SOAPAction; this looks at the first element of the body instead.")
    effect = effect_of(call.name)
    if effect is Effect.READ:
        decide.append(f"effect: {call.name} sounds like a read; one that changes anything is a write.")
    else:
        decide.append(f"effect: {call.name} may change something; say read where it does not.")
    leaf = likely_key(call.leaves)
    if leaf is not None:
        others = ", ".join(dict.fromkeys(other for other in call.leaves if other != leaf))
        decide.append(f"key: {leaf} looks like an identifier" + (f"; there are also {others}." if others else "."))
    elif not call.leaves:
        decide.append("key: the request's schema could not be read.")
    key = {"xpath": f"//{leaf}"} if leaf else None
    return DraftOperation(f"{system}.{kebab(call.name)}", effect, match, key, decide=tuple(decide))


def _root(content: bytes, source: str) -> etree._Element:
    try:
        root = etree.fromstring(content, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UsageError(f"{source}: this is no XML: {error}") from error
    if root is None or root.tag != f"{_WSDL}definitions":
        what = "WSDL 2.0, which is not read here" if root is not None and "wsdl" in str(root.tag) else "no WSDL"
        raise UsageError(f"{source}: this is {what}: a WSDL 1.1 document begins with wsdl:definitions")
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )


def _imported(root: etree._Element, fetch: Fetch) -> Iterator[etree._Element]:
    """Every document that this one imports or includes, and theirs; each location once."""
    waiting, seen = [root], set[str]()
    while waiting:
        for element in waiting.pop().iter(f"{_WSDL}import", f"{_XS}import", f"{_XS}include"):
            location = element.get("location") or element.get("schemaLocation")
            if not location or location in seen or len(seen) >= _MOST_DOCUMENTS:
                continue
            seen.add(location)
            content = fetch(location)
            try:
                found = etree.fromstring(content, _parser()) if content else None
            except (etree.XMLSyntaxError, ValueError):
                found = None
            if found is not None:
                waiting.append(found)
                yield found


def _calls(documents: list[etree._Element]) -> Iterator[_Call]:
    """Each operation once, as the first binding (SOAP 1.1 before 1.2) has it."""
    found: set[str] = set()
    path = _path(_location(documents))
    for namespace in _SOAP:
        for binding in _every(documents, f"{_WSDL}binding"):
            if binding.find(f"{namespace}binding") is None:
                continue
            for operation in binding.findall(f"{_WSDL}operation"):
                name, bound = operation.get("name"), operation.find(f"{namespace}operation")
                if not name or name in found:
                    continue
                found.add(name)
                action = bound.get("soapAction", "") if bound is not None else ""
                yield _Call(name, action, path, tuple(_request(documents, binding, name)))


def _request(documents: list[etree._Element], binding: etree._Element, operation: str) -> Iterator[str]:
    """The names of the elements with text that the operation's request holds."""
    port = _local(binding.get("type"))
    for port_type in _every(documents, f"{_WSDL}portType"):
        if port_type.get("name") != port:
            continue
        for entry in port_type.findall(f"{_WSDL}operation"):
            given = entry.find(f"{_WSDL}input")
            if entry.get("name") == operation and given is not None:
                yield from _parts(documents, _local(given.get("message")))


def _parts(documents: list[etree._Element], message: str) -> Iterator[str]:
    for found in _every(documents, f"{_WSDL}message"):
        if found.get("name") != message:
            continue
        for part in found.findall(f"{_WSDL}part"):
            element = part.get("element")
            if element is None:
                yield from _typed(documents, part.get("name", ""), part.get("type"), 0)
            else:
                yield from _declared(documents, _local(element))


def _declared(documents: list[etree._Element], name: str) -> Iterator[str]:
    for schema in _every(documents, f"{_XS}schema"):
        for element in schema.findall(f"{_XS}element"):
            if element.get("name") == name:
                yield from _leaves(documents, element, 0)
                return


def _leaves(documents: list[etree._Element], element: etree._Element, depth: int) -> Iterator[str]:
    inner = element.find(f"{_XS}complexType")
    if inner is not None:
        yield from _members(documents, inner, depth)
    else:
        name = element.get("name") or _local(element.get("ref"))
        yield from _typed(documents, name, element.get("type"), depth)


def _typed(documents: list[etree._Element], name: str, type_name: str | None, depth: int) -> Iterator[str]:
    """The element's own name where its type is simple, else its members' names."""
    for schema in _every(documents, f"{_XS}schema"):
        for found in schema.findall(f"{_XS}complexType"):
            if type_name and found.get("name") == _local(type_name):
                yield from _members(documents, found, depth)
                return
    if name and _is_plain(name):
        yield name


def _members(documents: list[etree._Element], complex_type: etree._Element, depth: int) -> Iterator[str]:
    if depth >= _MOST_DEPTH:
        return
    for group in complex_type.iter(f"{_XS}sequence", f"{_XS}all", f"{_XS}choice"):
        owner = next((up for up in group.iterancestors(f"{_XS}complexType")), None)
        if owner is not complex_type:
            continue
        for element in group.findall(f"{_XS}element"):
            yield from _leaves(documents, element, depth + 1)


def _location(documents: list[etree._Element]) -> str:
    """The address that the service names, as it stands there; empty where it names none."""
    for namespace in _SOAP:
        for address in _every(documents, f"{namespace}address"):
            if address.get("location"):
                return str(address.get("location"))
    return ""


def _path(location: str) -> str:
    """The path of an address, also of one with a placeholder for its host."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "/"
    if parts.scheme in ("http", "https"):
        return parts.path or "/"
    rest = location.partition("?")[0]
    return rest[rest.index("/") :] if "/" in rest and "://" not in rest else "/"


def _origin(address: str) -> str | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.hostname else None


def _every(documents: list[etree._Element], tag: str) -> Iterator[etree._Element]:
    for document in documents:
        yield from document.iter(tag)


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]


def _is_plain(name: str) -> bool:
    return all(character.isalnum() or character in "_-." for character in name)
