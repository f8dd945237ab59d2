import pytest
from lxml import etree

from parity_checks.coverage.model import Contract, finished
from parity_checks.coverage.xsd import MOST_FIELDS, Schemas

HEAD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:t" targetNamespace="urn:t">'


def items(body: str, element: str = "a") -> list[str]:
    """The items of one element, without the word before them."""
    root = etree.fromstring(f"{HEAD}{body}</xs:schema>")
    found = Schemas([root]).element(root, element)
    assert found is not None
    return sorted(item.removeprefix("request ") for item in finished(Contract("x", "soap", found)).items)


def of_type(simple: str) -> list[str]:
    """The items of one required element of a simple type."""
    member = f'<xs:element name="b"><xs:simpleType>{simple}</xs:simpleType></xs:element>'
    return items(
        f'<xs:element name="a"><xs:complexType><xs:sequence>{member}</xs:sequence></xs:complexType></xs:element>'
    )


@pytest.mark.parametrize(
    ("base", "facets", "expected"),
    [
        ("string", '<xs:minLength value="1"/><xs:maxLength value="9"/>', ["maxLength", "minLength"]),
        ("string", '<xs:length value="9"/>', []),
        ("string", '<xs:minLength value="9"/><xs:maxLength value="9"/>', []),
        ("decimal", '<xs:minInclusive value="0.00"/><xs:maxInclusive value="10"/>', ["maxInclusive", "minInclusive"]),
        ("decimal", '<xs:minExclusive value="0"/>', []),
        ("int", '<xs:minExclusive value="0"/><xs:maxExclusive value="5"/>', ["maxExclusive", "minExclusive"]),
        ("date", '<xs:minInclusive value="1900-01-01"/>', ["minInclusive"]),
        ("string", '<xs:pattern value="[A-Z]{2}"/>', []),
    ],
)
def test_restriction_gives_the_bounds_that_a_value_can_stand_at(base: str, facets: str, expected: list[str]) -> None:
    found = of_type(f'<xs:restriction base="xs:{base}">{facets}</xs:restriction>')
    assert found == [f"//b boundary {word}" for word in expected]


def test_restriction_of_a_restriction_keeps_what_it_does_not_say() -> None:
    most = '<xs:restriction base="xs:string"><xs:maxLength value="9"/></xs:restriction>'
    code = f'<xs:simpleType name="C">{most}</xs:simpleType>'
    member = '<xs:simpleType><xs:restriction base="C"><xs:minLength value="2"/></xs:restriction></xs:simpleType>'
    found = items(
        f'{code}<xs:element name="a"><xs:complexType><xs:all><xs:element name="b">{member}</xs:element></xs:all>'
        "</xs:complexType></xs:element>"
    )
    assert found == ["//b boundary maxLength", "//b boundary minLength"]


def test_boolean_has_both_values() -> None:
    assert of_type('<xs:restriction base="xs:boolean"/>') == ["//b = false", "//b = true"]


def test_choice_gives_each_branch_and_says_nothing_of_what_is_missing() -> None:
    found = items(
        '<xs:element name="a"><xs:complexType><xs:choice><xs:element name="b" type="xs:string"/>'
        '<xs:element name="c" type="xs:string"/></xs:choice></xs:complexType></xs:element>'
    )
    assert found == ["//b present", "//c present"]


def test_group_that_may_repeat_makes_lists_of_its_members() -> None:
    found = items(
        '<xs:element name="a"><xs:complexType><xs:sequence minOccurs="0" maxOccurs="3">'
        '<xs:element name="b" type="xs:string"/></xs:sequence></xs:complexType></xs:element>'
    )
    assert found == ["//b boundary maxOccurs", "//b size 0", "//b size 1", "//b size many"]


def test_extension_has_what_it_extends_and_attributes_have_their_own_items() -> None:
    found = items(
        '<xs:complexType name="B"><xs:sequence><xs:element name="b" type="xs:string" minOccurs="0"/></xs:sequence>'
        '</xs:complexType><xs:element name="a"><xs:complexType><xs:complexContent><xs:extension base="B">'
        '<xs:sequence><xs:element name="c" type="xs:string" nillable="true"/></xs:sequence>'
        '<xs:attribute name="code"/><xs:attribute name="kind" use="required"/>'
        "</xs:extension></xs:complexContent></xs:complexType></xs:element>"
    )
    assert found == ["//@code absent", "//@code present", "//b absent", "//b present", "//c nil"]


def test_type_within_itself_is_not_followed_again() -> None:
    found = items(
        '<xs:complexType name="T"><xs:sequence><xs:element name="t" type="T" minOccurs="0"/></xs:sequence>'
        '</xs:complexType><xs:element name="a" type="T"/>'
    )
    assert found == ["//t absent", "//t present"]


def test_types_that_all_use_each_other_are_bounded() -> None:
    names = [f"T{number}" for number in range(12)]
    types = "".join(
        f'<xs:complexType name="{one}"><xs:sequence>'
        + "".join(f'<xs:element name="e{other}" type="{other}" minOccurs="0"/>' for other in names)
        + "</xs:sequence></xs:complexType>"
        for one in names
    )
    root = etree.fromstring(f'{HEAD}{types}<xs:element name="a" type="T0"/></xs:schema>')
    found = Schemas([root]).element(root, "a")
    assert found is not None
    contract = finished(Contract("x", "soap", found))
    assert len(contract.items) == 2_000
    assert 0 < contract.left_out < 2 * MOST_FIELDS + 2_000
