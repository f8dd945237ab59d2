import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from strangler.plan.paths import json_path, xpath

DOCUMENT = {"a": {"b": [1, {"c": "x"}], "odd name": 2}, "list": [{"c": "y"}, {"c": "z"}]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", [DOCUMENT]),
        ("$.a.b[0]", [1]),
        ("$.a.b[-1].c", ["x"]),
        ("$.a.b[9]", []),
        ("$.a['odd name']", [2]),
        ('$["a"]["odd name"]', [2]),
        ("$.list[*].c", ["y", "z"]),
        ("$.list.*.c", ["y", "z"]),
        ("$..c", ["x", "y", "z"]),
        ("$.none.c", []),
        ("$.a[0]", []),
    ],
)
def test_json_path_finds_values_in_document_order(path: str, expected: list[object]) -> None:
    assert list(json_path(path).find(DOCUMENT)) == expected


@pytest.mark.parametrize("path", ["", "a.b", "$.", "$a", "$[", "$[?(@.a)]", "$[1:2]", "$.a b", "$...a"])
def test_json_path_refuses_what_it_does_not_know(path: str) -> None:
    with pytest.raises(ValueError, match="JSONPath"):
        json_path(path)


XML = etree.fromstring(
    b'<e:Envelope xmlns:e="urn:e" xmlns="urn:d"><e:Body><and kind="k"><nino>AB</nino><nino>CD</nino></and>'
    b"<div>6</div></e:Body></e:Envelope>"
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("string(//nino)", "AB"),
        ("string(//nino[2])", "CD"),
        ("string(/Envelope/Body/and/nino)", "AB"),
        ("string(//and/@kind)", "k"),
        ("string(//and/attribute::kind)", "k"),
        ("string(//and[@kind='k' and nino='CD']/nino[position() = last()])", "CD"),
        ("string(/*/*/descendant::nino)", "AB"),
        ("count(//nino) * 2", 4.0),
        ("//div div 2", 3.0),
        ("string(//nino/text())", "AB"),
        ("local-name(/*/*[1]/*[1])", "and"),
        ("string(//nino/../@kind)", "k"),
    ],
)
def test_xpath_matches_unprefixed_names_by_local_name(path: str, expected: object) -> None:
    assert xpath(path)(XML) == expected


@pytest.mark.parametrize(
    "path", ["", " ", "//", "//a[", "e:Body", "$.a", "//a b", "#", "a/", "unknown(a)~", "re:test(., 'a')", "//@p:id"]
)
def test_xpath_refuses_what_is_none(path: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        xpath(path)


@given(st.text("/@*[]()'\"=$.:abcdiv and 12|+-", max_size=20))
def test_paths_raise_nothing_but_value_error(text: str) -> None:
    for compile_path in (json_path, xpath):
        try:
            compile_path(text)
        except ValueError as error:
            assert str(error)  # noqa: PT017  either way is right; only another exception is not
