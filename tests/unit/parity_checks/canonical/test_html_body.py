"""HTML: what a browser shows, and nothing else, makes a difference."""

import pytest
from lxml import etree

from parity_checks.canonical.decoding import MAX_VALUES, Unreadable
from parity_checks.canonical.html_body import read_html
from parity_checks.canonical.trees import Blob, Element
from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Observation, Reason
from strangler.plan.comparison import Compare
from strangler.stages import Side

RULES = compile_rules("op", Compare(headers=()))
HTML = (("content-type", "text/html; charset=utf-8"),)


def found(old: str, new: str) -> list[tuple[str, str, str | None, str | None]]:
    result = compare(
        Observation(Side.OLD, 200, HTML, old.encode()), Observation(Side.NEW, 200, HTML, new.encode()), RULES
    )
    assert isinstance(result, Comparison), result
    return [(d.kind.value, d.path, d.old, d.new) for d in result.differences]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<p>a  b\n c</p>", "<p>a b c</p>"),
        ("<div>\n  <p> a </p>\n  <p>b</p>\n</div>", "<div><p>a</p><p>b</p></div>"),
        ("<p>a <b> b</b></p>", "<p>a <b>b</b></p>"),
        ("<p>a<br> b</p>", "<p>a<br>b</p>"),
        ('<a href="x" class="y">t</a>', '<A CLASS="y" HREF="x">t</A>'),
        ("<input checked disabled>", '<input disabled="disabled" checked="">'),
        ("<p>a<!-- build 7 --></p>", "<p>a</p>"),
        ("<p>one<p>two", "<p>one</p><p>two</p>"),
        ("<p>&eacute;&#233;</p>", "<p>éé</p>"),
        ("<!DOCTYPE html><html><head></head><body>x</body></html>", "<html><body>x</body></html>"),
        ("<ul>\n<li>1</li>\n<li>2</li>\n</ul>", "<ul><li>1<li>2</ul>"),
    ],
)
def test_html_that_shows_the_same_has_no_difference(old: str, new: str) -> None:
    assert found(old, new) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<p>a b</p>", "<p>ab</p>"),
        ("<p><b>a</b> <i>b</i></p>", "<p><b>a</b><i>b</i></p>"),
        ("<pre>a  b</pre>", "<pre>a b</pre>"),
        ("<textarea>a\n</textarea>", "<textarea>a\n\n</textarea>"),
        ("<p>a&nbsp;b</p>", "<p>a b</p>"),
        ("<script>f(1)</script>", "<script>f(2)</script>"),
        ("<style>p{color:red}</style>", "<style>p{color:blue}</style>"),
        ("<input checked>", "<input>"),
        ("<p>a</p>", "<div>a</div>"),
        ("<p><img src=a> b</p>", "<p><img src=a>b</p>"),
    ],
)
def test_html_that_shows_something_else_has_one(old: str, new: str) -> None:
    assert found(old, new) != []


def test_html_path_is_an_xpath_that_finds_the_place() -> None:
    old = "<h1>Claim</h1><table><tr><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr></table>"
    ((kind, path, before, after),) = found(old, old.replace(">2<", ">3<"))
    assert (kind, before, after) == ("value", "2", "3")
    page = etree.fromstring(old, etree.HTMLParser())
    assert [node.text for node in page.xpath(path)] == ["2"]


def test_html_scripts_are_compared_by_digest_and_length() -> None:
    assert [d[:2] for d in found("<script>aa</script>", "<script>bb</script>")] == [("value", "/html/head/script")]
    assert [d[:2] for d in found("<script>a</script>", "<script>bb</script>")] == [("length", "/html/head/script")]
    root, _, _ = read_html(b"<script>aa</script>", None)
    script = root.children[0].children[0]  # type: ignore[union-attr]
    assert isinstance(script, Element)
    assert isinstance(script.text, Blob)
    assert script.text.length == 2


def test_html_one_inserted_row_is_one_difference() -> None:
    rows = [f"<tr><td>{number}</td></tr>" for number in range(60)]
    old, new = (f"<table>{''.join(some)}</table>" for some in (rows, [*rows[:20], "<tr><td>x</td></tr>", *rows[20:]]))
    assert [d[:2] for d in found(old, new)] == [("surplus", "/html/body/table/tr[21]")]


def test_html_charset_of_its_meta_element_is_read() -> None:
    body = '<html><head><meta charset="iso-8859-1"></head><body>é</body></html>'.encode("latin-1")
    root, actual, misdeclared = read_html(body, None)
    assert (actual, misdeclared) == ("iso8859-1", "")
    assert root.children[1].text == "é"  # type: ignore[union-attr]


def test_html_nul_characters_hide_nothing_after_them() -> None:
    assert found("<p>a\0b</p><p>c</p>", "<p>a\0b</p><p>d</p>") == [("value", "/html/body/p[2]", "c", "d")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<div>" * 10_000, Reason.UNPARSABLE),
        (b"<div>" * 200 + b"x" + b"</div>" * 200, Reason.UNPARSABLE),
        (b"<b>" * 10_000 + b"x", Reason.UNPARSABLE),
        (b"<br>" * (MAX_VALUES + 1), Reason.TOO_LARGE),
        (b"<p" + b" a=1" * (MAX_VALUES + 1) + b">", Reason.TOO_LARGE),
        (b"<!-- nothing -->", Reason.UNPARSABLE),
    ],
)
def test_html_beyond_its_bounds_is_refused(body: bytes, reason: Reason) -> None:
    with pytest.raises(Unreadable) as caught:
        read_html(body, None)
    assert caught.value.reason is reason
