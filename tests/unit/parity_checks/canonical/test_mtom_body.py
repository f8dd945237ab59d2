"""MTOM: a message with its binary content beside it equals the message with everything inside."""

from base64 import b64encode

import pytest

from parity_checks.canonical.decoding import MAX_BYTES, Unreadable
from parity_checks.canonical.document import read
from parity_checks.canonical.trees import Family
from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Observation, Reason
from strangler.plan.comparison import Compare
from strangler.stages import Side

RULES = compile_rules("op", Compare(headers=()))
INCLUDE = '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="{}"/>'
LETTER = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><letter>{}</letter></e:Body></e:Envelope>'
)
SCAN = bytes(range(256)) * 5


def mtom(letter: str, *parts: tuple[str, bytes], boundary: str = "uuid:1", root: str = "root@x") -> tuple[str, bytes]:
    kind = (
        f'multipart/related; type="application/xop+xml"; start="<{root}>"; start-info="text/xml"; boundary="{boundary}"'
    )
    head = f'Content-Type: application/xop+xml; charset=UTF-8; type="text/xml"\r\nContent-ID: <{root}>'
    body = "".join([f"--{boundary}\r\n{head}\r\n\r\n", LETTER.format(letter), "\r\n"]).encode()
    for name, content in parts:
        body += f"--{boundary}\r\nContent-Type: application/pdf\r\nContent-ID: <{name}>\r\n\r\n".encode()
        body += content + b"\r\n"
    return kind, body + f"--{boundary}--".encode()


def found(old: tuple[str, bytes], new: tuple[str, bytes]) -> list[tuple[str, str, str | None, str | None]]:
    result = compare(
        Observation(Side.OLD, 200, (("content-type", old[0]),), old[1]),
        Observation(Side.NEW, 200, (("content-type", new[0]),), new[1]),
        RULES,
    )
    assert isinstance(result, Comparison), result
    return [(d.kind.value, d.path, d.old, d.new) for d in result.differences]


def test_mtom_equals_the_same_bytes_inlined() -> None:
    beside = mtom(INCLUDE.format("cid:scan%40x"), ("scan@x", SCAN))
    inside = ("text/xml; charset=utf-8", LETTER.format(b64encode(SCAN).decode()).encode())
    assert found(beside, inside) == []
    assert found(inside, beside) == []


def test_mtom_names_of_parts_and_boundaries_are_each_senders_own() -> None:
    old = mtom(INCLUDE.format("cid:1"), ("1", SCAN))
    new = mtom("\n " + INCLUDE.format("cid:other@y") + "\n", ("other@y", SCAN), boundary="zz", root="r2")
    assert found(old, new) == []


def test_mtom_other_bytes_are_one_difference_where_they_belong() -> None:
    old, new = (mtom(INCLUDE.format("cid:1"), ("1", content)) for content in (SCAN, SCAN[1:]))
    ((kind, path, _, _),) = found(old, new)
    assert (kind, path) == (
        "value",
        "/*[local-name()='Envelope']/*[local-name()='Body']/letter",
    )


def test_mtom_body_is_xml_to_every_rule() -> None:
    kind, body = mtom("x")
    assert read((("content-type", kind),), body).family is Family.XML


@pytest.mark.parametrize("letter", [INCLUDE.format("cid:gone"), INCLUDE.format("http://127.0.0.1:1/x")])
def test_mtom_part_that_is_not_there_is_unparsable(letter: str) -> None:
    kind, body = mtom(letter, ("1", SCAN))
    with pytest.raises(Unreadable) as caught:
        read((("content-type", kind),), body)
    assert caught.value.reason is Reason.UNPARSABLE


def test_mtom_one_large_part_meant_many_times_is_too_large() -> None:
    many = "".join(f"<p>{INCLUDE.format('cid:1')}</p>" for _ in range(40))
    kind, body = mtom(many, ("1", bytes(MAX_BYTES // 30)))
    with pytest.raises(Unreadable) as caught:
        read((("content-type", kind),), body)
    assert caught.value.reason is Reason.TOO_LARGE
