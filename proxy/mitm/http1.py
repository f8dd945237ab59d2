"""HTTP/1.1 on both sockets, as mitmproxy layers: strict heads, bounded buffers, problem documents.

They replace mitmproxy's ``Http1Server`` and ``Http1Client`` state by state and keep their place in its HTTP layer. What
differs: the readers of ``wire`` and ``bodies``; interim responses (RFC 9110, 15.2) are passed over; what ``Connection``
said is remembered before the field is stripped; an answer that ends with its connection says so to the caller.
"""

import time
from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.http import RegisterHttpConnection
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server

from proxy.mitm.bodies import Body, LengthBody, reader_for, response_bytes
from proxy.mitm.problem import MEDIA_TYPE, Problem, refused
from proxy.mitm.wire import (
    Fields,
    Malformed,
    RequestHead,
    ResponseHead,
    read_request_head,
    read_response_head,
    take_head,
)
from strangler.exchange import Failure


@dataclass
class ReadRequest(RequestHeaders):
    """A request head, with the declared length of its body (``None``: chunked)."""

    body_bytes: int | None = 0


@dataclass
class ReadResponse(ResponseHeaders):
    """A response head, with the length of its body (``None``: chunked; -1: until the connection ends).

    ``odd_fields``: as ``ResponseHead`` tells it.
    """

    body_bytes: int | None = 0
    odd_fields: int = 0


class UpstreamFailed(ResponseProtocolError):
    """The answering system gave no complete answer; ``failure`` says why."""

    def __init__(self, stream_id: int, message: str, failure: Failure) -> None:
        super().__init__(stream_id, message, 502)
        self.failure = failure


class ProblemAnswer(ResponseProtocolError):
    """Answer the caller with this problem and end the connection: the rest of the request was not read."""

    def __init__(self, stream_id: int, problem: Problem) -> None:
        super().__init__(stream_id, problem.detail, problem.status)
        self.problem = problem


def problem_response(problem: Problem) -> http.Response:
    """The problem as a response."""
    document = problem.document()
    fields = [
        (b"Content-Type", MEDIA_TYPE),
        (b"Content-Length", b"%d" % len(document)),
        (b"Cache-Control", b"no-store"),
    ]
    if problem.status == 405:
        fields.append((b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
    response = http.Response.make(problem.status)
    response.data.headers = http.Headers(fields)
    response.data.content = document
    return response


class CallerSide(Http1Server):
    """The caller's connection."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.buf: bytearray = bytearray()  # type: ignore[assignment]
        self.reader: Body = LengthBody(0)
        self.is_draining = False
        self._wants_close = False
        self._is_chunked = False

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, HttpEvent):
            yield from self.send(event)
            return
        if type(event) is events.DataReceived:
            self.buf += event.data
        yield from self.state(event)

    handle_event = _handle_event  # nothing here waits for a command's completion

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way on this connection."""
        return self.state == self.read_headers and not self.buf

    def read_headers(self, event: events.ConnectionEvent) -> CommandGenerator[None]:
        """Wait for a request head; refuse what can be read in two ways."""
        if isinstance(event, events.ConnectionClosed):
            yield commands.CloseConnection(self.conn)
            return
        try:
            raw = take_head(self.buf, is_request=True)
            if raw is None:
                return
            head = read_request_head(raw)
        except Malformed as error:
            yield from self._refuse(refused(error.status, str(error)))
            return
        self._wants_close = head.wants_close
        self.request = _request(head)
        self.reader = reader_for(head.body_bytes)
        self.state = self.read_body
        yield ReceiveHttp(ReadRequest(self.stream_id, self.request, head.body_bytes == 0, body_bytes=head.body_bytes))
        if self.state == self.read_body:
            yield from self.read_body(event)

    def read_body(self, event: events.Event) -> CommandGenerator[None]:
        """Pass the request's body on, piece by piece."""
        if isinstance(event, events.ConnectionClosed):
            yield ReceiveHttp(RequestProtocolError(self.stream_id, "the caller went away within its request", 499))
            yield commands.CloseConnection(self.conn)
            self.state = self.done
            return
        try:
            piece, is_complete = self.reader.take(self.buf)
        except Malformed as error:
            yield ReceiveHttp(RequestProtocolError(self.stream_id, str(error), 400))
            yield from self._refuse(refused(error.status, str(error)))
            return
        if piece:
            yield ReceiveHttp(RequestData(self.stream_id, piece))
        if is_complete and self.state == self.read_body:
            self.state = self.wait
            self.request_done = True
            yield ReceiveHttp(RequestEndOfMessage(self.stream_id))
            yield from self.mark_done()

    def wait(self, event: events.Event) -> CommandGenerator[None]:
        """The request is complete, its answer is not: what comes now waits."""
        if isinstance(event, events.ConnectionClosed):
            self._wants_close = True
            if event.connection.state is ConnectionState.CLOSED:
                yield ReceiveHttp(RequestProtocolError(self.stream_id, "the caller went away", 499))

    def discard(self, event: events.Event) -> CommandGenerator[None]:
        """The caller was refused within its request: swallow the rest, so that it gets to read why."""
        self.buf.clear()
        if isinstance(event, events.ConnectionClosed):
            yield commands.CloseConnection(self.conn)

    def send(self, event: HttpEvent) -> CommandGenerator[None]:
        """Write one part of the answer."""
        if not self.conn.state & ConnectionState.CAN_WRITE:
            if isinstance(event, ResponseEndOfMessage):
                self.response_done = True
                yield from self.mark_done()
            return
        if isinstance(event, ResponseHeaders):
            yield commands.SendData(self.conn, self._answer_head(event))
        elif isinstance(event, ResponseData):
            if event.data:
                data = b"%x\r\n%s\r\n" % (len(event.data), event.data) if self._is_chunked else event.data
                yield commands.SendData(self.conn, data)
        elif isinstance(event, ResponseEndOfMessage):
            if self._is_chunked:
                yield commands.SendData(self.conn, b"0\r\n\r\n")
            self.response_done = True
            yield from self.mark_done()
        elif isinstance(event, ProblemAnswer):
            yield from self._refuse(event.problem)
        elif isinstance(event, ResponseProtocolError):
            # The answer has begun: cutting the connection is the only way left to say that it is incomplete.
            yield commands.CloseConnection(self.conn)
            self.state = self.done

    def mark_done(self, **_: bool) -> CommandGenerator[None]:
        """Once both are complete: the next request, or the end of the connection."""
        if not (self.request_done and self.response_done):
            return
        if self._wants_close or self.is_draining:
            yield commands.CloseConnection(self.conn)
            self.state = self.done
            return
        self.request_done = self.response_done = False
        self.request = self.response = None
        self.stream_id += 2
        self.state = self.read_headers
        if self.buf:
            yield from self.read_headers(events.DataReceived(self.conn, b""))

    def _answer_head(self, event: ResponseHeaders) -> bytes:
        response = self.response = event.response
        body_bytes = event.body_bytes if isinstance(event, ReadResponse) else 0
        method = self.request.data.method if self.request else b""
        self._is_chunked = body_bytes is None and method != b"HEAD"
        if body_bytes is not None and body_bytes < 0:
            self._wants_close = True
        if 100 <= response.data.status_code < 200:
            return b"HTTP/1.1 %d %s\r\n\r\n" % (response.data.status_code, response.data.reason)
        head = _response_bytes(response)
        if self._wants_close or self.is_draining:
            return head[:-2] + b"Connection: close\r\n\r\n"
        return head

    def _refuse(self, problem: Problem) -> CommandGenerator[None]:
        """Answer with a problem, stop writing, and swallow what the caller still sends until it has read."""
        self._wants_close = True
        self.response = problem_response(problem)
        head = _response_bytes(self.response)[:-2] + b"Connection: close\r\n\r\n"
        self.state = self.discard
        yield commands.SendData(self.conn, head + (self.response.data.content or b""))
        yield commands.CloseTcpConnection(self.conn, half_close=True)


class SystemSide(Http1Client):
    """One connection to a system."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.buf: bytearray = bytearray()  # type: ignore[assignment]
        self.reader: Body = LengthBody(0)
        self.was_used = False
        self.idle_since = 0.0
        self._wants_close = False
        self._is_chunked = False

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, HttpEvent):
            yield from self.send(event)
            return
        if type(event) is events.DataReceived:
            self.buf += event.data
        elif isinstance(event, events.Start):
            yield from self._open()
            return
        yield from self.state(event)

    @property
    def is_idle(self) -> bool:
        """Whether this connection can carry the next request."""
        return self.stream_id is None and not self.buf and self.conn.state is ConnectionState.OPEN

    def send(self, event: HttpEvent) -> CommandGenerator[None]:
        """Write one part of the request."""
        if isinstance(event, RequestHeaders):
            self.stream_id = event.stream_id
            self.request = event.request
            self._is_chunked = isinstance(event, ReadRequest) and event.body_bytes is None
            yield commands.SendData(self.conn, _request_bytes(event.request))
        elif isinstance(event, RequestData):
            data = b"%x\r\n%s\r\n" % (len(event.data), event.data) if self._is_chunked else event.data
            if data:
                yield commands.SendData(self.conn, data)
        elif isinstance(event, RequestEndOfMessage):
            if self._is_chunked:
                yield commands.SendData(self.conn, b"0\r\n\r\n")
            self.request_done = True
            yield from self.mark_done()
        elif isinstance(event, RequestProtocolError):
            yield commands.CloseConnection(self.conn)

    def read_headers(self, event: events.ConnectionEvent) -> CommandGenerator[None]:
        """Wait for the answer's head."""
        if isinstance(event, events.ConnectionClosed):
            yield from self._fail("the connection ended before an answer", Failure.RESET)
            return
        if self.stream_id is None or self.request is None or self.response_done:
            # Nobody asked. Whatever this is, it must not become the answer to the next request.
            yield commands.CloseConnection(self.conn)
            return
        try:
            raw = take_head(self.buf, is_request=False)
            if raw is None:
                return
            head = read_response_head(raw)
            body_bytes = response_bytes(self.request.data.method, head)
        except Malformed as error:
            yield from self._fail(str(error), Failure.PROTOCOL)
            return
        if head.status < 200:
            if head.status == 101:
                yield from self._fail("it switched protocols unasked", Failure.PROTOCOL)
            elif self.buf:
                yield from self.read_headers(event)
            return
        self._wants_close = head.wants_close or (body_bytes is not None and body_bytes < 0)
        self.response = _response(head)
        self.reader = reader_for(body_bytes)
        self.state = self.read_body
        read = ReadResponse(
            self.stream_id, self.response, body_bytes == 0, body_bytes=body_bytes, odd_fields=head.odd_fields
        )
        yield ReceiveHttp(read)
        if self.state == self.read_body:
            yield from self.read_body(event)

    def read_body(self, event: events.Event) -> CommandGenerator[None]:
        """Pass the answer's body on, piece by piece."""
        if self.stream_id is None:
            return
        try:
            piece, is_complete = self.reader.take(self.buf)
        except Malformed as error:
            yield from self._fail(str(error), Failure.PROTOCOL)
            return
        if piece:
            yield ReceiveHttp(ResponseData(self.stream_id, piece))
        if isinstance(event, events.ConnectionClosed) and not is_complete:
            if not self.reader.ends_with_connection():
                yield from self._fail("the connection ended within the answer", Failure.RESET)
                return
            is_complete = True
        if is_complete and self.state == self.read_body:
            stream_id = self.stream_id
            self.state = self.read_headers
            self.response_done = True
            yield from self.mark_done()
            yield ReceiveHttp(ResponseEndOfMessage(stream_id))

    def mark_done(self, **_: bool) -> CommandGenerator[None]:
        """Once both are complete: ready for the next request, or closed."""
        if not (self.request_done and self.response_done):
            return
        self.request_done = self.response_done = False
        self.request = self.response = None
        self.stream_id = None
        self.state = self.read_headers
        self.was_used = True
        self.idle_since = time.monotonic()
        if self._wants_close or self.buf:
            yield commands.CloseConnection(self.conn)

    def _open(self) -> CommandGenerator[None]:
        """Connect. From then on nothing here waits, and mitmproxy's way of pausing a layer is left out."""
        error = None
        if not self.conn.connected:
            error = yield commands.OpenConnection(self.conn)
        self.state = self.read_headers
        self.handle_event = self._handle_event  # type: ignore[method-assign]
        yield RegisterHttpConnection(self.conn, error)

    def _fail(self, message: str, failure: Failure) -> CommandGenerator[None]:
        stream_id, self.stream_id = self.stream_id, None
        self.state = self.done
        yield commands.CloseConnection(self.conn)
        if stream_id is not None:
            yield ReceiveHttp(UpstreamFailed(stream_id, message, failure))


def _request_bytes(request: http.Request) -> bytes:
    data = request.data
    return b"%s %s %s\r\n%s\r\n" % (data.method, data.path, data.http_version, bytes(data.headers))


def _response_bytes(response: http.Response) -> bytes:
    data = response.data
    return b"%s %d %s\r\n%s\r\n" % (data.http_version, data.status_code, data.reason, bytes(data.headers))


def _request(head: RequestHead) -> http.Request:
    """Mitmproxy's request, without its constructors: they check, field by field, what the reader has just made sure."""
    data = http.RequestData.__new__(http.RequestData)
    data.http_version = head.version
    data.headers = _headers(head.fields)
    data.content = data.trailers = data.timestamp_end = None
    data.timestamp_start = time.time()
    data.host, data.port = "", 0
    data.method, data.scheme, data.authority, data.path = head.method, b"http", b"", head.target
    request = http.Request.__new__(http.Request)
    request.data = data
    return request


def _response(head: ResponseHead) -> http.Response:
    """Mitmproxy's response, likewise."""
    data = http.ResponseData.__new__(http.ResponseData)
    data.http_version = head.version
    data.headers = _headers(head.fields)
    data.content = data.trailers = data.timestamp_end = None
    data.timestamp_start = time.time()
    data.status_code, data.reason = head.status, head.reason
    response = http.Response.__new__(http.Response)
    response.data = data
    return response


def _headers(fields: Fields) -> http.Headers:
    headers = http.Headers.__new__(http.Headers)
    headers.fields = fields
    return headers
