"""Header fields on their way through. Pure.

Rules, towards a system:

- hop-by-hop fields go, and those that ``Connection`` names (RFC 9110, 7.6.1), except what frames or routes the message;
- ``x-strangler-*`` from a caller goes: only this engine says such things;
- ``X-Forwarded-For`` and ``Forwarded`` (RFC 7239) are appended to, in one field each: the peer seen here is the last;
- ``X-Forwarded-Proto`` and ``X-Forwarded-Host`` are replaced: what a caller claims about itself is not passed on;
- ``Host`` is the system's own; the caller's is in ``X-Forwarded-Host``.

Towards the caller only hop-by-hop fields go.
"""

from proxy.mitm.wire import Fields
from strangler.exchange import Headers

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"upgrade",
    }
)
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"host"})
_FORWARDING = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded"})
_OURS = b"x-strangler-"


def strip_hop_by_hop(fields: Fields) -> Fields:
    """The fields without those that are about one connection only. ``Transfer-Encoding`` stays: it frames the body."""
    dropped = _HOP_BY_HOP
    for name, value in fields:
        if len(name) == 10 and name.lower() == b"connection":
            named = {option.strip() for option in value.lower().split(b",")} - _FRAMING
            dropped = dropped | named
    return tuple(field for field in fields if field[0].lower() not in dropped)


def end_to_end(fields: Fields) -> Fields:
    """What is said end to end: without hop-by-hop fields, and without any ``x-strangler-*``.

    From a caller those are forged; from our gateway they are for this engine only.
    """
    return tuple(field for field in strip_hop_by_hop(fields) if field[0][:12].lower().replace(b"_", b"-") != _OURS)


def towards_system(fields: Fields, *, peer: str, host: bytes, extra: Fields = ()) -> Fields:
    """The fields a system gets, from those of ``end_to_end``.

    Args:
        fields: the caller's fields, end to end.
        peer: the caller's address as seen by this engine.
        host: the system's own ``Host`` value.
        extra: fields of ours, set last.
    """
    kept: list[tuple[bytes, bytes]] = [(b"Host", host)]
    came_for: list[bytes] = []
    came_through: list[bytes] = []
    asked_host = b""
    for field in fields:
        name = field[0].lower()
        if name == b"host":
            asked_host = field[1]
        elif name not in _FORWARDING:
            kept.append(field)
        elif name == b"x-forwarded-for":
            came_for.append(field[1])
        elif name == b"forwarded":
            came_through.append(field[1])
    address = peer.encode()
    node = b'"[%s]"' % address if b":" in address else address
    came_for.append(address)
    came_through.append(b'for=%s;host="%s";proto=http' % (node, _quoted(asked_host)))
    kept.append((b"X-Forwarded-For", b", ".join(came_for)))
    kept.append((b"X-Forwarded-Proto", b"http"))
    if asked_host:
        kept.append((b"X-Forwarded-Host", asked_host))
    kept.append((b"Forwarded", b", ".join(came_through)))
    kept.extend(extra)
    return tuple(kept)


def has_field(fields: Fields, name: bytes) -> bool:
    """Whether a field of this name (lower case) is there."""
    return any(len(field[0]) == len(name) and field[0].lower() == name for field in fields)


def journaled(fields: Fields) -> Headers:
    """The fields as the journal keeps them: text by ISO 8859-1, which loses no byte; no transfer coding."""
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in fields
        if not (len(name) == 17 and name.lower() == b"transfer-encoding")
    )


def _quoted(value: bytes) -> bytes:
    return value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
