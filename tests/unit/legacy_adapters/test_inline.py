import pytest
from lxml import etree

from legacy_adapters.inline import MOST_DOCUMENTS, OutsideReference, inlined

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
WSDL = f"""<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:tns="urn:t" {XS}><types>
<xs:schema><xs:import namespace="urn:t" schemaLocation="%s"/></xs:schema></types></definitions>"""
HERE = "http://old.example:81/pensions?wsdl"


def test_inlined_brings_in_what_is_of_the_same_origin_with_its_default_namespace():
    part = f'<xs:schema {XS} xmlns="urn:t" targetNamespace="urn:t"><xs:element name="a" type="A"/></xs:schema>'
    fetched = {"http://old.example:81/t.xsd": part.encode()}
    content = inlined((WSDL % "t.xsd").encode(), HERE, fetched.__getitem__)
    schemas = list(etree.fromstring(content).iter("{http://www.w3.org/2001/XMLSchema}schema"))
    assert [schema.nsmap.get(None) for schema in schemas] == ["http://schemas.xmlsoap.org/wsdl/", "urn:t"]
    assert b"schemaLocation" not in content


@pytest.mark.parametrize(
    "place", ["http://169.254.169.254/latest", "https://old.example:81/t.xsd", "file:///etc/passwd"]
)
def test_inlined_refuses_another_origin(place: str):
    with pytest.raises(OutsideReference, match="elsewhere"):
        inlined((WSDL % place).encode(), HERE, lambda url: pytest.fail(f"fetched {url}"))


def test_inlined_stops_at_a_chain_without_end():
    def fetch(url: str) -> bytes:
        number = int(url.rpartition("/")[2]) + 1
        return f'<xs:schema {XS}><xs:include schemaLocation="{number}"/></xs:schema>'.encode()

    with pytest.raises(OutsideReference, match=str(MOST_DOCUMENTS)):
        inlined((WSDL % "0").encode(), "http://old.example/x", fetch)


def test_inlined_follows_a_circle_once():
    inside = '<xs:include schemaLocation="t.xsd"/><xs:element name="a"/>'
    part = f'<xs:schema {XS} targetNamespace="urn:t">{inside}</xs:schema>'
    content = inlined((WSDL % "t.xsd").encode(), HERE, lambda _: part.encode())
    assert content.count(b'name="a"') == 1
