"""Multipart bodies: each part is read by its own media type, and every boundary is each sender's own."""

from base64 import b64encode

import pytest

from parity_checks.canonical.decoding import Unreadable
from parity_checks.canonical.document import read
from parity_checks.canonical.multipart_body import MOST_PARTS, parts_of
from parity_checks.canonical.trees import Family
from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Headers, Observation, Reason
from strangler.plan.comparison import Compare
from strangler.stages import Side

RULES = compile_rules("op", Compare())


def multipart(*parts: tuple[str, bytes], boundary: str = "b1") -> bytes:
    said = (f"--{boundary}\r\n{head}\r\n\r\n".encode() + body + b"\r\n" for head, body in parts)
    return b"".join(said) + f"--{boundary}--\r\n".encode()


def kind(name: str, boundary: str = "b1") -> str:
    return f'multipart/{name}; boundary="{boundary}"'


def found(
    old: bytes, new: bytes, name: str = "form-data", new_boundary: str = "b1"
) -> list[tuple[str, str, str | None, str | None]]:
    result = compare(
        Observation(Side.OLD, 200, (("content-type", kind(name)),), old),
        Observation(Side.NEW, 200, (("content-type", kind(name, new_boundary)),), new),
        RULES,
    )
    assert isinstance(result, Comparison), result
    return [(d.kind.value, d.path, d.old, d.new) for d in result.differences]


FIELD = 'Content-Disposition: form-data; name="{}"'
FILE = 'Content-Disposition: form-data; name="scan"; filename="{}"\r\nContent-Type: {}'


def test_multipart_form_is_read_by_name() -> None:
    body = multipart(
        (FIELD.format("nino"), "AA1é".encode()),
        (FIELD.format("why"), b"a"),
        (FIELD.format("why"), b"b"),
        (FILE.format("a.json", "application/json"), b'{"n": 1.10}'),
    )
    document = read((("Content-Type", kind("form-data")),), body)
    assert document.family is Family.MULTIPART
    assert isinstance(document.value, dict)
    assert document.value["nino"] == "AA1é"
    assert document.value["why"] == ["a", "b"]
    assert str(document.value["scan"]) == (
        "{'filename': 'a.json', 'type': 'application/json', 'body': {'n': Decimal('1.10')}}"
    )


def test_multipart_boundaries_and_order_of_fields_make_no_difference() -> None:
    one, two = (FIELD.format("a"), b"1"), (FIELD.format("b"), b"2")
    assert found(multipart(one, two), multipart(two, one, boundary="x(1)+"), new_boundary="x(1)+") == []


def test_multipart_parts_are_compared_by_their_own_media_type() -> None:
    old = multipart(
        (FILE.format("a.json", "application/json"), b'{"a": 1, "b": [1,2]}'),
        (FIELD.format("n"), b"1.10"),
    )
    new = multipart(
        (FILE.format("a.json", "application/json"), b'{"b":[1,3],"a":1.0}'),
        (FIELD.format("n"), b"1.1"),
    )
    assert found(old, new) == [("value", "$.scan.body.b[1]", "2", "3"), ("value", "$.n", "1.10", "1.1")]


def test_multipart_binary_parts_are_compared_by_digest_and_length() -> None:
    one, two, three = (
        multipart((FILE.format("a.pdf", "application/pdf"), body)) for body in (b"\0\1", b"\0\2", b"\0\1\2")
    )
    assert [d[:2] for d in found(one, two)] == [("value", "$.scan.body")]
    assert [d[:2] for d in found(one, three)] == [("length", "$.scan.body")]


def test_multipart_mixed_one_inserted_part_is_one_difference() -> None:
    parts = [(f"Content-Type: text/plain\r\nContent-ID: <p{number}>", f"text {number}".encode()) for number in range(9)]
    extra = ("Content-Type: text/plain", b"more")
    assert found(multipart(*parts), multipart(*parts[:4], extra, *parts[4:]), "mixed") == [
        ("surplus", "$[4]", None, '{"type":"text/plain","body":"more"}')
    ]


def test_multipart_part_with_a_wrong_charset_says_so() -> None:
    head = "Content-Type: text/plain; charset=utf-8"
    old, new = (multipart((head, "O’Neill".encode(charset))) for charset in ("utf-8", "cp1252"))
    assert found(old, new, "mixed") == [("surplus", "$[0].charset", None, "utf-8 declared, cp1252 sent")]


def test_multipart_transfer_encodings_of_parts_are_undone() -> None:
    plain = multipart(("Content-Type: image/png", b"\x89PNG\r\n"))
    packed = multipart(("Content-Type: image/png\r\nContent-Transfer-Encoding: BASE64", b64encode(b"\x89PNG\r\n")))
    assert found(plain, packed, "mixed") == []
    old = multipart(("Content-Type: text/plain", "é=".encode()))
    new = multipart(("Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable", b"=C3=A9=3D"))
    assert found(old, new, "mixed") == []


def test_multipart_filename_in_extended_notation_is_decoded() -> None:
    head = "Content-Disposition: form-data; name=scan; filename=a.pdf; filename*=UTF-8''%e2%82%ac.pdf"
    (part,) = parts_of(multipart((head, b"x")), "b1")
    assert part.disposition == {"name": "scan", "filename": "€.pdf"}


def nested(levels: int) -> bytes:
    body = b"x"
    for level in range(levels):
        body = multipart((f"Content-Type: multipart/mixed; boundary=b{level}", body), boundary=f"b{level + 1}")
    return body


def test_multipart_in_multipart_is_read_to_a_depth() -> None:
    def headers(level: int) -> Headers:
        return (("content-type", f"multipart/mixed; boundary=b{level}"),)

    inner = multipart(("Content-Type: text/plain", b"x"), boundary="b0")
    once = multipart(("Content-Type: multipart/mixed; boundary=b0", inner))
    assert read(headers(1), once).value == [{"type": "multipart/mixed", "body": [{"type": "text/plain", "body": "x"}]}]
    with pytest.raises(Unreadable) as caught:
        read(headers(300), nested(300))
    assert caught.value.reason is Reason.UNPARSABLE


@pytest.mark.parametrize(
    ("body", "boundary", "reason"),
    [
        (b"", "b1", Reason.UNPARSABLE),
        (b"--b1\r\n\r\nx\r\n", "b1", Reason.UNPARSABLE),
        (b"--b1--\r\n", "b1", Reason.UNPARSABLE),
        (b"--b1\r\nno header\r\n\r\nx\r\n--b1--", "b1", Reason.UNPARSABLE),
        (b"--b1\r\nA: b\r\n--b1--", "b1", Reason.UNPARSABLE),
        (b"--b1\r\nContent-Transfer-Encoding: base64\r\n\r\n=a\r\n--b1--", "b1", Reason.UNPARSABLE),
        (b"--b1\r\n\r\n\r\n--b1--", None, Reason.UNPARSABLE),
        (b"--b1\r\n\r\n\r\n--b1--", "b" * 300, Reason.UNPARSABLE),
        (b"--b1\r\n\r\nx\r\n" * (MOST_PARTS + 1) + b"--b1--", "b1", Reason.TOO_LARGE),
        (b"--b1\r\n" + b"A: b\r\n" * 100 + b"\r\nx\r\n--b1--", "b1", Reason.TOO_LARGE),
    ],
)
def test_multipart_that_is_not_what_it_says_is_refused(body: bytes, boundary: str | None, reason: Reason) -> None:
    with pytest.raises(Unreadable) as caught:
        parts_of(body, boundary)
    assert caught.value.reason is reason


def test_multipart_values_of_all_parts_together_are_bounded() -> None:
    part = ("Content-Type: application/json", b"[" + b"1," * 100_000 + b"1]")
    with pytest.raises(Unreadable) as caught:
        read((("content-type", kind("mixed")),), multipart(*[part] * 6))
    assert caught.value.reason is Reason.TOO_LARGE


def test_multipart_xml_part_is_compared_as_xml_by_the_rules_for_xml() -> None:
    head = "Content-Type: text/xml\r\nContent-ID: <a>"
    old, new = (
        multipart((head, f'<p:r xmlns:p="urn:p"><p:a>1</p:a><p:at>{at}</p:at><p:b>{b}</p:b></p:r>'.encode()))
        for at, b in (("x", "1"), ("y", "2"))
    )
    assert [d[:2] for d in found(old, new, "mixed")] == [
        ("value", "$[0].body /*[local-name()='r']/*[local-name()='at']"),
        ("value", "$[0].body /*[local-name()='r']/*[local-name()='b']"),
    ]
    rules = compile_rules(
        "op", Compare.model_validate({"rules": [{"path": "//at", "as": "opaque", "why": "each server's clock"}]})
    )
    headers = (("content-type", kind("mixed")),)
    result = compare(Observation(Side.OLD, 200, headers, old), Observation(Side.NEW, 200, headers, new), rules)
    assert isinstance(result, Comparison)
    assert ([d.general_path for d in result.differences], result.hidden) == (["$[*].body /r/b"], (1,))
