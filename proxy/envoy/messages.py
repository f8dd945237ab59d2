"""External processing on the wire: bytes to and from plain values, so that nothing else here knows protobuf.

The messages are those of ``ext_proc.proto``, compiled to ``ext_proc.binpb`` and kept in a pool of their own: whatever
other package registers Envoy's protocols in this process does not meet them.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Fields = tuple[tuple[str, bytes], ...]
"""Header fields as Envoy tells them: names in lower case, pseudo fields first, values as sent."""

SERVICE = "envoy.service.ext_proc.v3.ExternalProcessor"
METHOD = "Process"
REFUSED = "strangler_refused"
"""The response's code details where an answer is ours."""
_OVERWRITE = 2
_SKIP, _BUFFERED_PARTIAL = 2, 3


@dataclass(frozen=True, slots=True)
class Head:
    """A request's or an answer's header fields, with the attributes asked for (names to texts)."""

    is_request: bool
    fields: Fields
    is_end: bool
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a body; ``is_end`` also where the message ends with trailers."""

    is_request: bool
    body: bytes
    is_end: bool


@dataclass(frozen=True, slots=True)
class GoOn:
    """Let the request pass.

    ``replies_to`` says which message this is the reply to; ``route`` is the value of ``x-strangler-route`` to choose
    the route anew by; ``wants_body`` asks for the body before the request goes on.
    """

    replies_to: Head | Piece
    route: str | None = None
    wants_body: bool = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the caller at once."""

    status: int
    body: bytes
    media_type: str


def read(content: bytes) -> Head | Piece:
    """One ``ProcessingRequest``."""
    message = _class("ProcessingRequest")()
    message.ParseFromString(content)
    kind = message.WhichOneof("request")
    if kind in {"request_headers", "response_headers"}:
        told = getattr(message, kind)
        fields = tuple((field.key, field.raw_value or field.value.encode()) for field in told.headers.headers)
        return Head(kind == "request_headers", fields, told.end_of_stream, _attributes(message))
    if kind in {"request_body", "response_body"}:
        told = getattr(message, kind)
        return Piece(kind == "request_body", told.body, told.end_of_stream)
    return Piece(kind == "request_trailers", b"", is_end=True)


def write(reply: GoOn | Refuse) -> bytes:
    """One ``ProcessingResponse``."""
    message = _class("ProcessingResponse")()
    if isinstance(reply, Refuse):
        immediate = message.immediate_response
        immediate.status.code = reply.status
        immediate.body = reply.body
        immediate.details = REFUSED
        _set(immediate.headers, "content-type", reply.media_type)
        return bytes(message.SerializeToString())
    told = message.request_headers if isinstance(reply.replies_to, Head) else message.request_body
    told.SetInParent()
    if reply.route is not None:
        _set(told.response.header_mutation, "x-strangler-route", reply.route)
        told.response.clear_route_cache = True
    if reply.wants_body:
        message.mode_override.response_header_mode = _SKIP
        message.mode_override.request_body_mode = _BUFFERED_PARTIAL
    return bytes(message.SerializeToString())


def _set(mutation: Any, name: str, value: str) -> None:
    option = mutation.set_headers.add()
    option.header.key = name
    option.header.raw_value = value.encode()
    option.append_action = _OVERWRITE


def _attributes(message: Any) -> dict[str, str]:
    texts: dict[str, str] = {}
    for struct in message.attributes.values():
        for name, value in struct.fields.items():
            texts[name] = _text(value)
    return texts


def _text(value: Any) -> str:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return format(value.number_value, ".15g")
    return str(getattr(value, kind)) if kind else ""


@cache
def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"strangler.ext_proc.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    described = descriptor_pb2.FileDescriptorSet()
    described.ParseFromString(files(__package__).joinpath("ext_proc.binpb").read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.Add(file)
    return pool
