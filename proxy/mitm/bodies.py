"""Readers of message bodies: how long a body is, and strict reading of it. Pure.

mitmproxy's own readers are h11's, which skip the two bytes after a chunk unread (CVE-2025-43859), keep a chunk header
of any length, and cannot pass over trailers.
"""

import re
from typing import Protocol

from proxy.mitm.wire import Malformed, ResponseHead

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_MAX_CHUNK_LINE = 1024
_MAX_TRAILERS = 16_384


class Body(Protocol):
    """Takes a body out of a buffer, piece by piece."""

    def take(self, buffer: bytearray) -> tuple[bytes, bool]:
        """The next piece (empty: wait for more) and whether the body is complete."""
        ...

    def ends_with_connection(self) -> bool:
        """Whether a closed connection is this body's proper end."""
        ...


class LengthBody:
    """A body of a declared length."""

    __slots__ = ("_left",)

    def __init__(self, body_bytes: int) -> None:
        self._left = body_bytes

    def take(self, buffer: bytearray) -> tuple[bytes, bool]:
        """See ``Body``."""
        piece = bytes(buffer[: self._left]) if len(buffer) > self._left else bytes(buffer)
        del buffer[: len(piece)]
        self._left -= len(piece)
        return piece, self._left == 0

    def ends_with_connection(self) -> bool:
        """See ``Body``."""
        return False


class UntilClosedBody:
    """A response body that ends with its connection."""

    __slots__ = ()

    def take(self, buffer: bytearray) -> tuple[bytes, bool]:
        """See ``Body``."""
        piece = bytes(buffer)
        buffer.clear()
        return piece, False

    def ends_with_connection(self) -> bool:
        """See ``Body``."""
        return True


class ChunkedBody:
    """A body in chunks (RFC 9112, 7.1). Chunk extensions and trailers are dropped, as 7.1.1 and 6.5.1 allow."""

    __slots__ = ("_left", "_state")

    def __init__(self) -> None:
        self._left = 0
        self._state = "size"

    def take(self, buffer: bytearray) -> tuple[bytes, bool]:
        """See ``Body``.

        Raises:
            Malformed: a chunk that is framed in any other way than the RFC's.
        """
        pieces: list[bytes] = []
        while True:
            if self._state == "size":
                if not self._take_size(buffer):
                    break
            elif self._state == "data":
                piece = bytes(buffer[: self._left])
                if not piece:
                    break
                del buffer[: len(piece)]
                self._left -= len(piece)
                pieces.append(piece)
                if self._left == 0:
                    self._state = "after"
            elif self._state == "after":
                if len(buffer) < 2:
                    break
                if buffer[:2] != b"\r\n":
                    raise Malformed("a chunk is longer than it says")
                del buffer[:2]
                self._state = "size"
            elif self._take_trailers(buffer):
                return b"".join(pieces), True
            else:
                break
        return b"".join(pieces), False

    def ends_with_connection(self) -> bool:
        """See ``Body``."""
        return False

    def _take_size(self, buffer: bytearray) -> bool:
        end = buffer.find(b"\r\n", 0, _MAX_CHUNK_LINE)
        if end < 0:
            if len(buffer) >= _MAX_CHUNK_LINE or b"\n" in buffer[:_MAX_CHUNK_LINE]:
                raise Malformed("a chunk size is malformed")
            return False
        match = _CHUNK.fullmatch(buffer, 0, end)
        if match is None:
            raise Malformed("a chunk size is malformed")
        self._left = int(match[1], 16)
        self._state = "data" if self._left else "trailers"
        del buffer[: end + 2]
        return True

    def _take_trailers(self, buffer: bytearray) -> bool:
        if buffer[:2] == b"\r\n":
            del buffer[:2]
            return True
        end = buffer.find(b"\r\n\r\n", 0, _MAX_TRAILERS)
        if end < 0:
            if len(buffer) >= _MAX_TRAILERS:
                raise Malformed("the trailers are too long")
            return False
        del buffer[: end + 4]
        return True


def response_bytes(method: bytes, head: ResponseHead) -> int | None:
    """The length of a response's body: known, -1 where the connection's end ends it, ``None`` for chunks.

    By RFC 9112, 6.3; ``read_response_head`` has already refused what is ambiguous.

    Raises:
        Malformed: a transfer coding that is not 'chunked'.
    """
    if method == b"HEAD" or head.status in (204, 304):
        return 0
    length = -1
    for name, value in head.fields:
        lowered = name.lower()
        if lowered == b"transfer-encoding":
            if value.lower() != b"chunked":
                raise Malformed("the only transfer coding served is a single 'chunked'")
            return None
        if lowered == b"content-length":
            length = int(value)
    return length


def reader_for(body_bytes: int | None) -> Body:
    """The reader for a length as ``response_bytes`` and ``RequestHead.body_bytes`` give it."""
    if body_bytes is None:
        return ChunkedBody()
    return UntilClosedBody() if body_bytes < 0 else LengthBody(body_bytes)
