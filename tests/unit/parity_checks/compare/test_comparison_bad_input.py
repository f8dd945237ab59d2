"""Whatever a system sends, the comparison ends by name; what is meant to take all memory or time takes neither."""

import gzip
import json
import resource
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parity_checks.canonical.decoding import MAX_BYTES, MAX_VALUES
from parity_checks.compare.comparison import Comparison, NotCompared, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Observation
from strangler.plan.comparison import Compare
from strangler.stages import Side

RULES = compile_rules("op", Compare())
MIB = 1024 * 1024
MANY = MAX_VALUES - 1_000
JSON, XML, HTML, CSV = "application/json", "text/xml", "text/html", "text/csv"
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/mixed; boundary=b"
PLAIN = {JSON: b"{}", XML: b"<r/>", HTML: b"<p>x", CSV: b"a,b\n", FORM: b"a=1", PARTS: b"--b\r\n\r\nx\r\n--b--"}


def outcome(old: bytes, new: bytes, media: str, coding: str = "") -> str:
    """The first kind of difference, ``same``, or the reason why the two were not compared."""
    headers = [("Content-Type", media)]
    if coding:
        headers.append(("Content-Encoding", coding))
    seen = [Observation(side, 200, tuple(headers), body) for side, body in ((Side.OLD, old), (Side.NEW, new))]
    match compare(seen[0], seen[1], RULES):
        case NotCompared(reason, _):
            return reason.value
        case Comparison(differences, _, _):
            return differences[0].kind.value if differences else "same"


def lies() -> list[tuple[str, bytes]]:
    """Bodies that are not what they say, or say what nobody means."""
    return [
        (JSON, b"<html>session expired</html>"),
        (JSON, b'{"a":1,"a":2}'),
        (JSON, b'{"a":NaN}'),
        (JSON, b'{"a":-Infinity}'),
        (JSON, b'{"a":1'),
        (JSON, b'{"a":1}{"a":1}'),
        (JSON, b"\x00\xff\xfe"),
        (JSON, b"[" * 10_000 + b"]" * 10_000),
        (JSON, b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
        (JSON, b"1" * 5_000),
        (JSON, b"0." + b"1" * 5_000),
        (JSON, b"[1e9999999999999999999]"),
        (XML, b'{"a":1}'),
        (XML, b"<r>" * 10_000 + b"</r>" * 10_000),
        (XML, b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/r.dtd"><r/>'),
        (XML, b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname">]><r>&a;</r>'),
        (XML, _laughs()),
        (XML, b"<r>\x00</r>"),
        (XML, b"<r>&#xD800;</r>"),
        (XML, b'<r a="1" a="2"/>'),
        (XML, b"<p:r/>"),
        (HTML, b"<div>" * 10_000),
        (CSV, b'a,"b\n'),
        (FORM, b"&a=1" * 20_000),
        (PARTS, b"x"),
        (PARTS, b"--b\r\n\r\nx"),
        (PARTS, b"--b\r\nContent-Type: application/json\r\n\r\n{\r\n--b--"),
        (PARTS, _nested(10_000)),
    ]


def _laughs() -> bytes:
    lines = ['<!ENTITY a0 "lol">', *(f'<!ENTITY a{at} "{f"&a{at - 1};" * 10}">' for at in range(1, 12))]
    return f"<!DOCTYPE r [{''.join(lines)}]><r a='&a11;'>&a11;</r>".encode()


def _nested(levels: int) -> bytes:
    return b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * levels + b"--b--\r\n" * levels


@pytest.mark.parametrize(("media", "body"), lies())
def test_bad_input_on_one_side_is_a_difference_and_on_both_not_compared(media: str, body: bytes) -> None:
    assert outcome(body, PLAIN[media], media) == "unparsable"
    assert outcome(PLAIN[media], body, media) == "unparsable"
    assert outcome(body, body, media) == "unparsable"


@pytest.mark.parametrize(
    ("media", "old", "new", "expected"),
    [
        (JSON, b"[1e999999999,1e-999999999]", b"[1e999999999,1E-999999999]", "same"),
        (JSON, b"[1e999999999]", b"[1e999999998]", "value"),
        (JSON, b"[" + b"9" * 4_000 + b"]", b"[" + b"9" * 3_999 + b"8]", "value"),
        (JSON, b'["\\ud800"]', b'["\\udc00"]', "value"),
        (JSON, b'["\\ud800"]', b'[ "\\ud800" ]', "same"),
        (JSON, b'{"\\ud800":1}', b'{"\\ud800":2}', "value"),
        (JSON, '{"a":"é"}'.encode("cp1252"), '{"a":"é"}'.encode(), "charset"),
        (JSON + "; charset=idna", b'{"a":1}', b'{"a":2}', "value"),
        (JSON + "; charset=zlib", b'{"a":1}', b'{"a":2}', "value"),
        (JSON + "; charset*=utf-8''utf-16", b'{"a":1}', b'{"a":2}', "value"),
        (JSON + ";" + "a=b;" * 10_000, b'{"a":1}', b'{"a":2}', "value"),
        (XML + '; charset="', b"<r>1</r>", b"<r>2</r>", "value"),
        (HTML, b"<p>a\x00b\xff", b"<p>a\x00c\xff", "value"),
        (HTML, b"<p a='", b"<p>b", "surplus"),
        ("text/plain; charset=utf-7", b"+2AA-", b"+2AE-", "value"),
        ("/;=", b"a", b"b", "value"),
        ("application/pdf", b"<", b"\x00\x00", "length"),
    ],
)
def test_bad_input_that_can_be_read_is_compared(media: str, old: bytes, new: bytes, expected: str) -> None:
    assert outcome(old, new, media) == expected


def bombs() -> list[tuple[str, bytes]]:
    """Compressed bodies that hold far more than they show; by content-encoding."""
    zeros = bytes(8 * MAX_BYTES)
    bomb = gzip.compress(zeros, 1)
    return [
        ("gzip", bomb),
        ("gzip, gzip", gzip.compress(bomb)),
        ("deflate", zlib.compress(zeros, 1)),
        ("deflate", zlib.compress(zeros, 1)[2:-4]),
        ("br", brotli.compress(zeros, quality=1)),
        ("br, gzip", gzip.compress(brotli.compress(zeros, quality=1))),
        ("gzip", gzip.compress(b"") * 100_000),
        ("gzip", gzip.compress(zeros[:MIB]) * 20),
    ]


@pytest.mark.parametrize(("coding", "body"), bombs())
def test_bad_input_that_unpacks_without_end_is_too_large(coding: str, body: bytes) -> None:
    assert outcome(body, gzip.compress(b"{}"), JSON, coding) == "too_large"


@pytest.mark.parametrize(
    ("coding", "expected"), [("gzip, " * 3_000 + "gzip", "unsupported_media"), ("zstd", "unsupported_media")]
)
def test_bad_input_in_an_encoding_that_nobody_uses_is_not_compared(coding: str, expected: str) -> None:
    assert outcome(b"{}", b"{}", JSON, coding) == expected


def test_bad_input_that_is_packed_otherwise_than_it_says_is_unparsable() -> None:
    assert [outcome(b"{}", b"{}", JSON, coding) for coding in ("gzip", "deflate", "br")] == ["unparsable"] * 3
    assert outcome(gzip.compress(b"{}")[:-6], gzip.compress(b"{}"), JSON, "gzip") == "unparsable"


LARGE: dict[str, Callable[[], tuple[str, bytes, bytes, str]]] = {
    "50 MB of JSON": lambda: (JSON, b'["' + b"a" * 50_000_000 + b'"]', b"{}", "too_large"),
    "50 MB of bytes": lambda: ("application/pdf", bytes(50_000_000), b"", "too_large"),
    "as many numbers as fit": lambda: (JSON, b"[" + b"1," * (8 * MIB - 2) + b"1]", b"[]", "too_large"),
    "as many lists as fit": lambda: (JSON, b"[" + b"[]," * (5 * MIB) + b"1]", b"[]", "too_large"),
    "many numbers, all different": lambda: (JSON, _numbers(0), _numbers(10**6), "value"),
    "many numbers with a point, all different": lambda: (JSON, _points(5), _points(25), "value"),
    "many names of elements, all different": lambda: (XML, _leaves(1), _leaves(2), "value"),
    "many members, all different": lambda: (JSON, _members(0), _members(1), "value"),
    "a list beside a list beside a list": lambda: (JSON, _beside(1), _beside(2), "value"),
    "commas in a text": lambda: (JSON, b'["' + b"," * (8 * MIB) + b'"]', b'["' + b"," * (8 * MIB) + b'x"]', "value"),
    "brackets in a text": lambda: (JSON, b'["' + b'[\\"' * (4 * MIB) + b'"]', b"[1]", "type"),
    "a number of megabytes": lambda: (JSON, b"1" * (15 * MIB), b"1", "unparsable"),
    "hashes that collide": lambda: (JSON, _colliding(0), _colliding(1), "value"),
    "as many elements as fit": lambda: (XML, b"<r>" + b"<a/>" * (4 * MIB - 3) + b"</r>", b"<r/>", "too_large"),
    "many elements, all different": lambda: (XML, _elements(b"a"), _elements(b"b"), "missing"),
    "attributes": lambda: (XML, b"<r " + _named(b"a%d='' ", MANY) + b"/>", b"<r/>", "too_large"),
    "namespaces": lambda: (XML, b"<r " + _named(b"xmlns:a%d='u' ", 100_000) + b"/>", b"<r/>", "too_large"),
    "namespaces, and types in them": lambda: (XML, _types(), b"<r/>", "too_large"),
    "one entity, many times": lambda: (XML, _quadratic(), b"<r/>", "unparsable"),
    "a text of 12 MB in XML": lambda: (XML, b"<r>" + b"a" * 12_000_000 + b"</r>", b"<r/>", "too_large"),
    "paragraphs": lambda: (HTML, b"<p>a" * (MANY // 2), b"<p>b" * (MANY // 2), "value"),
    "attributes of HTML": lambda: (HTML, b"<p " + _named(b"a%d ", MANY) + b">", b"<p>", "too_large"),
    "elements never closed": lambda: (HTML, b"<div><b><i>" * 80_000, b"<p>", "unparsable"),
    "rows": lambda: (CSV, b"a,b\n" + _named(b"%d,2\n", 240_000), b"a,b\n" + _named(b"x%d,2\n", 240_000), "value"),
    "columns": lambda: (CSV, _named(b"c%d,", MANY), _named(b"d%d,", MANY), "value"),
    "as many cells as fit": lambda: (CSV, b"," * (15 * MIB), b"a", "too_large"),
    "as many lines as fit": lambda: (CSV, b"\n" * (15 * MIB) + b"x", b"a", "too_large"),
    "one cell": lambda: (CSV, b'"' + b'""' * (7 * MIB), b"a", "unparsable"),
    "escapes": lambda: (FORM, b"%41" * (5 * MIB), b"a=1", "too_large"),
    "parts": lambda: (PARTS, b"--b\r\n\r\nx\r\n" * 10**6 + b"--b--", PLAIN[PARTS], "too_large"),
    "boundaries, nearly": lambda: (PARTS, b"\r\n--bx" * (2 * MIB), PLAIN[PARTS], "unparsable"),
    "blanks after a boundary": lambda: (PARTS, b"--b" + b" " * (15 * MIB) + b"x", PLAIN[PARTS], "unparsable"),
    "values in all parts": lambda: (PARTS, _json_parts(), PLAIN[PARTS], "too_large"),
}


def _numbers(start: int) -> bytes:
    return json.dumps(list(range(start, start + MANY))).encode()


def _points(decimals: int) -> bytes:
    return b"[" + _named(b"%%d.%d," % decimals, MANY) + b"1]"


def _leaves(text: int) -> bytes:
    return b"<r>" + b"".join(b"<a%d>%d</a%d>" % (at, text, at) for at in range(50_000)) + b"</r>"


def _members(by: int) -> bytes:
    return json.dumps({f"k{at}": at + by for at in range(MANY)}).encode()


def _beside(last: int) -> bytes:
    return b"[0," * 110 + b"[" + b",".join(b"%d" % (at * last) for at in range(1, 50_000)) + b"]" + b",0]" * 110


def _colliding(by: int) -> bytes:
    return json.dumps([(2**61 - 1) * at + by for at in range(1, 50_000)]).encode()


def _elements(name: bytes) -> bytes:
    return b"<r>" + b"<%s/>" % name * MANY + b"</r>"


def _named(form: bytes, count: int) -> bytes:
    return b"".join(form % at for at in range(count))


def _types() -> bytes:
    declared = b'<r xmlns:i="http://www.w3.org/2001/XMLSchema-instance" ' + _named(b"xmlns:a%d='u' ", 1_900)
    return declared + b">" + b"<x i:type='a1:b'/>" * 100_000 + b"</r>"


def _quadratic() -> bytes:
    return b'<!DOCTYPE r [<!ENTITY a "' + b"x" * 100_000 + b'">]><r>' + b"&a;" * 100_000 + b"</r>"


def _json_parts() -> bytes:
    part = b"--b\r\nContent-Type: application/json\r\n\r\n[" + b"1," * 100_000 + b"1]\r\n"
    return part * 20 + b"--b--"


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_bad_input_takes_bounded_memory(name: str) -> None:
    # In a process of its own, which gets no more address space than this: a MemoryError is no outcome.
    command = [sys.executable, str(Path(__file__)), name]
    root = Path(__file__).parents[4]
    environment = {"PYTHONPATH": str(root)}
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ended.stdout.strip() == LARGE[name]()[3], ended.stderr[-2_000:]


anything = (
    st.binary(max_size=300)
    | st.text(max_size=120).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.sampled_from([body for _, body in lies()])
    | st.lists(st.sampled_from([*b"<>/\"'=[]{},;:&%-\r\n\0", *b"ab1 ?!", 0xFF, 0xC3, 0xA9]), max_size=80).map(bytes)
)
media_types = st.sampled_from(
    [*PLAIN, "multipart/form-data; boundary=b", 'multipart/related; type="application/xop+xml"; boundary=b', "a/b", ""]
) | st.text(max_size=60)
codings = (
    st.none() | st.sampled_from(["gzip", "deflate", "br", "gzip, br", "x", ",,", "identity"]) | st.text(max_size=9)
)
charsets = st.sampled_from(["", "; charset=utf-16", "; charset=utf-7", "; charset=cp037", '; charset="', ";;charset=,"])


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(anything, anything, media_types, media_types, codings, charsets)
def test_any_two_bodies_under_any_headers_end_by_name(  # noqa: PLR0917  two bodies, and what is said of them
    old: bytes, new: bytes, media: str, other: str, coding: str | None, charset: str
) -> None:
    def observed(side: Side, body: bytes, kind: str) -> Observation:
        headers = [("Content-Type", kind + charset)]
        if coding is not None:
            headers.append(("Content-Encoding", coding))
        return Observation(side, 200, tuple(headers), body)

    pairs = [(media, media), (media, other)]
    for kinds in pairs:
        forth = compare(observed(Side.OLD, old, kinds[0]), observed(Side.NEW, new, kinds[1]), RULES)
        back = compare(observed(Side.OLD, new, kinds[1]), observed(Side.NEW, old, kinds[0]), RULES)
        assert isinstance(forth, Comparison | NotCompared)
        assert type(forth) is type(back)
        if isinstance(forth, Comparison) and isinstance(back, Comparison):
            assert bool(forth.differences) == bool(back.differences)
    same = compare(observed(Side.OLD, old, media), observed(Side.NEW, old, media), RULES)
    assert isinstance(same, NotCompared) or same.differences == ()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (3_000 * MIB, 3_000 * MIB))
    kind, before, after, _ = LARGE[sys.argv[1]]()
    sys.stdout.write(outcome(before, after, kind))
