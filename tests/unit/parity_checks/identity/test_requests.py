import gzip
import json
import string
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from parity_checks.canonical.decoding import undo_encoding
from parity_checks.identity.requests import find
from strangler.exchange import Request
from strangler.plan.comparison import UseId

SOAP = (
    '<?xml version="1.0" encoding="{charset}"?>\r\n<s:Envelope xmlns:s="urn:soap" xmlns="urn:a" xmlns:q="urn:q">'
    "<s:Body><!-- 17 --><get  q:ref = '17' ref=\"17\">\n <id>  17 </id><name>O'Neill £17</name><id/><id>18</id>"
    "<id><![CDATA[17]]></id><id>&#49;7</id></get></s:Body></s:Envelope>\n"
)


def use(**place: str) -> UseId:
    return UseId.model_validate({"name": "thing", "at": place})


def sent(request: Request, known: dict[str, str], *uses: UseId) -> tuple[Request, list[str]]:
    made, left = find(request, uses).exchanged({("thing", one): other for one, other in known.items()})
    return made, [value for _, value in left]


@pytest.mark.parametrize(
    ("place", "target", "known", "expected"),
    [
        ({"path": "^/things/([^/]+)"}, "/things/17/parts?id=17", {"17": "A 9/x"}, "/things/A%209%2Fx/parts?id=17"),
        ({"path": "/([0-9a-f%-]+)(?=/|$)"}, "/a/17/b/18", {"17": "9", "18": "8"}, "/a/9/b/8"),
        ({"path": "^/things/([^/]+)"}, "/things/a%2Fb", {"a/b": "c"}, "/things/c"),
        ({"path": "^/others/([^/]+)"}, "/things/17", {"17": "9"}, "/things/17"),
        ({"query": "id"}, "/things?a=17&id=17&id=18&%69d=17", {"17": "9&1"}, "/things?a=17&id=9%261&id=18&id=9%261"),
        ({"query": "id"}, "/things?id&id=&x=17", {"17": "9", "": "8"}, "/things?id&id=&x=17"),
        ({"query": "an id"}, "/things?an+id=a+b", {"a b": "c"}, "/things?an+id=c"),
    ],
)
def test_requests_target_keeps_all_but_the_id(
    place: dict[str, str], target: str, known: dict[str, str], expected: str
) -> None:
    made, _ = sent(Request("GET", target), known, use(**place))
    # A name's own spelling stays: only values are exchanged.
    assert made.target.replace("%69d", "id") == expected


def test_requests_query_name_keeps_its_spelling() -> None:
    made, _ = sent(Request("GET", "/a?%69d=17"), {"17": "9"}, use(query="id"))
    assert made.target == "/a?%69d=9"


@pytest.mark.parametrize("other", ["..", ".", ""])
def test_requests_path_never_becomes_another_path(other: str) -> None:
    made, left = sent(Request("GET", "/a/17"), {"17": other}, use(path="^/a/([^/]+)"))
    assert (made.target, left) == ("/a/17", ["17"])


@pytest.mark.parametrize("other", ["9\r\nX-Admin: 1", "9\n", "Ł", "\x00", " "])
def test_requests_header_never_becomes_another_field(other: str) -> None:
    made, left = sent(Request("GET", "/", (("X-Id", " 17 "), ("x-other", "17"))), {"17": other}, use(header="x-id"))
    assert (made.headers, left) == ((("X-Id", " 17 "), ("x-other", "17")), ["17"])


def test_requests_header_value_is_exchanged_whole() -> None:
    headers = (("X-Id", " 17 "), ("x-other", "17"), ("x-id", "18"))
    made, left = sent(Request("GET", "/", headers), {"17": "9"}, use(header="x-id"))
    assert (made.headers, left) == ((("X-Id", " 9 "), ("x-other", "17"), ("x-id", "18")), ["18"])


FORM = (("content-type", "application/x-www-form-urlencoded"),)


def test_requests_form_field_is_exchanged() -> None:
    made, left = sent(Request("POST", "/", FORM, b"a=1&thing=17&thing=x%2By&b="), {"x+y": "9&b=2"}, use(form="thing"))
    assert (made.body, made.body_bytes, left) == (b"a=1&thing=17&thing=9%26b%3D2&b=", 31, ["17"])


JSON = (("content-type", "application/json"),)


@pytest.mark.parametrize(
    ("path", "body", "known", "expected"),
    [
        ("$.id", '{"id" : "17", "x":1.10}', {"17": '9"'}, '{"id" : "9\\"", "x":1.10}'),
        ("$.id", '{ "id":17,"of":"17" }', {"17": "9"}, '{ "id":9,"of":"17" }'),
        ("$.id", '{"id":17}', {"17": "AR-9"}, '{"id":"AR-9"}'),
        ("$.id", '{"id":12345678901234567890}', {"12345678901234567890": "007"}, '{"id":"007"}'),
        (
            "$.ids[*]",
            '{"ids":[17, "18",\n19, null, true]}',
            {"17": "9", "18": "8"},
            '{"ids":[9, "8",\n19, null, true]}',
        ),
        ("$..id", '[{"id":"17"},{"a":{"id":"18"}}]', {"18": "8"}, '[{"id":"17"},{"a":{"id":"8"}}]'),
        ("$.id", '{"id":"\\u0031\\u0037"}', {"17": "Ł"}, '{"id":"\\u0141"}'),
        ("$['an id'][-1]", '{"an id":["17","17"]}', {"17": "9"}, '{"an id":["17","9"]}'),
    ],
)
def test_requests_json_keeps_all_but_the_id(path: str, body: str, known: dict[str, str], expected: str) -> None:
    made, _ = sent(Request("POST", "/", JSON, body.encode()), known, use(json=path))
    assert (made.body or b"").decode() == expected
    assert made.body_bytes == len(expected.encode())


@pytest.mark.parametrize("charset", ["utf-8", "cp1252", "iso-8859-1", "utf-16-le"])
def test_requests_xml_keeps_all_but_the_id(charset: str) -> None:
    text = SOAP.format(charset="utf-16" if charset == "utf-16-le" else charset)
    mark = b"\xff\xfe" if charset == "utf-16-le" else b""
    request = Request("POST", "/", (("content-type", "text/xml"),), mark + text.encode(charset))
    made, left = sent(request, {"17": "<9>"}, use(xpath="//id"))
    expected = (
        text.replace("  17 ", "  &lt;9&gt; ").replace("<![CDATA[17]]>", "&lt;9&gt;").replace("&#49;7", "&lt;9&gt;")
    )
    assert ((made.body or b"").removeprefix(mark).decode(charset), left) == (expected, ["18"])


def test_requests_xml_attribute_is_told_by_its_namespace() -> None:
    text = SOAP.format(charset="utf-8")
    request = Request("POST", "/", (("content-type", "text/xml"),), text.encode())
    made, _ = sent(request, {"17": "'\"9"}, use(xpath="//get/@ref"))
    assert (made.body or b"").decode() == text.replace(' ref="17"', ' ref="&apos;&quot;9"')
    made, _ = sent(request, {"17": "9"}, use(xpath="//@*[local-name()='ref']"))
    assert (made.body or b"").decode() == text.replace(' ref="17"', ' ref="9"').replace("'17'", "'9'")


def test_requests_xml_id_that_its_charset_lacks_is_a_character_reference() -> None:
    body = '<?xml version="1.0" encoding="cp1252"?><id>17</id>'.encode("cp1252")
    made, _ = sent(Request("POST", "/", (("content-type", "text/xml"),), body), {"17": "Ł9"}, use(xpath="/id"))
    assert etree.fromstring(made.body or b"").text == "Ł9"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, br"])
def test_requests_body_keeps_its_content_encoding(coding: str) -> None:
    from parity_checks.identity.bodies import _compressed

    body = b'{"id":"17"}'
    for one in coding.split(", "):
        body = gzip.compress(body) if one == "gzip" else _compressed(body, one)
    made, _ = sent(Request("POST", "/", (*JSON, ("Content-Encoding", coding)), body), {"17": "9"}, use(json="$.id"))
    assert undo_encoding(made.body or b"", coding) == b'{"id":"9"}'
    assert made.body_bytes == len(made.body or b"")


def test_requests_several_ids_in_several_places() -> None:
    request = Request("PUT", "/things/17?other=21", (*JSON, ("x-id", "17")), b'{"id":17,"others":[21,22]}')
    uses = (
        use(path="^/things/([^/]+)"),
        use(header="x-id"),
        use(json="$.id"),
        UseId.model_validate({"name": "other", "at": {"query": "other"}}),
        UseId.model_validate({"name": "other", "at": {"json": "$.others[*]"}}),
    )
    spots = find(request, uses)
    made, left = spots.exchanged({("thing", "17"): "9", ("other", "21"): "B", ("thing", "22"): "wrong"})
    assert spots.ids == (("thing", "17"), ("other", "21"), ("other", "22")) or set(spots.ids) == {
        ("thing", "17"),
        ("other", "21"),
        ("other", "22"),
    }
    assert (made.target, made.headers[-1], made.body) == (
        "/things/9?other=B",
        ("x-id", "9"),
        b'{"id":9,"others":["B",22]}',
    )
    assert left == (("other", "22"),)


@pytest.mark.parametrize(
    ("headers", "body", "place"),
    [
        (JSON, b'{"id":', {"json": "$.id"}),
        (JSON, b'{"id":17}}', {"json": "$.id"}),
        (JSON, b"[" * 100_000, {"json": "$.id"}),
        (JSON, b'{"id":"\xff17"}', {"json": "$.id"}),
        ((*JSON, ("content-encoding", "gzip")), b'{"id":17}', {"json": "$.id"}),
        ((*JSON, ("content-encoding", "gzip")), gzip.compress(b" " * 17_000_000), {"json": "$.id"}),
        ((("content-type", "text/xml"),), b"<id>17", {"xpath": "//id"}),
        ((("content-type", "text/xml"),), b'<!DOCTYPE a [<!ENTITY b "17">]><id>&b;</id>', {"xpath": "//id"}),
        ((("content-type", "text/xml"),), b"<a>" * 10_000 + b"</a>" * 10_000, {"xpath": "//a"}),
        ((("content-type", "text/xml; charset=utf-8"),), b"<id>\xff17</id>", {"xpath": "//id"}),
    ],
)
def test_requests_body_that_cannot_be_read_is_sent_as_it_is(
    headers: tuple[tuple[str, str], ...], body: bytes, place: dict[str, str]
) -> None:
    request = Request("POST", "/", headers, body)
    spots = find(request, (use(**place),))
    assert (spots.ids, bool(spots.complaint)) == ((), True)
    assert spots.exchanged({("thing", "17"): "9"})[0] is request


def test_requests_body_that_was_not_captured_is_a_complaint() -> None:
    assert find(Request("POST", "/", JSON, None, 9_000_000), (use(json="$.id"),)).complaint
    assert not find(Request("GET", "/"), (use(json="$.id"),)).complaint


def test_requests_element_with_elements_is_no_id() -> None:
    request = Request("POST", "/", (("content-type", "text/xml"),), b"<a><id>17<b/></id><id> </id></a>")
    assert find(request, (use(xpath="//id"), use(xpath="string(//id)"), use(xpath="//id/text()"))).ids == ()


ID = st.text(min_size=1, max_size=12).filter(lambda text: text.strip() == text and "\x00" not in text)
XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20)
XML_ID = XML_TEXT.filter(lambda text: bool(text) and text.strip() == text)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | ID, lambda one: st.lists(one) | st.dictionaries(ID, one)),
    ID,
    ID,
)
def test_requests_json_reads_as_with_the_id_put_in(beside: Any, old: str, new: str) -> None:
    document = {"beside": beside, "list": [{"id": old}, {"id": "another " + old}], "after": beside}
    body = json.dumps(document, indent=1).encode()
    made, _ = sent(Request("POST", "/", JSON, body), {old: new}, use(json="$.list[*].id"))
    document["list"][0]["id"] = new
    assert json.loads(made.body or b"") == document


@given(XML_TEXT, XML_ID, XML_ID)
def test_requests_xml_reads_as_with_the_id_put_in(beside: str, old: str, new: str) -> None:
    def made_with(value: str) -> str:
        return f"<a b={quoteattr(beside)}>{escape(beside)}<!-- > --><id of={quoteattr(value)}>{escape(value)}</id></a>"

    request = Request("POST", "/", (("content-type", "text/xml"),), made_with(old).encode())
    made, left = sent(request, {old: new}, use(xpath="//id"), use(xpath="//id/@of"))
    assert left == []
    assert etree.tostring(etree.fromstring(made.body or b"", None), method="c14n") == etree.tostring(
        etree.fromstring(made_with(new).encode()), method="c14n"
    )


@given(ID, ID, st.text(string.printable, max_size=10))
def test_requests_query_reads_as_with_the_id_put_in(old: str, new: str, beside: str) -> None:
    from urllib.parse import quote

    old, new = old.encode("utf-8", "replace").decode(), new.encode("utf-8", "replace").decode()
    request = Request("GET", f"/a/{quote(old, safe='')}/b?x={quote(beside, safe='')}&id={quote(old, safe='')}")
    made, left = sent(request, {old: new}, use(query="id"), use(path="^/a/([^/]+)/b$"))
    if new in {".", ".."}:
        assert left == [old]
    else:
        assert unquote(made.path) == f"/a/{new}/b"
    assert parse_qsl(made.query, keep_blank_values=True) == [("x", beside), ("id", new)]


def test_requests_path_that_is_spelled_otherwise_is_a_complaint() -> None:
    uses = (use(path="^/things/([^/]+)"), use(path="^/others/([^/]+)"), use(query="id"))
    assert find(Request("GET", "/%74hings/17"), uses).complaint == "the path has none"
    assert find(Request("GET", "/others/17"), uses).complaint == ""
    assert find(Request("GET", "/else"), (use(query="id"),)).complaint == ""


TYPES = st.sampled_from(
    [
        "application/json",
        "text/xml; charset=utf-16",
        "text/xml",
        "application/x-www-form-urlencoded",
        "application/json; charset=idna",
        "text/xml; charset=unicode_escape",
        "multipart/form-data",
        "",
    ]
)


@given(
    st.binary(max_size=60) | st.sampled_from([b'{"id":17}', b"<id>17</id>", b"id=17"]).map(lambda body: body[:-1]),
    TYPES,
    st.sampled_from(["", "gzip", "br", "deflate", "zstd"]),
)
def test_requests_whatever_is_sent_is_read_or_complained_of(body: bytes, content_type: str, coding: str) -> None:
    headers = (("content-type", content_type), ("content-encoding", coding))
    request = Request("POST", "/", headers, body)
    spots = find(request, (use(json="$..id"), use(xpath="//id"), use(form="id"), use(header="content-type")))
    made, _ = spots.exchanged(dict.fromkeys(spots.ids, "9"))
    assert made.method == "POST"
    if not spots.ids:
        assert made is request


@pytest.mark.parametrize("beside", ["x", "£"])
def test_requests_with_thousands_of_ids_are_gone_through_once(beside: str) -> None:
    text = "<a>" + "".join(f"<b>{beside}<c id='{n}'/></b>" for n in range(20_000)) + "</a>"
    request = Request("POST", "/", (("content-type", "text/xml"),), text.encode())
    made, left = sent(request, {str(n): f"N{n}" for n in range(20_000)}, use(xpath="//c/@id"))
    assert left == []
    assert (made.body or b"").decode() == text.replace("id='", "id='N")
