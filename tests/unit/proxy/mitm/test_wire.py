import pytest

from proxy.mitm.wire import (
    MAX_HEAD_BYTES,
    MAX_RESPONSE_FIELDS,
    MAX_RESPONSE_HEAD_BYTES,
    Malformed,
    read_request_head,
    read_response_head,
    take_head,
)


def head(*lines: str, version: str = "HTTP/1.1", method: str = "GET", target: str = "/a") -> bytes:
    return "\r\n".join([f"{method} {target} {version}", *lines]).encode("latin-1")


def test_a_head_is_taken_once_it_is_complete_and_the_rest_stays() -> None:
    buffer = bytearray(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r")
    assert take_head(buffer, is_request=True) is None
    buffer += b"\nbody"
    assert take_head(buffer, is_request=True) == b"GET / HTTP/1.1\r\nHost: a"
    assert buffer == b"body"


def test_a_bare_line_feed_is_refused_before_the_head_is_complete() -> None:
    with pytest.raises(Malformed):
        take_head(bytearray(b"GET / HTTP/1.1\nHost: a\n"), is_request=True)


def test_a_head_over_its_bound_is_431() -> None:
    with pytest.raises(Malformed) as raised:
        take_head(bytearray(b"a" * (MAX_HEAD_BYTES + 1)), is_request=True)
    assert raised.value.status == 431


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/a?b=/../c", b"/a?b=/../c"),
        ("/a..b/c.d", b"/a..b/c.d"),
        ("http://evil.example/a?b", b"/a?b"),
        ("http://evil.example", b"/"),
        ("/a//b", b"/a//b"),
    ],
)
def test_a_target_is_in_origin_form(target: str, expected: bytes) -> None:
    assert read_request_head(head("Host: a", target=target)).target == expected


@pytest.mark.parametrize(
    "target",
    ["/a/../b", "/..", "/a/./b", "/a/%2E%2e/b", "/a%2f..%2fb", "/a\\..\\b", "/a/..;x/b", "a", "*", "/a#b", "http:///a"],
)
def test_a_target_that_two_readers_resolve_differently_is_refused(target: str) -> None:
    with pytest.raises(Malformed):
        read_request_head(head("Host: a", target=target))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [((), 0), (("Content-Length: 7",), 7), (("Transfer-Encoding: Chunked",), None)],
)
def test_a_request_says_how_long_it_is(lines: tuple[str, ...], expected: int | None) -> None:
    assert read_request_head(head("Host: a", *lines)).body_bytes == expected


@pytest.mark.parametrize(
    ("version", "lines", "expected"),
    [
        ("HTTP/1.1", (), False),
        ("HTTP/1.1", ("Connection: Close",), True),
        ("HTTP/1.0", (), True),
        ("HTTP/1.0", ("Connection: keep-alive",), False),
    ],
)
def test_a_head_says_whether_the_connection_ends(version: str, lines: tuple[str, ...], expected: bool) -> None:
    assert read_request_head(head("Host: a", *lines, version=version)).wants_close is expected


def test_field_values_keep_every_byte_but_the_white_space_around() -> None:
    parsed = read_request_head(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: \t caf\xe9 \xff \t")
    assert parsed.fields[1] == (b"X-A", b"caf\xe9 \xff")


def test_an_old_systems_sloppy_head_is_read() -> None:
    parsed = read_response_head(b"HTTP/1.1 200\nX-A: b\n  folded\nContent-Length: 3\nContent-Length: 3")
    assert (parsed.status, parsed.reason, parsed.fields[0]) == (200, b"", (b"X-A", b"b folded"))


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 20 OK",
        b"ICY 200 OK",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2",
        b"HTTP/1.1 200 OK\r\nContent-Length:",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\x00",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\nContent-Length: 3",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\nTransfer-Encoding\t: chunked",
        b"HTTP/1.1 200 OK\r\nContent- Length: 2",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding\x0b: chunked",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding chunked",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chun\rked",
        b"HTTP/1.1 200 OK\r\n Content-Length: 2",
    ],
)
def test_an_answer_whose_end_is_unclear_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_response_head(raw)


@pytest.mark.parametrize("blank", [b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r\n\n"])
def test_an_answers_head_ends_with_an_empty_line_however_lines_end(blank: bytes) -> None:
    buffer = bytearray(b"HTTP/1.1 200 OK\nX-A: 1" + blank + b"body\r\n\r\n")
    assert take_head(buffer, is_request=False) == b"HTTP/1.1 200 OK\nX-A: 1"
    assert buffer == b"body\r\n\r\n"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b"no colon here", ()),
        (b"X Name: 1", ()),
        (b"X-Caf\xe9: 1", ()),
        (b": 1", ()),
        (b"X-Name : 1", ((b"X-Name", b"1"),)),
        (b"X-Name: a\x00b", ((b"X-Name", b"a b"),)),
        (b"X-Name: a\rb", ((b"X-Name", b"a b"),)),
    ],
)
def test_an_odd_line_of_an_answer_is_set_right_or_left_out_and_counted(
    line: bytes, kept: tuple[tuple[bytes, bytes], ...]
) -> None:
    parsed = read_response_head(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 2")
    assert (parsed.fields, parsed.odd_fields) == ((*kept, (b"Content-Length", b"2")), 1)


def test_an_answers_coding_identity_is_none() -> None:
    parsed = read_response_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Identity\r\nContent-Length: 2")
    assert (parsed.fields, parsed.odd_fields) == (((b"Content-Length", b"2"),), 0)


def test_an_answers_head_may_be_larger_than_a_requests() -> None:
    field = b"X-%d: 1\r\n"
    lines = b"".join(field % number for number in range(MAX_RESPONSE_FIELDS - 1)) + b"X-Big: " + b"a" * 100_000
    buffer = bytearray(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n\r\n")
    raw = take_head(buffer, is_request=False)
    assert raw is not None
    assert len(read_response_head(raw).fields) == MAX_RESPONSE_FIELDS
    with pytest.raises(Malformed, match="more than 1000 fields"):
        read_response_head(raw + b"\r\nX-More: 1")
    with pytest.raises(Malformed, match="its head is longer"):
        take_head(bytearray(b"a" * (MAX_RESPONSE_HEAD_BYTES + 1)), is_request=False)


def test_a_nul_in_a_target_is_a_bad_request_and_no_other_version() -> None:
    with pytest.raises(Malformed) as raised:
        read_request_head(head("Host: a", target="/pl\x00ain"))
    assert raised.value.status == 400
    with pytest.raises(Malformed) as raised:
        read_request_head(head("Host: a", version="HTTP/3.0"))
    assert raised.value.status == 505
