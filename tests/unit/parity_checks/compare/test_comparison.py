import gzip
import json
import zlib
from typing import Any

import pytest

from parity_checks.compare.comparison import Comparison, NotCompared, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import DifferenceKind, Observation, Reason
from strangler.plan.comparison import Compare
from strangler.stages import Side

JSON = "application/json"
XML = "text/xml; charset=utf-8"


def answer(
    side: Side, body: bytes | str, content_type: str | None = JSON, status: int = 200, **headers: str
) -> Observation:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if content_type:
        fields.append(("Content-Type", content_type))
    raw = body.encode() if isinstance(body, str) else body
    return Observation(side, status, tuple(fields), raw, len(raw))


def compared(
    old: bytes | str | Any,
    new: bytes | str | Any,
    *rules: dict[str, Any],
    content_type: str | None = JSON,
    **compare_: Any,
) -> Comparison:
    old, new = (body if isinstance(body, bytes | str) else json.dumps(body) for body in (old, new))
    compiled = compile_rules(
        "pensions.get", Compare.model_validate({"rules": [{"why": "because", **rule} for rule in rules], **compare_})
    )
    result = compare(answer(Side.OLD, old, content_type), answer(Side.NEW, new, content_type), compiled)
    assert isinstance(result, Comparison), result
    return result


def found(*args: Any, **kwargs: Any) -> list[tuple[str, str, str | None, str | None]]:
    return [(d.kind.value, d.path, d.old, d.new) for d in compared(*args, **kwargs).differences]


def refused(old: bytes, new: bytes, content_type: str = JSON, **headers: str) -> tuple[Reason, str]:
    compiled = compile_rules("op", Compare())
    result = compare(
        answer(Side.OLD, old, content_type, **headers), answer(Side.NEW, new, content_type, **headers), compiled
    )
    assert isinstance(result, NotCompared), result
    return result.reason, result.detail


# JSON


def test_json_equal_bodies_with_other_spacing_and_order_have_no_difference() -> None:
    assert found('{"a":1,"b":[1,2]}', '{ "b": [1, 2], "a": 1 }') == []


def test_json_numbers_compare_as_numbers() -> None:
    assert found('{"a":1.10,"b":1,"c":1e2}', '{"a":1.1,"b":1.0,"c":100}') == []


def test_json_numbers_beyond_a_double_are_told_apart() -> None:
    assert found('{"a":0.1}', '{"a":0.10000000000000000001}') == [("value", "$.a", "0.1", "0.10000000000000000001")]
    assert found('{"a":12345678901234567890}', '{"a":12345678901234567891}') == [
        ("value", "$.a", "12345678901234567890", "12345678901234567891")
    ]


def test_json_true_is_not_one() -> None:
    assert found('{"a":true}', '{"a":1}') == [("type", "$.a", "true", "1")]
    assert found('{"a":true,"b":1}', '{"a":1,"b":true}') != []


def test_json_text_is_not_number() -> None:
    assert found('{"a":"12"}', '{"a":12}') == [("type", "$.a", '"12"', "12")]


def test_json_null_absent_and_empty_are_three_things() -> None:
    assert found({"a": None}, {}) == [("missing", "$.a", "null", None)]
    assert found({}, {"a": None}) == [("surplus", "$.a", None, "null")]
    assert found({"a": None}, {"a": ""}) == [("type", "$.a", "null", '""')]


def test_json_path_with_odd_name_can_be_pasted() -> None:
    assert found({"it's": {"a b": 1}}, {"it's": {"a b": 2}})[0][1] == r"$['it\'s']['a b']"


def test_json_one_item_list_against_scalar_is_a_type_difference() -> None:
    assert found({"a": [1]}, {"a": 1}) == [("type", "$.a", "[1]", "1")]


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":1',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"1" * 5000,
        b'{"a": 1e9999999999999999999}',
    ],
)
def test_json_that_cannot_be_trusted_is_unparsable(body: bytes) -> None:
    assert [d[:2] for d in found(body, b'{"b":1}')] == [("unparsable", "$")]
    assert [d[:2] for d in found(b'{"b":1}', body)] == [("unparsable", "$")]
    assert refused(body, body)[0] is Reason.UNPARSABLE


def test_json_duplicate_member_on_both_sides_is_unparsable() -> None:
    assert refused(b'{"a":1,"a":2}', b'{"a":3,"a":2}')[0] is Reason.UNPARSABLE
    assert refused(b'{"a":1,"a":2}', b'{"a":1,"a":2}')[0] is Reason.UNPARSABLE


def test_unparsable_on_one_side_is_a_difference_that_says_which_and_why() -> None:
    ((kind, path, old, new),) = found(b'{"a":1}', b"{")
    assert (kind, path, old) == ("unparsable", "$", "json, as declared")
    assert (new or "").startswith("new: no JSON")
    assert found(b"<a>", b"<a/>", content_type=XML)[0][:2] == ("unparsable", "/")


def test_unparsable_on_both_sides_is_not_compared() -> None:
    reason, detail = refused(b"{", b"[")
    assert reason is Reason.UNPARSABLE
    assert detail.startswith("old: no JSON")


# Lists


def test_list_one_inserted_in_200_is_one_difference() -> None:
    old = [{"id": n, "name": f"n{n}", "on": n % 2 == 0} for n in range(200)]
    new = [*old[:70], {"id": 999, "name": "x", "on": True}, *old[70:]]
    assert found({"list": old}, {"list": new}) == [("surplus", "$.list[70]", None, '{"id":999,"name":"x","on":true}')]


def test_list_cut_at_50_has_one_signature() -> None:
    result = compared({"list": list(range(60))}, {"list": list(range(50))})
    assert {d.kind for d in result.differences} == {DifferenceKind.MISSING}
    assert {d.general_path for d in result.differences} == {"$.list[*]"}
    assert len({d.signature for d in result.differences}) == 1
    assert len(result.differences) == 10


def test_list_changed_and_inserted_are_told_apart() -> None:
    old = [{"id": n, "a": 1, "b": 2} for n in range(6)]
    new = [dict(one) for one in old]
    new[3]["b"] = 9
    new.insert(3, {"id": 77, "a": 5, "b": 5})
    assert found(old, new) == [("value", "$[3].b", "2", "9"), ("surplus", "$[3]", None, '{"id":77,"a":5,"b":5}')]


def test_list_moved_element_is_one_order_difference() -> None:
    assert found([1, 2, 3, 4], [4, 1, 2, 3]) == [("order", "$", "4 in this order", "1 of 4 at another place")]


def test_list_without_order_by_rule_has_no_difference() -> None:
    rule = {"path": "$.contacts", "as": "set"}
    old = [{"id": n} for n in range(50)]
    assert found({"contacts": old}, {"contacts": old[::-1]}, rule) == []


def test_list_by_key_reports_the_member_that_differs() -> None:
    old = [{"id": n, "phone": str(n)} for n in range(5)]
    new = [{**one} for one in old][::-1]
    new[0]["phone"] = "changed"
    rule = {"path": "$.c", "as": "set", "by": "id"}
    assert found({"c": old}, {"c": new}, rule) == [("value", "$.c[4].phone", "4", "changed")]
    assert found({"c": old}, {"c": new[1:]}, rule) == [("missing", "$.c[4]", '{"id":4,"phone":"4"}', None)]


def test_list_elements_with_opaque_members_align() -> None:
    old = {"payments": [{"ref": f"A{n}", "amount": n} for n in range(20)]}
    new = {"payments": [{"ref": f"B{n}", "amount": n} for n in range(20) if n != 7]}
    rule = {"path": "$.payments[*].ref", "as": "opaque"}
    assert found(old, new, rule) == [("missing", "$.payments[7]", '{"ref":"A7","amount":7}', None)]


def test_list_of_100_000_is_compared() -> None:
    old = [n % 977 for n in range(100_000)]
    new = [*old[:40_000], -1, *old[40_000:90_000], *old[90_001:]]
    assert [(kind, path) for kind, path, _, _ in found(old, new)] == [("missing", "$[90000]"), ("surplus", "$[40000]")]


def test_list_of_100_000_altogether_different_is_bounded() -> None:
    result = compared(list(range(50_000)), list(range(50_000, 100_000)))
    assert len(result.differences) == 25
    assert result.left_out == 49_975


# XML

SOAP = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<p:R xmlns:p="urn:p"><p:name>{name}</p:name><p:pay>1</p:pay><p:pay>2</p:pay></p:R></s:Body></s:Envelope>'
)


def test_xml_prefixes_space_and_attribute_order_make_no_difference() -> None:
    old = '<a:r xmlns:a="urn:x"><a:v b="1" c="2">t</a:v></a:r>'
    new = '<?xml version="1.0"?>\n<r xmlns="urn:x">\n  <v c="2" b="1">t</v>\n</r>'
    assert found(old, new, content_type=XML) == []


def test_xml_other_namespace_is_a_difference() -> None:
    assert found('<r xmlns="urn:x"/>', '<r xmlns="urn:y"/>', content_type=XML) == [
        ("value", "/", "{urn:x}r", "{urn:y}r")
    ]


def test_xml_path_can_be_pasted_and_generalised() -> None:
    result = compared(SOAP.format(name="A"), SOAP.format(name="A").replace(">2<", ">3<"), content_type=XML)
    (difference,) = result.differences
    assert difference.path == (
        "/*[local-name()='Envelope']/*[local-name()='Body']/*[local-name()='R']/*[local-name()='pay'][2]"
    )
    assert difference.general_path == "/Envelope/Body/R/pay"


def test_xml_type_is_resolved() -> None:
    old = '<r xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:a="urn:t"><v i:type="a:T">1</v></r>'
    new = '<r xmlns:j="http://www.w3.org/2001/XMLSchema-instance" xmlns:b="urn:t"><v j:type="b:T">1</v></r>'
    assert found(old, new, content_type=XML) == []
    assert found(old, new.replace("b:T", "b:U"), content_type=XML)[0][2:] == ("{urn:t}T", "{urn:t}U")


def test_xml_nil_absent_and_empty_are_three_things() -> None:
    nil = '<r xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><a>1</a><v i:nil="true"/></r>'
    absent, empty = "<r><a>1</a></r>", "<r><a>1</a><v/></r>"
    assert found(nil, absent, content_type=XML) == [("missing", "/r/v", "nil", None)]
    assert found(nil, empty, content_type=XML) == [("type", "/r/v", "null", '""')]
    assert found(absent, empty, content_type=XML) == [("surplus", "/r/v", None, "")]
    rule = {"path": "//v", "as": "absence", "equal": ["null", "absent", "empty"]}
    assert [found(*pair, rule, content_type=XML) for pair in [(nil, absent), (nil, empty), (absent, empty)]] == [
        [],
        [],
        [],
    ]


def test_xml_elements_reordered_is_one_order_difference() -> None:
    assert found("<r><a>1</a><b>2</b></r>", "<r><b>2</b><a>1</a></r>", content_type=XML) == [
        ("order", "/r", "a b", "b a")
    ]


def test_xml_set_rule_names_the_element_or_its_parent() -> None:
    old, new = "<r><l><i>1</i><i>2</i></l></r>", "<r><l><i>2</i><i>1</i></l></r>"
    assert len(found(old, new, content_type=XML)) == 1
    assert found(old, new, {"path": "//i", "as": "set"}, content_type=XML) == []
    assert found(old, new, {"path": "/r/l", "as": "set"}, content_type=XML) == []


def test_xml_fault_is_compared_as_data() -> None:
    fault = (
        '<{p}:Envelope xmlns:{p}="http://schemas.xmlsoap.org/soap/envelope/"><{p}:Body><{p}:Fault>'
        "<faultcode>{p}:{code}</faultcode><faultstring>no</faultstring></{p}:Fault></{p}:Body></{p}:Envelope>"
    )
    old = fault.format(p="soap", code="Client")
    assert found(old, fault.format(p="env", code="Client"), content_type=XML) == []
    (difference,) = found(old, fault.format(p="env", code="Server"), content_type=XML)
    assert difference[2:] == (
        "{http://schemas.xmlsoap.org/soap/envelope/}Client",
        "{http://schemas.xmlsoap.org/soap/envelope/}Server",
    )


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE r [<!ENTITY x "y">]><r>&x;</r>',
        b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><r/>',
        b"<r><a></r>",
        b"<a>" * 10_000 + b"</a>" * 10_000,
        b"<a>" * 200 + b"</a>" * 200,
    ],
)
def test_xml_that_cannot_be_trusted_is_unparsable(body: bytes) -> None:
    assert [d[:2] for d in found(body, b"<r/>", content_type=XML)] == [("unparsable", "/")]
    assert refused(body, body, XML)[0] is Reason.UNPARSABLE


def test_xml_space_between_elements_counts_only_where_it_can_matter() -> None:
    assert found("<r><a>1</a> <b>2</b></r>", "<r><a>1</a><b>2</b></r>", content_type=XML) == []
    assert found("<r>x <a>1</a> <b>2</b></r>", "<r>x <a>1</a><b>2</b></r>", content_type=XML) != []
    kept = '<r xml:space="preserve"><s><a>1</a>{}<b>2</b></s></r>'
    assert found(kept.format(" "), kept.format(""), content_type=XML) != []
    undone = '<r xml:space="preserve"><s xml:space="default"><a>1</a>{}<b>2</b></s></r>'
    assert found(undone.format(" "), undone.format(""), content_type=XML) == []
    assert found("<r> x </r>", "<r>x</r>", content_type=XML) == [("value", "/r", " x ", "x")]


def test_xml_text_beside_elements_has_a_path_that_a_rule_can_name() -> None:
    old, new = "<r>Dear <b>A</b>, hello</r>", "<r>Dear <b>A</b>,  Hello</r>"
    assert found(old, new, content_type=XML) == [("value", "/r/text()[2]", ", hello", ",  Hello")]
    rule = {"path": "/r/text()", "as": "text", "fold": "case", "spaces": "collapse"}
    assert found(old, new, rule, content_type=XML) == []


def test_xml_array_type_of_soap_encoding_is_resolved() -> None:
    body = '<r xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" xmlns:{0}="urn:t" e:arrayType="{0}:item[2]"/>'
    assert found(body.format("a"), body.format("b"), content_type=XML) == []


# Charsets, encodings, media types


def test_body_declared_utf8_that_is_cp1252_is_read_and_reported() -> None:
    old, new = '{"name":"O’Neill"}'.encode(), '{"name":"O’Neill"}'.encode("cp1252")
    assert found(old, new) == [("charset", "headers.content-type", "utf-8, as declared", "utf-8 declared, cp1252 sent")]


def test_xml_declared_utf8_that_is_cp1252_is_read_and_reported() -> None:
    text = '<?xml version="1.0" encoding="UTF-8"?><n>O’Neill</n>'
    assert [d[0:2] for d in found(text.encode(), text.encode("cp1252"), content_type=XML)] == [
        ("charset", "headers.content-type")
    ]


def test_xml_charset_of_the_header_wins() -> None:
    assert found(b"<n>\xe9</n>", "<n>é</n>".encode("latin-1"), content_type="text/xml; charset=ISO-8859-1") == []


def test_content_type_parameters_compare_without_case() -> None:
    compiled = compile_rules("op", Compare())
    old = answer(Side.OLD, '{"a":1}', "application/json")
    new = answer(Side.NEW, '{"a":1}', "Application/JSON;Charset=UTF8")
    assert compare(old, new, compiled) == Comparison((), ())


def test_media_type_rule_about_the_header_does_not_hide_the_body() -> None:
    rule = {"path": "headers.content-type", "as": "ignore"}

    def kinds(new: bytes, new_type: str, **more: Any) -> list[str]:
        compiled = compile_rules("op", Compare.model_validate({"rules": [{**rule, "why": "a test"}], **more}))
        result = compare(answer(Side.OLD, b'{"a":1}'), answer(Side.NEW, new, new_type), compiled)
        assert isinstance(result, Comparison), result
        assert result.hidden == (1,)
        return [difference.kind.value for difference in result.differences]

    assert kinds(b"<p>session expired</p>", "text/html") == ["unparsable"]
    assert kinds(b'{"a":2}', "text/html") == ["value"]
    assert kinds(b'{"a":1}', "text/plain") == []
    assert kinds(b"<p>session expired</p>", "text/html", headers=[]) == ["unparsable"]


def test_json_against_html_is_one_media_type_difference() -> None:
    compiled = compile_rules("op", Compare())
    result = compare(answer(Side.OLD, '{"a":1}'), answer(Side.NEW, "<html>", "text/html"), compiled)
    assert isinstance(result, Comparison)
    assert [(d.kind.value, d.path, d.old, d.new) for d in result.differences] == [
        ("media_type", "headers.content-type", "application/json", "text/html")
    ]


def test_status_is_always_compared() -> None:
    compiled = compile_rules("op", Compare())
    result = compare(answer(Side.OLD, "{}"), answer(Side.NEW, "{}", status=201), compiled)
    assert isinstance(result, Comparison)
    assert [(d.kind.value, d.path, d.old, d.new) for d in result.differences] == [("status", "status", "200", "201")]


def test_chosen_headers_are_compared() -> None:
    compiled = compile_rules("op", Compare(headers=("x-total",)))
    result = compare(answer(Side.OLD, "{}", X_Total="1"), answer(Side.NEW, "{}", x_total="2"), compiled)
    assert isinstance(result, Comparison)
    assert [(d.kind.value, d.path, d.old, d.new) for d in result.differences] == [
        ("header", "headers.x-total", "1", "2")
    ]


def test_header_is_compared_by_any_rule_about_it() -> None:
    rule = {"path": "headers.x-run", "as": "opaque", "like": "[0-9]+", "why": "each server's own"}
    compiled = compile_rules("op", Compare.model_validate({"headers": ["x-run"], "rules": [rule]}))

    def told(old: str, new: str) -> object:
        result = compare(answer(Side.OLD, "{}", X_Run=old), answer(Side.NEW, "{}", X_Run=new), compiled)
        assert isinstance(result, Comparison)
        return [d.kind.value for d in result.differences], result.hidden

    assert told("1", "22") == ([], (1,))
    assert told("1", "x") == (["header"], (0,))


def test_charset_declared_otherwise_is_a_difference_of_its_own() -> None:
    compiled = compile_rules("op", Compare())
    old = answer(Side.OLD, "<n>é</n>".encode("latin-1"), "text/xml; charset=ISO-8859-1")
    new = answer(Side.NEW, "<n>é</n>".encode(), "text/xml; charset=utf-8")
    result = compare(old, new, compiled)
    assert isinstance(result, Comparison)
    assert [(d.kind.value, d.path) for d in result.differences] == [("charset", "headers.content-type")]


@pytest.mark.parametrize(
    ("declared", "sent", "told"),
    [
        ("utf-8", "cp1252", "utf-8 declared, cp1252 sent"),
        ("utf-8", "utf-16", "utf-8 declared, utf-16 sent"),
        ("iso-8859-1", "cp1252", "iso8859-1 declared, cp1252 sent"),
        ("iso-8859-1", "utf-8", "iso8859-1 declared, utf-8 sent"),
        ("us-ascii", "utf-8", "ascii declared, utf-8 sent"),
        ("utf-16", "utf-8", "utf-16 declared, utf-8 sent"),
    ],
)
@pytest.mark.parametrize("media", ["application/json", "text/plain", "text/xml", "text/html"])
def test_charset_that_lies_is_found_in_every_kind_of_text(declared: str, sent: str, told: str, media: str) -> None:
    text = {"text/xml": "<n>O’Neill é</n>", "application/json": '"O’Neill é"'}.get(media, "O’Neill é")
    compiled = compile_rules("op", Compare(headers=()))
    old, new = answer(Side.OLD, text, media), answer(Side.NEW, text.encode(sent), f"{media}; charset={declared}")
    result = compare(old, new, compiled)
    assert isinstance(result, Comparison)
    assert [(d.kind.value, d.path, d.new) for d in result.differences] == [("charset", "headers.content-type", told)]


def test_charset_lie_that_both_sides_tell_is_no_difference() -> None:
    body = "O’Neill".encode("cp1252")
    assert found(body, body + b"", content_type="text/plain; charset=utf-8") == []
    assert [d[0] for d in found(body, body + b"!", content_type="text/plain; charset=utf-8")] == ["value"]


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_content_encoding_is_undone(coding: str, pack: Any) -> None:
    compiled = compile_rules("op", Compare())
    old = answer(Side.OLD, pack(b'{"a":1}'), content_encoding=coding)
    assert compare(old, answer(Side.NEW, b'{"a": 1}'), compiled) == Comparison((), ())


def test_zip_bomb_is_too_large() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert refused(bomb, b"{}", content_encoding="gzip")[0] is Reason.TOO_LARGE


def test_brotli_bomb_is_too_large() -> None:
    import brotli

    bomb = brotli.compress(bytes(64 * 1024 * 1024), quality=1)
    assert refused(bomb, b"{}", content_encoding="br")[0] is Reason.TOO_LARGE


def test_encoding_that_lies_is_unparsable() -> None:
    assert refused(b"{}", b"{}", content_encoding="gzip")[0] is Reason.UNPARSABLE
    assert refused(b"{}", b"{}", content_encoding="zstd")[0] is Reason.UNSUPPORTED_MEDIA


def test_streamed_body_is_too_large() -> None:
    result = compare(
        Observation(Side.OLD, 200, (), None, 5_000_000), answer(Side.NEW, "{}"), compile_rules("op", Compare())
    )
    assert result == NotCompared(Reason.TOO_LARGE, "the old body was not captured")


def test_other_media_compare_by_digest_and_length() -> None:
    assert found(b"\x00\x01", b"\x00\x01", content_type="application/pdf") == []
    (difference,) = found(b"\x00\x01", b"\x00\x02", content_type="application/pdf")
    assert difference[:2] == ("value", "$")
    assert difference[2].startswith("2 bytes, digest ")  # type: ignore[union-attr]
    assert found(b"\x00\x01", b"\x00", content_type="application/pdf")[0][:2] == ("length", "$")


def test_form_bodies_compare_by_field() -> None:
    form = "application/x-www-form-urlencoded"
    assert found("a=1&b=2", "b=2&a=1", content_type=form) == []
    assert found("a=1&b=2", "a=1&b=3", content_type=form) == [("value", "$.b", "2", "3")]


def test_empty_body_against_some_is_one_difference() -> None:
    assert found("", "{}") == [("surplus", "$", None, "{}")]
    assert found("", "") == []
