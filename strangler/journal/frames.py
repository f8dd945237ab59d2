"""Exchanges and observations as bytes: a small JSON head, then the bodies as they were. Pure.

The layout is ``length of head (4 bytes, big-endian) | head (JSON) | bodies one after the other``. Bodies are never
escaped or re-encoded, so what was captured is what comes back. Where that makes it smaller, all of it is compressed
(Zstandard, RFC 8878), before it is encrypted: text of a few kilobytes shrinks to a third, and what is not written need
not be copied from the write-ahead log either. A frame that is not compressed never begins like one that is: its head
would have to be of 671 MB.
"""

import json
from collections.abc import Sequence
from threading import local
from typing import Any

import orjson
import zstandard

from strangler.exchange import Difference, DifferenceKind, Exchange, Failure, Headers, Observation, Request
from strangler.stages import Side

_HEAD = 4
_LEVEL = -7
"""The quickest level at which more time is saved by writing less than is spent."""
_WORTH_IT = 512
"""Shorter frames are left as they are."""
_local = local()
"""A compressor and a decompressor for each thread: they may not be shared, and making one costs more than using it."""


def pack(head: object, bodies: Sequence[bytes] = ()) -> bytes:
    """The head and the bodies as one run of bytes."""
    try:
        encoded = orjson.dumps(head)
    except TypeError:  # a header field that is no UTF-8 arrives with lone surrogates, which only the old parser keeps
        encoded = json.dumps(head).encode()
    framed = b"".join((len(encoded).to_bytes(_HEAD, "big"), encoded, *bodies))
    return _smaller(framed) if len(framed) >= _WORTH_IT else framed


def unpack(framed: bytes) -> tuple[Any, memoryview]:
    """The head, and the bodies still joined."""
    if framed.startswith(zstandard.FRAME_HEADER):
        framed = _decompressor().decompress(framed)
    end = _HEAD + int.from_bytes(framed[:_HEAD], "big")
    bodies = memoryview(framed)[end:]
    try:
        return orjson.loads(framed[_HEAD:end]), bodies
    except orjson.JSONDecodeError:
        return json.loads(framed[_HEAD:end]), bodies


def pack_exchange(exchange: Exchange) -> bytes:
    """Everything personal in an exchange: its key, its request and the answers."""
    request = exchange.request
    bodies: list[bytes] = []
    head = (
        exchange.key,
        (request.method, request.target, request.headers, _add(bodies, request.body), request.body_bytes),
        _observation_head(exchange.answer, bodies),
        None if exchange.fell_back is None else _observation_head(exchange.fell_back, bodies),
    )
    return pack(head, bodies)


def unpack_exchange(framed: bytes) -> tuple[str | None, Request, Observation, Observation | None]:
    """Key, request, answer and the failed answer it fell back from."""
    (key, request, answer, fell_back), bodies = unpack(framed)
    method, target, headers, length, body_bytes = request
    body, bodies = _take(bodies, length)
    answered, bodies = _observation(answer, bodies)
    failed = None if fell_back is None else _observation(fell_back, bodies)[0]
    return key, Request(method, target, _headers(headers), body, body_bytes), answered, failed


def unpack_request(framed: bytes) -> Request:
    """The request alone, at less cost."""
    (_, (method, target, headers, length, body_bytes), *_), bodies = unpack(framed)
    return Request(method, target, _headers(headers), _take(bodies, length)[0], body_bytes)


def pack_observation(observation: Observation) -> bytes:
    """One observation."""
    bodies: list[bytes] = []
    return pack(_observation_head(observation, bodies), bodies)


def unpack_observation(framed: bytes) -> Observation:
    """The observation that was packed."""
    head, bodies = unpack(framed)
    return _observation(head, bodies)[0]


def pack_differences(differences: Sequence[Difference], detail: str) -> bytes:
    """An outcome's clear values and its detail."""
    rows = [(d.kind, d.path, d.old, d.new, d.signature, d.general_path) for d in differences]
    return pack((rows, detail))


def unpack_differences(framed: bytes) -> tuple[tuple[Difference, ...], str]:
    """The differences and the detail that were packed."""
    (rows, detail), _ = unpack(framed)
    return tuple(Difference(DifferenceKind(kind), *rest) for kind, *rest in rows), detail


def _decompressor() -> zstandard.ZstdDecompressor:
    try:
        decompressor: zstandard.ZstdDecompressor = _local.decompressor
    except AttributeError:
        decompressor = _local.decompressor = zstandard.ZstdDecompressor()
    return decompressor


def _smaller(framed: bytes) -> bytes:
    """The frame compressed, or as it is where that does not help."""
    try:
        compressor: zstandard.ZstdCompressor = _local.compressor
    except AttributeError:
        compressor = _local.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False)
    compressed = compressor.compress(framed)
    return compressed if len(compressed) < len(framed) else framed


def _observation_head(seen: Observation, bodies: list[bytes]) -> tuple[Any, ...]:
    return (
        seen.side,
        seen.status,
        seen.headers,
        _add(bodies, seen.body),
        seen.body_bytes,
        seen.failure,
        seen.at,
        seen.duration_s,
        seen.build,
    )


def _observation(head: Sequence[Any], bodies: memoryview) -> tuple[Observation, memoryview]:
    side, status, headers, length, body_bytes, failure, at, duration_s, build = head
    body, rest = _take(bodies, length)
    cause = None if failure is None else Failure(failure)
    return Observation(Side(side), status, _headers(headers), body, body_bytes, cause, at, duration_s, build), rest


def _add(bodies: list[bytes], body: bytes | None) -> int:
    """Keep a body; its length, or -1 where none was captured."""
    if body is None:
        return -1
    bodies.append(body)
    return len(body)


def _take(bodies: memoryview, length: int) -> tuple[bytes | None, memoryview]:
    if length < 0:
        return None, bodies
    return bytes(bodies[:length]), bodies[length:]


def _headers(pairs: Sequence[Sequence[str]]) -> Headers:
    return tuple((name, value) for name, value in pairs)
