"""Requests that would show what no caller has asked for yet: a recorded one, changed in one place. Pure.

Only items about requests can be aimed at; what an answer holds is the old side's business. Everything else of the
recorded request stays as it is, so that the key is somebody's real one and the question makes sense.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

import orjson
from lxml import etree

from parity_checks.canonical.decoding import Unreadable
from parity_checks.canonical.xml_body import read_xml
from parity_checks.coverage.model import Bound, Contract, Field, Presence, item, sizes
from parity_checks.coverage.shown import items_of
from parity_checks.coverage.values import NoValue, text_for
from strangler.exchange import Observation, Request
from strangler.stages import Side

MOST_ELEMENTS: Final = 200
"""Of a list that is made; a bound beyond it is not tried."""

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_ENVELOPES: Final = ("{http://schemas.xmlsoap.org/soap/envelope/}Body", "{http://www.w3.org/2003/05/soap-envelope}Body")
_NOTHING: Final = Observation(Side.OLD, None, body=None)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be made of one field. ``word`` is as in items: present, absent, nil, ``=``, size, boundary."""

    field: Field
    word: str
    value: str = ""
    bound: Bound | None = None


def aims(contract: Contract) -> dict[str, tuple[tuple[Field, ...], Change]]:
    """The items that a request can be made for: the fields on the way there, the last one, and what to make of it."""
    found: dict[str, tuple[tuple[Field, ...], Change]] = {}
    for parameter in contract.parameters:
        found.update((text, ((parameter,), change)) for text, change in _changes(parameter))
    if contract.request is not None:
        for way in _ways(contract.request, ()):
            found.update((text, (way, change)) for text, change in _changes(way[-1]))
    return {text: aim for text, aim in found.items() if text in contract.items}


def probe(contract: Contract, aimed: str, template: Request, random: Random) -> Request:
    """The template, changed so that it shows an item.

    Args:
        contract: the contract.
        aimed: the item; one of ``aims``.
        template: a recorded request of the operation.
        random: where randomness comes from.

    Raises:
        NoValue: it cannot be made from this template; the message says why.
    """
    way, change = aims(contract)[aimed]
    made = _changed(contract, way, change, template, random)
    if aimed not in items_of(made, _NOTHING, contract):
        raise NoValue("the request that was made does not show it")
    return made


def _ways(field: Field, above: tuple[Field, ...]) -> Iterator[tuple[Field, ...]]:
    way = (*above, field)
    yield way
    for child in field.children:
        yield from _ways(child, way)
    if field.each is not None:
        yield from _ways(field.each, way)


def _changes(field: Field) -> Iterator[tuple[str, Change]]:
    for word in ("present", "absent", field.null):
        yield item("request", field.label, word), Change(field, word)
    for size in sizes(field):
        yield item("request", field.label, f"size {size}"), Change(field, "size", size)
    for value in field.facets.values:
        yield item("request", field.label, f"= {value}"), Change(field, "=", value)
    for bound in field.facets.bounds:
        yield item("request", field.label, f"boundary {bound.word}"), Change(field, "boundary", bound=bound)


def _changed(contract: Contract, way: tuple[Field, ...], change: Change, template: Request, random: Random) -> Request:
    where, _, name = change.field.label.partition(".")
    if change.field in contract.parameters:
        match where:
            case "query":
                return _with_query(template, name, change, random)
            case "headers":
                return _with_header(template, name, change, random)
            case _:
                return _on_path(contract, template, change, random)
    if contract.speaks == "soap":
        return _in_xml(way, change, template, random)
    return _in_json(way, change, template, random)


def _text(change: Change, random: Random, field: Field | None = None) -> str:
    """The text that a field gets: the enumerated value, the one at the bound, or any that the contract allows."""
    return change.value if change.word == "=" else text_for((field or change.field).facets, random, change.bound)


def _count(change: Change, there: int) -> int | None:
    """How many elements a list must have; ``None`` where the change is not about that."""
    if change.word == "size":
        return {"0": 0, "1": 1}.get(change.value, max(2, there))
    if change.bound is not None and change.bound.of == "size":
        count = int(change.bound.value)
        if count > MOST_ELEMENTS:
            raise NoValue(f"a list of {count} elements")
        return count
    return None


# Parameters


def _with_query(template: Request, name: str, change: Change, random: Random) -> Request:
    pairs = parse_qsl(template.query, keep_blank_values=True)
    mine = [value for key, value in pairs if key == name]
    count = _count(change, len(mine))
    if count is not None:
        each = change.field.each or change.field
        wanted = [*mine, *(text_for(each.facets, random) for _ in range(count))][:count]
    else:
        wanted = [] if change.word == "absent" else [_text(change, random)]
    kept = [pair for pair in pairs if pair[0] != name] + [(name, value) for value in wanted]
    return replace(template, target=template.path + (f"?{urlencode(kept)}" if kept else ""))


def _with_header(template: Request, name: str, change: Change, random: Random) -> Request:
    kept = tuple(pair for pair in template.headers if pair[0].lower() != name.lower())
    if change.word == "absent":
        return replace(template, headers=kept)
    return replace(template, headers=(*kept, (name, _text(change, random))))


def _on_path(contract: Contract, template: Request, change: Change, random: Random) -> Request:
    group = f"p{contract.parameters.index(change.field)}"
    found = contract.path.fullmatch(template.path) if contract.path is not None else None
    if found is None or group not in found.groupdict():
        raise NoValue("the recorded request's path is not the contract's")
    start, end = found.span(group)
    path = template.path[:start] + quote(_text(change, random), safe="") + template.path[end:]
    return replace(template, target=path + (f"?{template.query}" if template.query else ""))


# JSON


def _in_json(way: tuple[Field, ...], change: Change, template: Request, random: Random) -> Request:
    try:
        body = orjson.loads(template.body or b"")
    except orjson.JSONDecodeError as error:
        raise NoValue("the recorded request's body is not JSON") from error
    if len(way) == 1:
        if change.word == "absent":
            return replace(template, body=b"", body_bytes=0)
        body = _json_value(change, body, random)
    else:
        _reach_json(body, way[1:], change, random)
    content = orjson.dumps(body)
    return replace(template, body=content, body_bytes=len(content))


def _reach_json(holder: Any, way: tuple[Field, ...], change: Change, random: Random) -> None:
    """Walk to the field, making on the way what is not there, and change it."""
    for place, field in enumerate(way):
        is_last = place == len(way) - 1
        index: Any = field.name
        if not field.name:  # an element of a list
            if not isinstance(holder, list):
                raise NoValue("the recorded request holds another kind of value there")
            if not holder:
                holder.append(_new_json(field, random))
            index = 0
        elif not isinstance(holder, dict):
            raise NoValue("the recorded request holds another kind of value there")
        if is_last:
            if change.word == "absent":
                holder.pop(index, None)
            else:
                there = holder[index] if isinstance(holder, list) else holder.get(index)
                holder[index] = _json_value(change, there, random)
        else:
            if isinstance(holder, dict) and holder.get(field.name) is None:
                holder[field.name] = _new_json(field, random)
            holder = holder[index]


def _json_value(change: Change, there: Any, random: Random) -> Any:
    field = change.field
    if change.word == "null":
        return None
    count = _count(change, len(there) if isinstance(there, list) else 0)
    if count is not None:
        known = there if isinstance(there, list) else []
        if field.each is None:
            raise NoValue("the contract does not say what the list holds")
        return [*known, *(_new_json(field.each, random) for _ in range(count))][:count]
    if change.word == "present":
        return there if there is not None else _new_json(field, random)
    return _typed(field, _text(change, random))


def _new_json(field: Field, random: Random) -> Any:
    """The smallest value that the contract allows there."""
    if field.each is not None:
        return [_new_json(field.each, random) for _ in range(min(field.least, MOST_ELEMENTS))]
    if field.children or field.facets.kind == "object":
        return {child.name: _new_json(child, random) for child in field.children if child.presence is Presence.REQUIRED}
    return _typed(field, text_for(field.facets, random))


def _typed(field: Field, text: str) -> Any:
    match field.facets.kind:
        case "integer":
            return int(text)
        case "number":
            return orjson.loads(text)
        case "boolean":
            return text == "true"
        case _:
            return text


# SOAP


def _in_xml(way: tuple[Field, ...], change: Change, template: Request, random: Random) -> Request:
    content = template.body or b""
    try:
        read_xml(content, None)  # refuses what is hostile
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except (Unreadable, etree.XMLSyntaxError, ValueError) as error:
        raise NoValue("the recorded request's body is no XML that can be read") from error
    body = next((child for child in root if child.tag in _ENVELOPES), None)
    payload = next((child for child in body if isinstance(child.tag, str)), None) if body is not None else None
    if payload is None or etree.QName(payload).localname != way[0].name:
        raise NoValue("the recorded request is not the contract's")
    holder = payload
    for parent, field in pairwise(way[:-1]):
        found = _members(holder, field.name)
        holder = found[0] if found else _put(holder, parent, field, random)
    _change_xml(holder, way, change, random)
    written = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    headers = tuple(pair for pair in template.headers if pair[0].lower() not in {"content-type", "content-encoding"})
    said = template.header("content-type") or "text/xml"
    headers = (*headers, ("Content-Type", f"{said.partition(';')[0].strip()}; charset=utf-8"))
    return replace(template, headers=headers, body=written, body_bytes=len(written))


def _change_xml(holder: "etree._Element", way: tuple[Field, ...], change: Change, random: Random) -> None:
    field = change.field
    if len(way) == 1:
        raise NoValue("the request itself cannot be changed")
    if field.name.startswith("@"):
        if field.name[1:] in holder.attrib:
            del holder.attrib[field.name[1:]]
        if change.word != "absent":
            holder.set(field.name[1:], _text(change, random))
        return
    there = _members(holder, field.name)
    count = _count(change, len(there))
    if count is not None:
        for element in there[count:]:
            holder.remove(element)
        for _ in range(count - len(there)):
            _put(holder, way[-2], field, random)
    elif change.word == "absent":
        for element in there:
            holder.remove(element)
    else:
        _change_element(there[0] if there else _put(holder, way[-2], field, random), change, random)


def _change_element(element: "etree._Element", change: Change, random: Random) -> None:
    if change.word == "nil":
        for child in list(element):
            element.remove(child)
        element.text = None
        element.set(f"{_XSI}nil", "true")
    elif change.word != "present" or f"{_XSI}nil" in element.attrib:
        element.attrib.pop(f"{_XSI}nil", "")
        element.text = _text(change, random)


def _members(holder: "etree._Element", name: str) -> list["etree._Element"]:
    return [child for child in holder if isinstance(child.tag, str) and etree.QName(child).localname == name]


def _put(holder: "etree._Element", parent: Field, field: Field, random: Random) -> "etree._Element":
    """A new element in its place: the contract has an order."""
    made = _new_xml(field, random)
    order = [child.name for child in parent.children]
    later = set(order[order.index(field.name) + 1 :])
    for place, sibling in enumerate(holder):
        if isinstance(sibling.tag, str) and etree.QName(sibling).localname in later:
            holder.insert(place, made)
            return made
    holder.append(made)
    return made


def _new_xml(field: Field, random: Random) -> "etree._Element":
    """The smallest element that the contract allows there."""
    made = etree.Element(f"{{{field.namespace}}}{field.name}" if field.namespace else field.name)
    required = [child for child in field.children if child.presence is Presence.REQUIRED and child.least]
    for child in required:
        if child.name.startswith("@"):
            made.set(child.name[1:], text_for(child.facets, random))
        else:
            for _ in range(min(child.least, MOST_ELEMENTS)):
                made.append(_new_xml(child, random))
    if not field.children:
        made.text = text_for(field.facets, random)
    return made


def targets(contract: Contract, wanted: Callable[[str], bool], unseen: Sequence[str]) -> list[str]:
    """The unseen items that a request can be made for and somebody wants, in order."""
    possible = aims(contract)
    return [one for one in unseen if one in possible and wanted(one)]
