"""The contract of one SOAP operation, from a WSDL 1.1 document and the schemas it imports. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from lxml import etree

from parity_checks.coverage.model import Contract, Field, NoContract, finished
from parity_checks.coverage.xsd import Schemas

_WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP: Final = ("{http://schemas.xmlsoap.org/wsdl/soap/}", "{http://schemas.xmlsoap.org/wsdl/soap12/}")


def contract_from_wsdl(documents: Sequence["etree._Element"], *, soap_action: str | None, source: str) -> Contract:
    """The contract of the operation that has this SOAP action, or of the only one there is.

    Args:
        documents: the WSDL first, then everything it imports.
        soap_action: the action of the plan's match, without quotes.
        source: where it was read.

    Raises:
        NoContract: it is no WSDL 1.1, or has no such operation; the message says which there are.
    """
    if not documents or documents[0].tag != f"{_WSDL}definitions":
        raise NoContract(f"{source}: this is no WSDL 1.1 document")
    bound = dict(_bound(documents))
    wanted = (soap_action or "").strip('"')
    found = [names for action, names in bound.items() if action == wanted]
    if not wanted and len(bound) == 1:
        found = list(bound.values())
    if not found:
        known = ", ".join(repr(action) for action in bound) or "none"
        raise NoContract(f"{source}: no operation has the SOAP action {wanted!r}; there are {known}")
    return _contract(documents, *found[0], source)


def _bound(documents: Sequence["etree._Element"]) -> Iterator[tuple[str, tuple[str, str, bool]]]:
    """Each action with its port type, its operation, and whether it is bound in the style rpc."""
    for namespace in reversed(_SOAP):  # the later wins: SOAP 1.1 before 1.2
        for binding in _every(documents, f"{_WSDL}binding"):
            soap = binding.find(f"{namespace}binding")
            if soap is None:
                continue
            for operation in binding.findall(f"{_WSDL}operation"):
                call = operation.find(f"{namespace}operation")
                if call is not None and operation.get("name"):
                    style = call.get("style") or soap.get("style") or "document"
                    names = (_local(binding.get("type")), operation.get("name", ""), style == "rpc")
                    yield call.get("soapAction", ""), names


def _contract(documents: Sequence["etree._Element"], port: str, name: str, is_rpc: bool, source: str) -> Contract:
    operation = next(
        (
            entry
            for port_type in _every(documents, f"{_WSDL}portType")
            if port_type.get("name") == port
            for entry in port_type.findall(f"{_WSDL}operation")
            if entry.get("name") == name
        ),
        None,
    )
    if operation is None:
        raise NoContract(f"{source}: the port type {port!r} has no operation {name!r}")
    schemas = Schemas(documents)
    request = _message(documents, schemas, operation.find(f"{_WSDL}input"), name if is_rpc else "")
    answer = _message(documents, schemas, operation.find(f"{_WSDL}output"), f"{name}Response" if is_rpc else "")
    faults = [_message(documents, schemas, fault, "") for fault in operation.findall(f"{_WSDL}fault")]
    return finished(
        Contract(
            source,
            "soap",
            request,
            answers={} if answer is None else {answer.name: answer},
            faults={fault.name: fault for fault in faults if fault is not None},
        )
    )


def _message(
    documents: Sequence["etree._Element"], schemas: Schemas, used: "etree._Element | None", wrapper: str
) -> Field | None:
    """The element that a message puts into the SOAP body; in the style rpc the one that wraps its parts."""
    wanted = _local(used.get("message")) if used is not None else ""
    message = next((found for found in _every(documents, f"{_WSDL}message") if found.get("name") == wanted), None)
    if message is None:
        return None
    parts = message.findall(f"{_WSDL}part")
    if wrapper:
        typed = [part for part in parts if part.get("type") and part.get("name")]
        fields = [
            schemas.typed(part, part.get("type", ""), part.get("name", ""), f"//{part.get('name')}") for part in typed
        ]
        return Field(wrapper, "", children=tuple(fields))
    return next((schemas.element(part, part.get("element", "")) for part in parts if part.get("element")), None)


def _every(documents: Sequence["etree._Element"], tag: str) -> Iterator["etree._Element"]:
    for document in documents:
        yield from document.iter(tag)


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]
