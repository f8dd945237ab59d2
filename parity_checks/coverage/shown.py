"""Which items of a contract one exchange shows. Pure, and never raises for anything a caller or a system can send."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import unquote

from parity_checks.canonical.decoding import Unreadable
from parity_checks.canonical.document import family_of, read, read_form
from parity_checks.canonical.trees import ABSENT, Element, Family, Value, local_name, text_of
from parity_checks.coverage.model import (
    Bound,
    Column,
    Contract,
    Facets,
    Field,
    Presence,
    answer_prefix,
    folded,
    item,
)
from strangler.exchange import Headers, Observation, Request

_SOAP: Final = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
_BODIES: Final = frozenset(f"{{{namespace}}}Body" for namespace in _SOAP)
_BOOLEANS: Final = {"1": "true", "0": "false"}
MOST_ELEMENTS: Final = 200
"""So many elements of one list are looked at, from its beginning; its size is that of all of them."""

_READ: Final = frozenset({Family.JSON, Family.XML, Family.FORM})


def items_of(request: Request, old: Observation, contract: Contract) -> frozenset[str]:
    """The contract's items that this request and the old side's answer show.

    A body that cannot be read shows nothing; that it could not be read is the comparison's to tell.
    """
    found: set[str] = set()
    with suppress(Unreadable, RecursionError):
        _look_at_request(request, contract, found)
    with suppress(Unreadable, RecursionError):
        _look_at_answer(old, contract, found)
    return contract.items & found


def _look_at_request(request: Request, contract: Contract, found: set[str]) -> None:
    if contract.parameters:
        _look_at_parameters(request, contract, found)
    root = contract.request
    if root is None:
        return
    body = _body(request.headers, request.body)
    if contract.speaks == "soap":
        payload = _payload(body)
        if payload is not None and local_name(payload.name) == root.name:
            _look_xml(root, [payload], "request", found)
    elif body is not ABSENT or root.presence is Presence.OPTIONAL:
        _look_json(root, body, "request", found)


def _look_at_parameters(request: Request, contract: Contract, found: set[str]) -> None:
    query = read_form(request.query) if request.query else {}
    on_path = contract.path.fullmatch(request.path) if contract.path is not None else None
    for place, parameter in enumerate(contract.parameters):
        where, _, name = parameter.label.partition(".")
        value: Value = ABSENT
        if where == "query" and isinstance(query, dict):
            value = query.get(name, ABSENT)
        elif where == "headers":
            value = ABSENT if (said := request.header(name)) is None else said
        elif where == "path" and on_path is not None:
            value = unquote(on_path.groupdict().get(f"p{place}") or "") or ABSENT
        if parameter.is_list and isinstance(value, str):
            value = [*value.split(",")]
        _look_json(parameter, value, "request", found)


def _look_at_answer(old: Observation, contract: Contract, found: set[str]) -> None:
    if contract.speaks == "soap":
        _look_at_soap(_payload(_body(old.headers, old.body)), contract, found)
        return
    if contract.speaks == "columns":
        if old.status is not None and old.status < 300:
            _look_at_columns(_body(old.headers, old.body), contract.columns, found)
        return
    status = str(old.status)
    name = next((name for name in (status, f"{status[0]}XX", "default") if name in contract.answers), None)
    if name is None:
        return
    found.add(item("status", "", name))
    root = contract.answers[name]
    if root is not None:
        _look_json(root, _body(old.headers, old.body), answer_prefix(contract, name), found)


def _look_at_soap(payload: Element | None, contract: Contract, found: set[str]) -> None:
    if payload is None:
        return
    name = local_name(payload.name)
    if name != "Fault":
        if name in contract.answers:
            found.add(item("answer", "", name))
            root = contract.answers[name]
            if root is not None:
                _look_xml(root, [payload], "answer", found)
        return
    for part in _elements(payload):
        if local_name(part.name) not in {"detail", "Detail"}:
            continue
        for told in _elements(part):
            fault = local_name(told.name)
            if fault in contract.faults:
                found.add(item("fault", "", fault))
                root = contract.faults[fault]
                if root is not None:
                    _look_xml(root, [told], f"fault {fault}", found)


def _body(headers: Headers, body: bytes | None) -> Value:
    """The body as a document; absent where there is none, or none that has fields."""
    content_type = next((value for name, value in headers if name.lower() == "content-type"), None)
    if not body or (content_type is not None and family_of(content_type, body) not in _READ):
        return ABSENT
    document = read(headers, body)
    return document.value if document.family in _READ else ABSENT


def _payload(root: Value) -> Element | None:
    """The first element within the SOAP body."""
    if not isinstance(root, Element):
        return None
    body = next((one for one in _elements(root) if one.name in _BODIES), None)
    return None if body is None else next(_elements(body), None)


def _elements(element: Element) -> Iterator[Element]:
    return (child for child in element.children if isinstance(child, Element))


def _look_xml(field: Field, there: Sequence[Element], prefix: str, found: set[str]) -> None:
    """What the elements at one place show, where their parent is there."""
    if field.is_list:
        found.add(item(prefix, field.label, f"size {_size(len(there))}"))
    elif not there:
        found.add(item(prefix, field.label, "absent"))
    for element in there[:MOST_ELEMENTS]:
        if element.text is None and not element.children:
            found.add(item(prefix, field.label, "nil"))
            continue
        if field.presence is not Presence.REQUIRED:
            found.add(item(prefix, field.label, "present"))
        if not element.children:
            _look_at_text(field.facets, element.text or "", field.label, prefix, found)
        if field.children:
            _look_xml_members(field.children, element, prefix, found)
    _look_at_size(field, len(there), prefix, found)


def _look_xml_members(fields: tuple[Field, ...], element: Element, prefix: str, found: set[str]) -> None:
    members: dict[str, list[Element]] = defaultdict(list)
    for child in element.children:
        if isinstance(child, Element):
            members[local_name(child.name)].append(child)
    attributes = {f"@{local_name(name)}": value for name, value in element.attributes.items()}
    for field in fields:
        if field.name.startswith("@"):
            value = attributes.get(field.name)
            found.add(item(prefix, field.label, "absent" if value is None else "present"))
            if value is not None:
                _look_at_text(field.facets, value, field.label, prefix, found)
        else:
            _look_xml(field, members.get(field.name, ()), prefix, found)


def _look_json(field: Field, value: Value, prefix: str, found: set[str]) -> None:
    if value is ABSENT:
        found.add(item(prefix, field.label, "absent"))
        return
    if value is None:
        found.add(item(prefix, field.label, "null"))
        return
    found.add(item(prefix, field.label, "present"))
    if isinstance(value, list):
        found.add(item(prefix, field.label, f"size {_size(len(value))}"))
        _look_at_size(field, len(value), prefix, found)
        if field.each is not None:
            for element in value[:MOST_ELEMENTS]:
                _look_json(field.each, element, prefix, found)
    elif isinstance(value, dict):
        for child in field.children:
            _look_json(child, value.get(child.name, ABSENT), prefix, found)
    elif (text := text_of(value)) is not None:
        _look_at_text(field.facets, text, field.label, prefix, found)


def _look_at_text(facets: Facets, text: str, label: str, prefix: str, found: set[str]) -> None:
    if facets.kind != "string":
        text = text.strip()
    if facets.values:
        if facets.kind == "boolean":
            text = _BOOLEANS.get(text, text)
        if text in facets.values:
            found.add(item(prefix, label, f"= {text}"))
    for bound in facets.bounds:
        if _is_at(bound, text):
            found.add(item(prefix, label, f"boundary {bound.word}"))


def _look_at_size(field: Field, size: int, prefix: str, found: set[str]) -> None:
    for bound in field.facets.bounds:
        if bound.of == "size" and int(bound.value) == size:
            found.add(item(prefix, field.label, f"boundary {bound.word}"))


def _is_at(bound: Bound, text: str) -> bool:
    if bound.of == "length":
        return len(text) == int(bound.value)
    if bound.of == "number":
        try:
            return Decimal(text) == Decimal(bound.value)
        except InvalidOperation:
            return text == bound.value
    return False


def _size(number: int) -> str:
    return str(number) if number < 2 else "many"


def _look_at_columns(value: Value, columns: tuple[Column, ...], found: set[str]) -> None:
    """What the answer's objects show of the columns that they have members for.

    A member is tied to a column by its name. An object is about a table where it has a member that only this table has
    a column for; so a column whose name several tables share is told apart, and a missing member is null only in an
    object that is about its table.
    """
    by_name: dict[str, list[Column]] = defaultdict(list)
    for column in columns:
        by_name[folded(column.name)].append(column)
    for members in _objects(value):
        tied = {folded(name): member for name, member in members.items() if folded(name) in by_name}
        tables = {by_name[name][0].table for name in tied if len(by_name[name]) == 1}
        for name, candidates in by_name.items():
            for column in candidates:
                if column.table in tables:
                    _look_at_column(column, tied.get(name), found)


def _look_at_column(column: Column, member: Value, found: set[str]) -> None:
    if member is None:
        found.add(item("column", column.label, "null"))
        return
    found.add(item("column", column.label, "filled"))
    text = text_of(member)
    if text is not None and column.length is not None and len(text) == column.length:
        found.add(item("column", column.label, "boundary length"))


def _objects(value: Value) -> Iterator[Mapping[str, Value]]:
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from _objects(member)
    elif isinstance(value, list):
        for element in value[:MOST_ELEMENTS]:
            yield from _objects(element)
