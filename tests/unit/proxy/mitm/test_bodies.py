from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.mitm.bodies import Body, ChunkedBody, LengthBody, reader_for, response_bytes
from proxy.mitm.wire import Malformed, ResponseHead


def taken(body: Body, pieces: list[bytes]) -> tuple[bytes, bool, bytes]:
    """Everything read when the pieces arrive one by one; whether it is complete; what is left."""
    buffer, read, is_complete = bytearray(), b"", False
    for piece in pieces:
        buffer += piece
        if not is_complete:
            data, is_complete = body.take(buffer)
            read += data
    return read, is_complete, bytes(buffer)


def cut(raw: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted({edge % (len(raw) + 1) for edge in at}), len(raw)]
    return [raw[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.lists(st.integers(0, 500), max_size=8))
def test_chunks_are_read_however_they_arrive(chunks: list[bytes], at: list[int]) -> None:
    raw = b"".join(b"%X;ext=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nX-T: 1\r\n\r\n"
    assert taken(ChunkedBody(), [*cut(raw, at), b"next"]) == (b"".join(chunks), True, b"next")


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_a_body_of_known_length_leaves_what_follows(raw: bytes, at: list[int]) -> None:
    pieces = cut(raw, at)
    assert taken(LengthBody(len(raw)), [*pieces, b"next"]) == (raw, True, b"next")


@pytest.mark.parametrize(
    "raw",
    [
        b"2\r\nabX",
        b"2\nab\r\n",
        b"0x2\r\nab\r\n",
        b"-1\r\n",
        b" 2\r\nab\r\n",
        b"2" * 2000,
        b"11111111111111111\r\n",
        b"\r\n",
    ],
)
def test_a_chunk_framed_in_any_other_way_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        taken(ChunkedBody(), [raw, b"X\r\n\r\n"])


@pytest.mark.parametrize(
    ("method", "status", "fields", "expected"),
    [
        (b"GET", 200, ((b"Content-Length", b"5"),), 5),
        (b"GET", 200, ((b"Transfer-Encoding", b"chunked"),), None),
        (b"GET", 200, (), -1),
        (b"HEAD", 200, ((b"Content-Length", b"5"),), 0),
        (b"GET", 204, (), 0),
        (b"GET", 304, ((b"Content-Length", b"5"),), 0),
    ],
)
def test_an_answers_length_follows_rfc_9112(
    method: bytes, status: int, fields: tuple[tuple[bytes, bytes], ...], expected: int | None
) -> None:
    head = ResponseHead(status, b"HTTP/1.1", b"", fields, wants_close=False)
    assert response_bytes(method, head) == expected
    assert reader_for(-1).ends_with_connection()
