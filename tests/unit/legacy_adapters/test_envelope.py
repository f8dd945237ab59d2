import pytest
from lxml import etree

from legacy_adapters.envelope import SOAP, NotSoap, SoapFault, fault_of, parse, plain, render_fault, wrap

OPEN, CLOSE = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>', "</s:Body></s:Envelope>"


def test_parse_gives_the_element_in_the_body():
    assert parse(f"{OPEN}<!-- hello --><a/>{CLOSE}".encode()).tag == "a"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"<html><body>Service unavailable</body></html>", "its root is html"),
        (b"not XML at all", "not XML: line 1"),
        (b"", "not XML"),
        (f"{OPEN}{CLOSE}".encode(), "0 elements"),
        (f"{OPEN}<a/><b/>{CLOSE}".encode(), "2 elements"),
        (f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{OPEN}<a>&e;</a>{CLOSE}'.encode(), "document type"),
    ],
)
def test_parse_says_why_it_is_not_soap(raw: bytes, says: str):
    with pytest.raises(NotSoap, match=says):
        parse(raw)


def test_parse_reads_cp1252_only_where_it_was_told_to():
    raw = f'<?xml version="1.0" encoding="UTF-8"?>{OPEN}<name>O~Neill</name>{CLOSE}'.encode().replace(b"~", b"\x92")
    with pytest.raises(NotSoap):
        parse(raw)
    assert parse(raw, "cp1252").text == "O\u2019Neill"


def test_wrap_and_parse_are_each_other_s_inverse():
    assert parse(wrap(etree.fromstring('<a xmlns="urn:x"><b/></a>'))).tag == "{urn:x}a"


def test_fault_survives_the_wire():
    fault = fault_of(parse(render_fault(SoapFault("Client", "No such person", {"NotFound": {"code": 7}}), "urn:x")))
    assert fault is not None
    assert (fault.code, fault.message, fault.detail) == ("soap:Client", "No such person", {"NotFound": {"code": "7"}})


def test_fault_of_anything_else_is_none():
    assert fault_of(etree.fromstring("<a/>")) is None


def test_plain_makes_a_list_where_a_name_repeats():
    assert plain(etree.fromstring("<a><b>1</b><b>2</b><c/></a>")) == {"b": ["1", "2"], "c": ""}
