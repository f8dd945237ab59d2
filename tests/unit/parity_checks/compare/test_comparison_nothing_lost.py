"""Answers that a caller tells apart, and that a reading could make equal."""

from typing import Any

import pytest

from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Observation
from strangler.plan.comparison import Compare
from strangler.stages import Side

BYTES = "application/octet-stream"
FORM = "application/x-www-form-urlencoded"
FIELDS = "multipart/form-data; boundary=b"
PARTS = "multipart/mixed; boundary=b"
XML = "text/xml"


def part(head: bytes, body: bytes) -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n--b--\r\n"


def kinds(old: bytes, new: bytes, content_type: str, *rules: dict[str, Any]) -> list[str]:
    headers = (("content-type", content_type),)
    compiled = compile_rules("op", Compare.model_validate({"rules": [{"why": "a test", **rule} for rule in rules]}))
    result = compare(Observation(Side.OLD, 200, headers, old), Observation(Side.NEW, 200, headers, new), compiled)
    assert isinstance(result, Comparison), result
    return [found.kind.value for found in result.differences]


@pytest.mark.parametrize(
    ("content_type", "old", "new", "expected"),
    [
        (BYTES, b"\n", b"", ["missing"]),
        (BYTES, b"\n", b" \n", ["length"]),
        ("text/plain", b" ", b"  ", ["value"]),
        (FORM, b"a=%FF", b"a=%FE", ["value"]),
        (FORM, b"a=%C3%A9", b"a=%E9", ["charset"]),
        (FORM, b"a=%EF%BF%BD", b"a=%E9", ["charset", "value"]),
        (FIELDS, part(b"Content-Disposition: form-data; name=a", b"\xe9"),
         part(b"Content-Disposition: form-data; name=a", b"\xc3\xa9"), ["type"]),
        (PARTS, part(b"Content-Disposition: inline", b"x"), part(b"Content-Disposition: attachment", b"x"),
         ["surplus"]),
        (PARTS, part(b"Content-Disposition: inline; name=a", b"x"), part(b"Content-Disposition: inline; name=b", b"x"),
         ["value"]),
        (XML, "<a>\u00a0<b/></a>".encode(), b"<a><b/></a>", ["missing"]),
        (XML, "<a><c/>\u2003<b/></a>".encode(), b"<a><c/> <b/></a>", ["missing"]),
    ],
)  # fmt: skip
def test_comparison_tells_apart_what_a_caller_does(
    content_type: str, old: bytes, new: bytes, expected: list[str]
) -> None:
    assert kinds(old, new, content_type) == expected
    assert len(expected) == len(kinds(new, old, content_type))
    assert kinds(old, old, content_type) == []
    assert kinds(new, new, content_type) == []


@pytest.mark.parametrize("content_type", ["application/json", XML, "text/html", "text/csv"])
def test_comparison_takes_white_space_for_no_body_where_it_means_nothing(content_type: str) -> None:
    assert kinds(b" \n", b"", content_type) == []


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [("", []), (' xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="t"', []), (' code="X"', ["missing"])],
)
def test_comparison_takes_no_element_with_attributes_for_an_empty_one(attribute: str, expected: list[str]) -> None:
    rule = {"path": "//b", "as": "absence", "equal": ["absent", "empty"]}
    assert kinds(f"<a><b{attribute}/></a>".encode(), b"<a/>", XML, rule) == expected
    assert kinds(f"<a><b{attribute}/><b>1</b></a>".encode(), b"<a><b>1</b></a>", XML, rule) == expected
