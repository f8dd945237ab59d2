"""Reading of HTTP/1.1 heads. Pure: bytes in, a head or a reason for refusing out.

mitmproxy reads liberally: bare line feeds, folded lines, any size. Two readers that disagree about where a message
ends are what request smuggling lives on, so of a request this one refuses whatever RFC 9112 lets a server refuse.
A response is another matter: its system has already acted, and a caller that is told otherwise asks again. What is odd
in it and says nothing about where it ends is set right or left out, and counted; only an unclear end is refused.
"""

import re
from dataclasses import dataclass

MAX_HEAD_BYTES = 65_536
MAX_FIELDS = 200
MAX_RESPONSE_HEAD_BYTES = 262_144
MAX_RESPONSE_FIELDS = 1000

Fields = tuple[tuple[bytes, bytes], ...]

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([^\x00-\x20\x7f]+) (HTTP/1\.[01])")
_STATUS_LINE = re.compile(rb"(HTTP/1\.[01]) ([1-9][0-9]{2})(?: ([^\x00\r\n]*))?")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([^\x00\r\n]*?)[ \t]*")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_LINE_END = re.compile(rb"\r?\n")
_RESPONSE_HEAD_END = re.compile(rb"\n\r?\n")
_OTHER_VERSION = re.compile(_TOKEN + rb" [^\x00-\x20\x7f]+ HTTP/[0-9.]+")
_NOT_TOKEN = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FRAMING = (b"content-length", b"transfer-encoding")
_DOT_SEGMENT = re.compile(rb"(?:^|/|%2[fF]|\\)(?:\.|%2[eE]){1,2}(?:/|%2[fF]|\\|;|$)")


class Malformed(ValueError):
    """The peer's head cannot be read in only one way. ``status`` is what a client is answered with."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request's first line and fields. ``target`` is in origin form (or ``*``), whatever form was sent.

    ``body_bytes`` is the declared length, 0 where there is no body, ``None`` where it is chunked.
    """

    method: bytes
    target: bytes
    version: bytes
    fields: Fields
    body_bytes: int | None
    wants_close: bool


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A response's status line and fields. ``wants_close`` is about the connection it came on.

    ``odd_fields`` is how many lines were no fields by the RFC, and were set right or left out.
    """

    status: int
    version: bytes
    reason: bytes
    fields: Fields
    wants_close: bool
    odd_fields: int = 0


def take_head(buffer: bytearray, *, is_request: bool) -> bytes | None:
    """Remove one complete head from the buffer and return it, without its blank line; ``None``: wait for more.

    Raises:
        Malformed: more than ``MAX_HEAD_BYTES`` (``MAX_RESPONSE_HEAD_BYTES``), or a bare line feed in a request.
    """
    if not is_request:
        return _take_response_head(buffer)
    # RFC 9112, 2.2: empty lines before a request line are to be ignored.
    while buffer[:2] == b"\r\n":
        del buffer[:2]
    end = buffer.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES + 4)
    if end < 0:
        if len(buffer) > MAX_HEAD_BYTES:
            raise Malformed(f"the head is longer than {MAX_HEAD_BYTES} bytes", 431)
        if _BARE_LF.search(buffer):
            raise Malformed("a line ends with a bare line feed")
        return None
    head = bytes(buffer[:end])
    del buffer[: end + 4]
    return head


def _take_response_head(buffer: bytearray) -> bytes | None:
    """As ``take_head``; a bare line feed ends a line as well (RFC 9112, 2.2)."""
    end = _RESPONSE_HEAD_END.search(buffer, 0, MAX_RESPONSE_HEAD_BYTES + 4)
    if end is None:
        if len(buffer) > MAX_RESPONSE_HEAD_BYTES:
            raise Malformed(f"its head is longer than {MAX_RESPONSE_HEAD_BYTES} bytes")
        return None
    start, after = end.span()
    head = bytes(buffer[:start]).removesuffix(b"\r")
    del buffer[:after]
    return head


def read_request_head(head: bytes) -> RequestHead:
    """The request that these bytes are, and can only be.

    Raises:
        Malformed: with the status to answer: 400, 405 for CONNECT, 431 for too many fields, 505 for another version.
    """
    lines = head.split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        if _OTHER_VERSION.fullmatch(lines[0]):
            raise Malformed("only HTTP/1.0 and HTTP/1.1 are spoken here", 505)
        raise Malformed("the request line is malformed")
    method, target, version = match.groups()
    fields = read_fields(lines)
    lengths, codings, hosts, connection = _framing(fields)
    if method == b"CONNECT":
        raise Malformed("CONNECT is not served: this proxy reaches the plan's systems only", 405)
    if len(hosts) > 1 or (not hosts and version == b"HTTP/1.1"):
        raise Malformed("exactly one Host field is required")
    return RequestHead(
        method,
        _origin_form(target, method),
        version,
        fields,
        _request_length(lengths, codings, version),
        _closes(connection, version),
    )


def read_response_head(head: bytes) -> ResponseHead:
    """The response that these bytes are. Less strict than for requests: old systems are passed on as they are.

    Raises:
        Malformed: no status line, too many fields, or a body whose end is ambiguous.
    """
    has_bare = head.count(b"\n") != head.count(b"\r\n")
    lines = _unfold(_LINE_END.split(head) if has_bare else head.split(b"\r\n"))
    match = _STATUS_LINE.fullmatch(lines[0])
    if match is None:
        raise Malformed("the status line is malformed")
    version, status, reason = match.groups()
    fields, odd_fields = _response_fields(lines)
    lengths, codings, _, connection = _framing(fields)
    if codings and lengths:
        raise Malformed("both Transfer-Encoding and Content-Length")
    if len(set(lengths)) > 1 or any(_LENGTH.fullmatch(length) is None for length in lengths):
        raise Malformed("an invalid Content-Length")
    return ResponseHead(int(status), version, reason or b"", fields, _closes(connection, version), odd_fields)


def _response_fields(lines: list[bytes]) -> tuple[Fields, int]:
    """The fields in the lines after the first, and how many lines were odd.

    Kept: white space before the colon is taken away (RFC 9112, 5.1), a NUL or bare carriage return in a value becomes a
    space (RFC 9110, 5.5). Left out: a line without a colon, or with another name than a token; and the coding
    'identity', which is none.

    Raises:
        Malformed: too many fields, or a line that another reader might take for one that tells the body's end.
    """
    if len(lines) - 1 > MAX_RESPONSE_FIELDS:
        raise Malformed(f"more than {MAX_RESPONSE_FIELDS} fields")
    fields: list[tuple[bytes, bytes]] = []
    odd_fields = 0
    for line in lines[1:]:
        match = _FIELD.fullmatch(line)
        if match is None:
            odd_fields += 1
            match = _FIELD.fullmatch(_mended(line))
            if match is None:
                continue
        name, value = match.groups()
        if len(name) == 17 and name.lower() == b"transfer-encoding" and value.lower() == b"identity":
            continue
        fields.append((name, value))
    return tuple(fields), odd_fields


def _mended(line: bytes) -> bytes:
    """An odd line as a field, if it can be one; else something that is none."""
    name, colon, value = line.partition(b":")
    name = name.rstrip(b" \t")
    if not colon or _NOT_TOKEN.search(name):
        if _NOT_TOKEN.sub(b"", name).lower().startswith(_FRAMING):
            raise Malformed("a field that may tell the body's end is malformed")
        return b""
    clean = value.replace(b"\x00", b" ").replace(b"\r", b" ")
    if clean != value and name.lower() in _FRAMING:
        raise Malformed("a field that tells the body's end is malformed")
    return name + b":" + clean


def read_fields(lines: list[bytes]) -> Fields:
    """The fields in the lines after the first.

    Raises:
        Malformed: a folded line, a NUL, a bare carriage return or line feed, white space in a name, too many fields.
    """
    if len(lines) - 1 > MAX_FIELDS:
        raise Malformed(f"more than {MAX_FIELDS} fields", 431)
    fields: list[tuple[bytes, bytes]] = []
    for line in lines[1:]:
        match = _FIELD.fullmatch(line)
        if match is None:
            folded = line[:1] in (b" ", b"\t")
            raise Malformed("a field is folded over two lines" if folded else "a header field is malformed")
        fields.append((match[1], match[2]))
    return tuple(fields)


def _unfold(lines: list[bytes]) -> list[bytes]:
    """Join folded lines with a space (RFC 9112, 5.2 lets a proxy do so for a response)."""
    if not any(line[:1] in (b" ", b"\t") for line in lines[1:]):
        return lines
    joined: list[bytes] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and len(joined) > 1:
            joined[-1] += b" " + line.strip()
        else:
            joined.append(line)
    return joined


def _framing(fields: Fields) -> tuple[list[bytes], list[bytes], list[bytes], bytes]:
    """The values that decide where a message ends: lengths, transfer codings, hosts; and the Connection options."""
    lengths: list[bytes] = []
    codings: list[bytes] = []
    hosts: list[bytes] = []
    connection = b""
    for name, value in fields:
        size = len(name)
        if size == 14 and name.lower() == b"content-length":
            lengths.append(value)
        elif size == 17 and name.lower() == b"transfer-encoding":
            codings.append(value)
        elif size == 4 and name.lower() == b"host":
            hosts.append(value)
        elif size == 10 and name.lower() == b"connection":
            connection = connection + b"," + value.lower() if connection else value.lower()
    return lengths, codings, hosts, connection


def _request_length(lengths: list[bytes], codings: list[bytes], version: bytes) -> int | None:
    """How long the request's body is, by RFC 9112, 6.3, with every ambiguity refused."""
    if codings:
        if lengths:
            raise Malformed("both Transfer-Encoding and Content-Length")
        if version != b"HTTP/1.1":
            raise Malformed("Transfer-Encoding in HTTP/1.0")
        if len(codings) > 1 or codings[0].lower() != b"chunked":
            raise Malformed("the only transfer coding served is a single 'chunked'")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1:
        raise Malformed("more than one Content-Length")
    if _LENGTH.fullmatch(lengths[0]) is None:
        raise Malformed("an invalid Content-Length")
    return int(lengths[0])


def _origin_form(target: bytes, method: bytes) -> bytes:
    """The target as an origin server gets it; the host in an absolute form never decides anything (RFC 9112, 3.2.2)."""
    if target[:1] != b"/":
        if target == b"*" and method == b"OPTIONS":
            return target
        scheme, separator, rest = target.partition(b"://")
        if not separator or scheme.lower() not in (b"http", b"https"):
            raise Malformed("the request target has no form that is served here")
        authority, slash, path = rest.partition(b"/")
        if not authority or b"?" in authority or b"#" in authority or b"@" in authority:
            raise Malformed("the request target has no form that is served here")
        target = slash + path if slash else b"/"
    if b"#" in target:
        raise Malformed("the request target has a fragment")
    if (b"." in target or b"%" in target) and _DOT_SEGMENT.search(target.partition(b"?")[0]):
        raise Malformed("the request target has dot segments: two readers may resolve them differently")
    return target


def _closes(connection: bytes, version: bytes) -> bool:
    if not connection:
        return version == b"HTTP/1.0"
    options = {option.strip() for option in connection.split(b",")}
    return b"close" in options or (version == b"HTTP/1.0" and b"keep-alive" not in options)
