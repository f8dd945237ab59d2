"""XML Schema 1.0 as fields: elements, types, occurrences, facets. Pure.

Read are global and local elements, attributes and their groups, simple types with their restrictions, complex types
with sequences, choices, ``all`` and groups, and extensions. Not followed are derived types that only ``xsi:type``
names, substitution groups, wildcards and unions of anything but enumerations: they give no items.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final

from lxml import etree

from parity_checks.coverage.model import Bound, Facets, Field, Presence

XS: Final = "{http://www.w3.org/2001/XMLSchema}"
MOST_DEPTH: Final = 12
"""Deepest nesting that is followed; a type within itself is not followed again."""

MOST_FIELDS: Final = 20_000
"""Most fields of one contract: types that use each other would else give more than anybody has memory for."""

_LENGTHS: Final = ("minLength", "maxLength")
_INCLUSIVE: Final = ("minInclusive", "maxInclusive")
_EXCLUSIVE: Final = {"minExclusive": 1, "maxExclusive": -1}
_INTEGERS: Final = frozenset(
    {"integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger"}
    | {"negativeInteger", "unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte"}
)
_BOOLEAN: Final = Facets("boolean", ("true", "false"))


@dataclass(frozen=True, slots=True)
class _Occurs:
    """How often something may be there, with what surrounds it counted in."""

    least: int = 1
    most: int | None = 1
    is_branch: bool = False

    def within(self, element: "etree._Element") -> "_Occurs":
        """What an element, or a group of them, makes of it by its own ``minOccurs`` and ``maxOccurs``."""
        least = _number(element.get("minOccurs"), 1)
        most = None if element.get("maxOccurs") == "unbounded" else _number(element.get("maxOccurs"), 1)
        product = None if self.most is None or most is None else self.most * most
        return _Occurs(self.least * least, product, self.is_branch)


class Schemas:
    """All schema documents of one contract, by what they declare."""

    def __init__(self, roots: Iterable["etree._Element"]) -> None:
        self._named: dict[tuple[str, str, str], etree._Element] = {}
        self._anywhere: dict[tuple[str, str], etree._Element] = {}
        self._left = MOST_FIELDS
        for root in roots:
            for schema in root.iter(f"{XS}schema"):
                for declared in schema:
                    name = declared.get("name") if isinstance(declared.tag, str) else None
                    if name:
                        self._named.setdefault((declared.tag, schema.get("targetNamespace", ""), name), declared)
                        self._anywhere.setdefault((declared.tag, name), declared)

    def element(self, user: "etree._Element", qname: str, label: str = "") -> Field | None:
        """The field that a global element is; ``None`` where it is not declared.

        Args:
            user: the node in which the name stands: its prefixes are in scope.
            qname: the element's name as it stands there.
            label: the field's path in items; a payload's own is empty.
        """
        declared = self._find("element", user, qname)
        if declared is None:
            return None
        return self._element(declared, label, _Occurs(), ())

    def typed(self, user: "etree._Element", qname: str, name: str, label: str) -> Field:
        """The field of this name whose type is ``qname``: a part of an rpc message."""
        facets, children = self._type(user, qname, label, ())
        return Field(name, label, facets, children=children)

    def _element(
        self, declared: "etree._Element", label: str, occurs: _Occurs, above: tuple["etree._Element", ...]
    ) -> Field:
        self._left -= 1
        name = declared.get("name", "")
        facets, children = self._content(declared, label, above)
        presence = Presence.BRANCH if occurs.is_branch else Presence.OPTIONAL if not occurs.least else Presence.REQUIRED
        is_nullable = declared.get("nillable") in {"true", "1"}
        if occurs.most is None or occurs.most > 1:
            facets = replace(facets, bounds=(*facets.bounds, *_sizes(occurs)))
        namespace = _namespace(declared)
        return Field(name, label, facets, presence, is_nullable, occurs.least, occurs.most, children, None, namespace)

    def _content(
        self, declared: "etree._Element", label: str, above: tuple["etree._Element", ...]
    ) -> tuple[Facets, tuple[Field, ...]]:
        """An element's value and members, from its type wherever that stands."""
        named = declared.get("type")
        if named:
            return self._type(declared, named, label, above)
        simple, complex_type = declared.find(f"{XS}simpleType"), declared.find(f"{XS}complexType")
        if simple is not None:
            return self._simple(simple), ()
        if complex_type is not None:
            return self._complex(complex_type, label, above)
        return Facets("anyType"), ()

    def _type(
        self, user: "etree._Element", qname: str, label: str, above: tuple["etree._Element", ...]
    ) -> tuple[Facets, tuple[Field, ...]]:
        simple = self._find("simpleType", user, qname)
        if simple is not None:
            return self._simple(simple), ()
        complex_type = self._find("complexType", user, qname)
        if complex_type is not None:
            return self._complex(complex_type, label, above)
        return _built_in(qname), ()

    def _complex(
        self, declared: "etree._Element", label: str, above: tuple["etree._Element", ...]
    ) -> tuple[Facets, tuple[Field, ...]]:
        if declared in above or len(above) >= MOST_DEPTH or self._left <= 0:
            return Facets("anyType"), ()
        above = (*above, declared)
        facets, fields = Facets("anyType"), []
        for content in declared:
            if content.tag in {f"{XS}simpleContent", f"{XS}complexContent"}:
                for derived in content.iterchildren(f"{XS}extension", f"{XS}restriction"):
                    facets, inherited = self._type(derived, derived.get("base", ""), label, above)
                    is_kept = derived.tag == f"{XS}extension" or content.tag == f"{XS}simpleContent"
                    fields += [*(inherited if is_kept else ()), *self._members(derived, label, _Occurs(), above)]
        fields += self._members(declared, label, _Occurs(), above)
        first = {field.name: field for field in reversed(fields)}
        return facets, tuple(field for field in fields if first[field.name] is field)

    def _members(
        self, owner: "etree._Element", label: str, occurs: _Occurs, above: tuple["etree._Element", ...]
    ) -> Iterator[Field]:
        """The fields that a type, a group or a particle holds."""
        for node in owner:
            kind = node.tag.removeprefix(XS) if isinstance(node.tag, str) else ""
            if kind in {"sequence", "all", "choice"}:
                inner = occurs.within(node)
                is_choice = kind == "choice"
                yield from self._members(node, label, replace(inner, is_branch=True) if is_choice else inner, above)
            elif kind == "element":
                found = self._find("element", node, node.get("ref", "")) if node.get("ref") else node
                if found is not None and found.get("name"):
                    below = _below(label, found.get("name", ""))
                    yield self._element(found, below, occurs.within(node), above)
            elif kind == "attribute":
                yield from self._attribute(node, label)
            elif kind in {"group", "attributeGroup"} and node.get("ref"):
                group = self._find(kind, node, node.get("ref", ""))
                if group is not None and group not in above:
                    yield from self._members(group, label, occurs.within(node), (*above, group))

    def _attribute(self, node: "etree._Element", label: str) -> Iterator[Field]:
        found = self._find("attribute", node, node.get("ref", "")) if node.get("ref") else node
        if found is None or not found.get("name") or node.get("use") == "prohibited":
            return
        named, simple = found.get("type"), found.find(f"{XS}simpleType")
        facets = self._simple(simple) if simple is not None else self._type(found, named, "", ())[0] if named else None
        name = f"@{found.get('name')}"
        presence = Presence.REQUIRED if node.get("use") == "required" else Presence.OPTIONAL
        yield Field(name, f"{label or '/'}/{name}", facets or Facets(), presence)

    def _simple(self, declared: "etree._Element", depth: int = 0) -> Facets:
        """What a simple type says, with what it restricts."""
        restriction, union = declared.find(f"{XS}restriction"), declared.find(f"{XS}union")
        if union is not None:
            return self._union(union, depth)
        if restriction is None or depth >= MOST_DEPTH:
            return Facets("list" if restriction is None else "anyType")
        base, inner = restriction.get("base"), restriction.find(f"{XS}simpleType")
        below = Facets()
        if inner is not None:
            below = self._simple(inner, depth + 1)
        elif base:
            named = self._find("simpleType", restriction, base)
            below = self._simple(named, depth + 1) if named is not None else _built_in(base)
        return _restricted(below, restriction)

    def _union(self, union: "etree._Element", depth: int) -> Facets:
        members = [self._simple(inner, depth + 1) for inner in union.findall(f"{XS}simpleType")]
        for qname in (union.get("memberTypes") or "").split():
            named = self._find("simpleType", union, qname)
            members.append(_built_in(qname) if named is None or depth >= MOST_DEPTH else self._simple(named, depth + 1))
        if members and all(member.values for member in members):
            return Facets("string", tuple(dict.fromkeys(value for member in members for value in member.values)))
        return Facets("union")

    def _find(self, kind: str, user: "etree._Element", qname: str) -> "etree._Element | None":
        """What a qualified name means where it stands; by its local name alone where its namespace has none."""
        prefix, _, local = qname.strip().rpartition(":")
        namespace = user.nsmap.get(prefix or None) or ""
        if namespace == XS.strip("{}"):
            return None
        tag = XS + kind
        return self._named.get((tag, namespace, local), self._anywhere.get((tag, local)))


def _restricted(below: Facets, restriction: "etree._Element") -> Facets:
    said: dict[str, str] = {}
    values: list[str] = []
    for facet in restriction:
        name = facet.tag.removeprefix(XS) if isinstance(facet.tag, str) else ""
        if name == "enumeration":
            values.append(facet.get("value", ""))
        else:
            said[name] = facet.get("value", "")
    bounds = {bound.word: bound for bound in below.bounds}
    bounds.update((bound.word, bound) for bound in _bounds(said, below.kind))
    if "length" in said:
        bounds = {word: bound for word, bound in bounds.items() if bound.of != "length"}
    kept = () if values else _reachable(bounds)
    return Facets(below.kind, tuple(values) or below.values, kept, said.get("pattern", below.pattern))


def _bounds(said: Mapping[str, str], kind: str) -> Iterator[Bound]:
    for word in _LENGTHS:
        if word in said and said[word].isdecimal():
            yield Bound(word, "length", said[word])
    for word in _INCLUSIVE:
        if word in said:
            yield Bound(word, "number", said[word])
    if kind in _INTEGERS:  # the last value that is still inside
        for word, step in _EXCLUSIVE.items():
            try:
                yield Bound(word, "number", str(Decimal(said[word]) + step))
            except (KeyError, InvalidOperation):
                continue


def _reachable(bounds: Mapping[str, Bound]) -> tuple[Bound, ...]:
    """The bounds that are worth seeing: a length or number that can only be one value is no boundary."""
    values = [(bound.of, bound.value) for bound in bounds.values()]
    return tuple(bound for bound in bounds.values() if values.count((bound.of, bound.value)) == 1)


def _sizes(occurs: _Occurs) -> Iterator[Bound]:
    if occurs.least > 1:
        yield Bound("minOccurs", "size", str(occurs.least))
    if occurs.most is not None and occurs.most != occurs.least:
        yield Bound("maxOccurs", "size", str(occurs.most))


def _built_in(qname: str) -> Facets:
    local = qname.rpartition(":")[2]
    return _BOOLEAN if local == "boolean" else Facets(local)


def _namespace(declared: "etree._Element") -> str:
    """The namespace in which this element stands in a document (XSD 1.0, 3.3.2: ``form``)."""
    schema = next(declared.iterancestors(f"{XS}schema"))
    is_global = declared.getparent() is schema
    form = declared.get("form") or schema.get("elementFormDefault", "unqualified")
    return schema.get("targetNamespace", "") if is_global or form == "qualified" else ""


def _below(label: str, name: str) -> str:
    return f"{label}/{name}" if label else f"//{name}"


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default
