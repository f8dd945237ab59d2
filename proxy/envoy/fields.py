"""Header fields as Envoy tells them, and as the journal keeps them. Pure."""

from proxy.envoy.messages import Fields
from strangler.exchange import Headers, Request

_ADDED = ("x-strangler-", "x-envoy-")
_DROPPED = frozenset({"x-forwarded-proto", "transfer-encoding"})


def pseudo(fields: Fields, name: str) -> str:
    """A pseudo field such as ``:path``; empty where it is not there."""
    return next((value.decode("latin-1") for field, value in fields if field == name), "")


def request_of(fields: Fields, body: bytes | None, body_bytes: int) -> Request:
    """The caller's request as it arrived: without what Envoy added on the way in."""
    headers: list[tuple[str, str]] = []
    host = pseudo(fields, ":authority")
    if host:
        headers.append(("host", host))
    for name, value in fields:
        if name == "x-forwarded-for":
            before = value.decode("latin-1").rpartition(",")[0]  # the last one is the peer that Envoy saw
            if before:
                headers.append((name, before.strip()))
        elif _is_theirs(name) and name not in _DROPPED:
            headers.append((name, value.decode("latin-1")))
    return Request(pseudo(fields, ":method"), pseudo(fields, ":path"), tuple(headers), body, body_bytes)


def answer_headers(fields: Fields) -> Headers:
    """The system's header fields, as the caller gets them."""
    return tuple(
        (name, value.decode("latin-1")) for name, value in fields if _is_theirs(name) and name != "transfer-encoding"
    )


def _is_theirs(name: str) -> bool:
    return not name.startswith((":", *_ADDED))
