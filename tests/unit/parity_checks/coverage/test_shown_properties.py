"""Whatever a contract says and whatever is sent: what an exchange shows are items of the contract."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from parity_checks.coverage import items_of
from parity_checks.coverage.model import Contract, finished
from parity_checks.coverage.openapi import contract_from_openapi
from parity_checks.coverage.xsd import Schemas
from strangler.exchange import Observation, Request
from strangler.plan.models import Match
from strangler.stages import Side

NAMES = st.sampled_from(["a", "b", "c", "d e", "é"])
PLAIN = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4) | st.floats(allow_nan=False)
BODIES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("string")}, optional={"maxLength": st.integers(0, 3), "nullable": st.booleans()}
    ),
    st.fixed_dictionaries({"type": st.just("integer")}, optional={"minimum": st.integers(-3, 3)}),
    st.just({"type": "boolean"}),
    st.fixed_dictionaries({"enum": st.lists(PLAIN, max_size=3)}),
)
SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"maxItems": st.integers(0, 3)}),
        st.fixed_dictionaries(
            {"properties": st.dictionaries(NAMES, inner, max_size=3)},
            optional={"required": st.lists(NAMES, max_size=2)},
        ),
        st.fixed_dictionaries({"oneOf": st.lists(inner, max_size=2)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, max_size=2)}),
    ),
)


def of_schema(schema: Any) -> Contract:
    media = {"content": {"application/json": {"schema": schema}}}
    entry = {"requestBody": media, "responses": {"200": media, "default": media}}
    document = {"openapi": "3.0.0", "paths": {"/a": {"post": entry}}}
    return contract_from_openapi(document, match=Match.model_validate({"path": {"value": "/a"}}), source="x")


JSON = (("content-type", "application/json"),)


@given(SCHEMAS, BODIES, BODIES, st.integers(100, 599))
def test_json_exchange_shows_items_of_the_contract_only(schema: Any, asked: Any, said: Any, status: int) -> None:
    contract = of_schema(schema)
    request = Request("POST", "/a", JSON, orjson.dumps(asked))
    old = Observation(Side.OLD, status, JSON, orjson.dumps(said))
    assert items_of(request, old, contract) <= contract.items


@given(SCHEMAS, st.binary(max_size=40), st.binary(max_size=40))
def test_arbitrary_bytes_show_items_of_the_contract_only(schema: Any, asked: bytes, said: bytes) -> None:
    contract = of_schema(schema)
    shown = items_of(Request("POST", "/a", JSON, asked), Observation(Side.OLD, 200, JSON, said), contract)
    assert shown <= contract.items


@given(SCHEMAS, st.lists(BODIES, max_size=4))
def test_list_shows_what_each_of_its_elements_shows(schema: Any, elements: list[Any]) -> None:
    contract = of_schema({"type": "array", "items": schema})

    def shown(body: Any) -> frozenset[str]:
        old = Observation(Side.OLD, 200, JSON, orjson.dumps(body))
        found = items_of(Request("POST", "/a"), old, contract)
        return frozenset(item for item in found if "$[*]" in item)

    assert shown(elements) == frozenset[str]().union(*(shown([element]) for element in elements))


XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"><xs:complexType><xs:sequence>
  <xs:element name="b" minOccurs="0" maxOccurs="unbounded" nillable="true"><xs:complexType><xs:sequence>
    <xs:element name="c" type="xs:boolean" minOccurs="0"/>
    <xs:element name="d"><xs:simpleType><xs:restriction base="xs:string"><xs:maxLength value="2"/></xs:restriction>
    </xs:simpleType></xs:element></xs:sequence><xs:attribute name="e"/></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""
ELEMENT = Schemas([etree.fromstring(XSD)]).element(etree.fromstring(XSD), "a")
SOAP = finished(Contract("x", "soap", ELEMENT, answers={"a": ELEMENT}, faults={"a": ELEMENT}))
TREES = st.recursive(
    st.sampled_from(["", "true", "xx", "0"]),
    lambda inner: st.lists(st.tuples(st.sampled_from("abcd"), inner), max_size=4),
)


def written(tree: Any) -> str:
    return (
        tree if isinstance(tree, str) else "".join(f"<{name} e='1'>{written(inner)}</{name}>" for name, inner in tree)
    )


@given(TREES, st.sampled_from(["{}", "<a>{}</a>", "<s:Fault><detail>{}</detail></s:Fault>"]))
def test_soap_exchange_shows_items_of_the_contract_only(tree: Any, around: str) -> None:
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f"{around.format(written(tree))}</s:Body></s:Envelope>"
    ).encode()
    xml = (("content-type", "text/xml"),)
    shown = items_of(Request("POST", "/", xml, body), Observation(Side.OLD, 200, xml, body), SOAP)
    assert shown <= SOAP.items
