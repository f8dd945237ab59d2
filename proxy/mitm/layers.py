"""mitmproxy's HTTP layer and stream, as a gateway needs them.

``EngineLayer`` knows one caller's connection and the connections opened for it. ``EngineStream`` is one exchange: the
states are mitmproxy's, the hooks are called straight instead of as tasks, bodies over the plan's limit are streamed,
and what a gateway must do with a system that fails is done here: one retry where nothing can have happened, else a
problem document.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mitmproxy import http
from mitmproxy.connection import Connection, Server
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import CommandGenerator, Layer
from mitmproxy.proxy.layers.http import (
    DropStream,
    GetHttpConnection,
    GetHttpConnectionCompleted,
    HttpLayer,
    HTTPMode,
    HttpStream,
    RegisterHttpConnection,
    SendHttp,
)
from mitmproxy.proxy.layers.http._base import ReceiveHttp
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
from mitmproxy.proxy.utils import ReceiveBuffer

from proxy.mitm.http1 import (
    CallerSide,
    ProblemAnswer,
    ReadRequest,
    ReadResponse,
    SystemSide,
    UpstreamFailed,
    problem_response,
)
from proxy.mitm.problem import Problem
from strangler.exchange import Failure

FOREVER = float("inf")


class Addon(Protocol):
    """What the stream asks of its addon. None of these may raise."""

    def limit(self) -> int:
        """The most bytes of a body that are held."""
        ...

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A request's head was read."""
        ...

    def request(self, flow: http.HTTPFlow) -> None:
        """A request was read whole: decide; ``flow.response`` is set where no system is to be asked."""
        ...

    def streamed(self, flow: http.HTTPFlow) -> Problem | None:
        """A request is too large to hold: decide without its body; a problem where no system is to be asked."""
        ...

    def is_repeatable(self, flow: http.HTTPFlow) -> bool:
        """Whether asking the system twice does no harm."""
        ...

    def timeout_s(self, flow: http.HTTPFlow) -> float:
        """The longest wait for the system's answer."""
        ...

    def responseheaders(self, flow: http.HTTPFlow, odd_fields: int) -> None:
        """The system's answer began; so many lines of its head were set right or left out."""
        ...

    def response(self, flow: http.HTTPFlow, request_bytes: int, answer: bytes | None, answer_bytes: int) -> None:
        """The system's answer is complete; ``answer`` is ``None`` where it was too large to hold."""
        ...

    def failed(self, flow: http.HTTPFlow, failure: Failure, request_bytes: int, why: str) -> Problem:
        """The system gave no answer, for this reason: the problem to answer with."""
        ...

    def lost(self, flow: http.HTTPFlow, why: str) -> None:
        """The exchange cannot be told whole: count it."""
        ...


@dataclass
class StreamTimeout(events.Event):
    """The answering system took too long for this stream."""

    stream_id: int


@dataclass
class FreshConnection(GetHttpConnection):
    """A connection that was not used before."""

    def __hash__(self) -> int:
        return id(self)


class EngineStream(HttpStream):
    """One exchange."""

    mode = HTTPMode.transparent

    def __init__(self, context: Context, stream_id: int, addon: Addon) -> None:
        super().__init__(context, stream_id)
        self.addon = addon
        self.deadline = FOREVER
        self.request_bytes = 0
        self.answer_bytes = 0
        self._limit = addon.limit()
        self._held: list[bytes] | None = []
        self.upstream: SystemSide | None = None
        self._was_retried = False
        self._declared: int | None = 0

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, events.Start):
            self.client_state = self.state_wait_for_request_headers
        elif isinstance(event, (RequestProtocolError, ResponseProtocolError)):
            yield from self.handle_protocol_error(event)
        elif isinstance(event, (RequestHeaders, RequestData, RequestEndOfMessage)):
            yield from self.client_state(event)
        else:
            yield from self.server_state(event)

    # -- the request ---------------------------------------------------------------------------------------------

    def state_wait_for_request_headers(self, event: RequestHeaders) -> CommandGenerator[None]:
        """The head is there: hold the body, or stream it where it is known to be too large."""
        flow = self.flow = http.HTTPFlow(self.context.client, self.context.server)
        flow.request = event.request
        flow.live = True
        self._declared = event.body_bytes if isinstance(event, ReadRequest) else 0
        self.addon.requestheaders(flow)
        self.server_state = self.state_wait_for_response_headers
        if event.end_stream:
            self.client_state = self.state_consume_request_body
            return
        if flow.request.headers.get("expect", "").lower() == "100-continue":
            yield SendHttp(ResponseHeaders(self.stream_id, http.Response.make(100)), self.context.client)
        if self._declared is not None and self._declared > self._limit:
            yield from self.start_request_stream()
        else:
            self.client_state = self.state_consume_request_body

    def state_consume_request_body(self, event: events.Event) -> CommandGenerator[None]:
        """Hold the body until it is complete, or too large."""
        if isinstance(event, RequestData):
            self.request_body_buf += event.data
            self.request_bytes += len(event.data)
            if self.request_bytes > self._limit:
                held = bytes(self.request_body_buf)
                self.request_body_buf = ReceiveBuffer()  # type: ignore[no-untyped-call]
                yield from self.start_request_stream()
                if self.client_state == self.state_stream_request_body:
                    yield SendHttp(RequestData(self.stream_id, held), self.context.server)
            return
        flow = self.flow
        flow.request.data.content = bytes(self.request_body_buf)
        self.client_state = self.state_done
        self.addon.request(flow)
        if flow.response:
            yield from self.answer(flow.response)
        else:
            yield from self.send_request()

    def start_request_stream(self) -> CommandGenerator[None]:
        """The body is too large to hold: decide without it and let it through."""
        problem = self.addon.streamed(self.flow)
        if problem is not None:
            yield from self.refuse(problem)
            return
        self._held = None
        if not (yield from self.make_server_connection()):
            return
        yield SendHttp(
            ReadRequest(self.stream_id, self.flow.request, False, body_bytes=self._declared), self.context.server
        )
        self.client_state = self.state_stream_request_body

    def state_stream_request_body(self, event: events.Event) -> CommandGenerator[None]:
        """Let the body through."""
        if isinstance(event, RequestData):
            self.request_bytes += len(event.data)
            yield SendHttp(event, self.context.server)
            return
        self.client_state = self.state_done
        self.deadline = time.monotonic() + self.addon.timeout_s(self.flow)
        yield SendHttp(RequestEndOfMessage(self.stream_id), self.context.server)
        if self.server_state == self.state_done:
            yield from self.flow_done()

    def send_request(self) -> CommandGenerator[None]:
        """Send the held request to its system."""
        if not (yield from self.make_server_connection()):
            return
        request = self.flow.request
        content = request.data.content
        server = self.context.server
        self.deadline = time.monotonic() + self.addon.timeout_s(self.flow)
        yield SendHttp(ReadRequest(self.stream_id, request, not content, body_bytes=self._declared), server)
        if content:
            yield SendHttp(RequestData(self.stream_id, content), server)
        yield SendHttp(RequestEndOfMessage(self.stream_id), server)

    def make_server_connection(self) -> CommandGenerator[bool]:
        """A connection to the decided system; ``False`` where there is none and the caller was told."""
        request = self.flow.request
        wanted = FreshConnection if self._was_retried else GetHttpConnection
        connection, error = yield wanted((request.host, request.port), request.scheme == "https", None)
        if error:
            yield from self.handle_protocol_error(UpstreamFailed(self.stream_id, error, Failure.UNREACHABLE))
            return False
        self.context.server = self.flow.server_conn = connection
        return True

    # -- the answer ----------------------------------------------------------------------------------------------

    def state_wait_for_response_headers(self, event: ResponseHeaders) -> CommandGenerator[None]:
        """The answer begins: hold it where its length is known and small, else let it through as it comes."""
        self.flow.response = event.response
        body_bytes = event.body_bytes if isinstance(event, ReadResponse) else 0
        self.addon.responseheaders(self.flow, event.odd_fields if isinstance(event, ReadResponse) else 0)
        self.deadline = FOREVER if self.client_state != self.state_done else self._later()
        if body_bytes is None or body_bytes < 0 or body_bytes > self._limit:
            if self._held is not None and body_bytes is not None and body_bytes > self._limit:
                self._held = None
            yield SendHttp(event, self.context.client)
            self.server_state = self.state_stream_response_body
        else:
            self.server_state = self.state_consume_response_body

    def state_stream_response_body(self, event: events.Event) -> CommandGenerator[None]:
        """Let the answer through, and keep a copy while it is small."""
        if isinstance(event, ResponseData):
            self._keep(event.data)
            yield SendHttp(event, self.context.client)
        else:
            yield from self.finish()

    def state_consume_response_body(self, event: events.Event) -> CommandGenerator[None]:
        """Hold the answer until it is complete: it then goes out in one piece."""
        if isinstance(event, ResponseData):
            self.response_body_buf += event.data
            self._keep(event.data)
            return
        response = self.flow.response
        if response is None:  # it is what brought this state about
            return
        yield SendHttp(ReadResponse(self.stream_id, response, body_bytes=0), self.context.client)
        if self.response_body_buf:
            yield SendHttp(ResponseData(self.stream_id, bytes(self.response_body_buf)), self.context.client)
        yield from self.finish()

    def finish(self) -> CommandGenerator[None]:
        """The answer is complete: tell the addon, and make room for the next request."""
        answer = b"".join(self._held) if self._held is not None else None
        self.addon.response(self.flow, self.request_bytes, answer, self.answer_bytes)
        self.server_state = self.state_done
        self.deadline = FOREVER
        if self.client_state == self.state_done:
            yield from self.flow_done()

    def answer(self, response: http.Response) -> CommandGenerator[None]:
        """Answer the caller ourselves; its request was read whole, so the connection stays."""
        self.flow.response = response
        self.server_state = self.state_done
        self.deadline = FOREVER
        yield SendHttp(ReadResponse(self.stream_id, response, body_bytes=0), self.context.client)
        if response.data.content and self.flow.request.data.method != b"HEAD":
            yield SendHttp(ResponseData(self.stream_id, response.data.content), self.context.client)
        yield from self.flow_done()

    def refuse(self, problem: Problem) -> CommandGenerator[None]:
        """Answer the caller ourselves although its request was not read whole: the connection ends with it."""
        self.client_state = self.server_state = self.state_errored
        self.deadline = FOREVER
        self.flow.live = False
        yield SendHttp(ProblemAnswer(self.stream_id, problem), self.context.client)
        yield DropStream(self.stream_id)

    def flow_done(self) -> CommandGenerator[None]:
        """Both directions are complete."""
        self.flow.live = False
        yield DropStream(self.stream_id)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def handle_protocol_error(self, event: RequestProtocolError | ResponseProtocolError) -> CommandGenerator[None]:
        """One of the two connections failed."""
        if self.server_state in (self.state_done, self.state_errored):
            return
        if isinstance(event, RequestProtocolError):
            yield from self.caller_gone(event)
            return
        failure = event.failure if isinstance(event, UpstreamFailed) else Failure.PROTOCOL
        has_begun = self.server_state == self.state_stream_response_body
        if failure is Failure.RESET and not has_begun and self._may_retry():
            self._was_retried = True
            self.response_body_buf = ReceiveBuffer()  # type: ignore[no-untyped-call]
            self._held, self.answer_bytes = [], 0
            self.flow.response = None
            self.server_state = self.state_wait_for_response_headers
            yield from self.send_request()
            return
        if has_begun:
            self.addon.lost(self.flow, event.message)
            self.client_state = self.server_state = self.state_errored
            yield SendHttp(event, self.context.client)
            yield DropStream(self.stream_id)
            return
        problem = self.addon.failed(self.flow, failure, self.request_bytes, event.message)
        if self.client_state == self.state_done:
            yield from self.answer(problem_response(problem))
        else:
            yield from self.refuse(problem)

    def caller_gone(self, event: RequestProtocolError) -> CommandGenerator[None]:
        """The caller left. A whole request is still answered for the journal's sake; anything else is cut."""
        if self.client_state == self.state_done and self.server_state != self.state_stream_response_body:
            return
        has_been_sent = self.client_state in (self.state_done, self.state_stream_request_body)
        self.client_state = self.server_state = self.state_errored
        self.addon.lost(self.flow, event.message)
        if has_been_sent:
            yield SendHttp(event, self.context.server)
        yield DropStream(self.stream_id)

    def _may_retry(self) -> bool:
        """A kept connection may be closed by its system just as we use it: ask once more where that does no harm."""
        upstream = self.upstream
        return (
            upstream is not None
            and upstream.was_used
            and not self._was_retried
            and self.client_state == self.state_done
            and self.flow.request.data.content is not None
            and self.addon.is_repeatable(self.flow)
        )

    def _keep(self, data: bytes) -> None:
        self.answer_bytes += len(data)
        self.deadline = self._later()
        if self._held is not None:
            self._held.append(data)
            if self.answer_bytes > self._limit:
                self._held = None

    def _later(self) -> float:
        return time.monotonic() + max(self.addon.timeout_s(self.flow), STALLED_S)


STALLED_S = 300.0
"""How long an answer that has begun may stand still: server-sent events and slow reports are left alone."""


FRESH_S = 0.25
"""How long ago a connection may have been used to be used again unseen, where a retry does no harm."""


class EngineLayer(HttpLayer):
    """One caller's connection and the systems' connections opened for it."""

    def __init__(self, context: Context, addon: Addon, is_usable: Callable[[Connection], bool]) -> None:
        super().__init__(context, HTTPMode.transparent)
        self.addon = addon
        self._is_usable = is_usable
        self.caller = CallerSide(context.fork())

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, events.ConnectionEvent):
            child = self.connections.get(event.connection)
            if child is not None:
                yield from self.event_to_child(child, event)
                if isinstance(event, events.ConnectionClosed) and event.connection is not self.context.client:
                    self.connections.pop(event.connection, None)
        elif isinstance(event, events.CommandCompleted):
            source = self.command_sources.pop(event.command, None)
            if source is not None:
                yield from self.event_to_child(source, event)
        elif isinstance(event, StreamTimeout):
            stream = self.streams.get(event.stream_id)
            if isinstance(stream, EngineStream):
                connection = stream.flow.server_conn
                yield from self.event_to_child(
                    stream, UpstreamFailed(event.stream_id, "the answer took too long", Failure.TIMEOUT)
                )
                yield commands.CloseConnection(connection)
        elif isinstance(event, events.Start):
            self.connections[self.context.client] = self.caller
            yield from self.event_to_child(self.caller, event)

    handle_event = _handle_event  # this layer itself never waits: mitmproxy's way of pausing a layer is not needed

    def event_to_child(self, child: Layer | HttpStream, event: events.Event) -> CommandGenerator[None]:
        """As in mitmproxy, with the most frequent commands first: every byte comes through here."""
        for command in child.handle_event(event):
            if isinstance(command, commands.SendData):
                yield command
            elif isinstance(command, SendHttp):
                connection = self.connections.get(command.connection)
                if connection is not None:  # else it has ended: what would still be said to it is said to nobody
                    yield from self.event_to_child(connection, command.event)
            elif isinstance(command, ReceiveHttp):
                if isinstance(command.event, RequestHeaders):
                    yield from self.make_stream(command.event.stream_id)
                stream = self.streams.get(command.event.stream_id)
                if stream is not None:
                    yield from self.event_to_child(stream, command.event)
            elif isinstance(command, DropStream):
                self.streams.pop(command.stream_id, None)
            elif isinstance(command, GetHttpConnection):
                self.command_sources[command] = child
                yield from self.get_connection(command)
            elif isinstance(command, RegisterHttpConnection):
                yield from self.register_connection(command)
            elif isinstance(command, commands.OpenConnection):
                self.command_sources[command] = child
                self.connections[command.connection] = child
                yield command
            else:
                yield command

    def make_stream(self, stream_id: int) -> CommandGenerator[None]:
        """A new exchange."""
        stream = EngineStream(self.context.fork(), stream_id, self.addon)
        self.streams[stream_id] = stream
        yield from self.event_to_child(stream, events.Start())

    def get_connection(self, event: GetHttpConnection, *, reuse: bool = True) -> CommandGenerator[None]:
        """An idle connection to that address, or a new one."""
        if reuse and not isinstance(event, FreshConnection):
            for connection, child in self.connections.items():
                if isinstance(child, SystemSide) and child.is_idle and event.connection_spec_matches(connection):
                    if not self._is_fit(event, child, connection):
                        del self.connections[connection]
                        yield commands.CloseConnection(connection)
                        break
                    yield from self._hand_over(event, child, connection)
                    return
        context = self.context.fork()
        context.server = Server(address=event.address, transport_protocol=event.transport_protocol)
        context.server.tls = event.tls
        child = SystemSide(context)
        self.connections[context.server] = child
        self.waiting_for_establishment[context.server].append(event)
        yield from self.event_to_child(child, events.Start())

    def register_connection(self, command: RegisterHttpConnection) -> CommandGenerator[None]:
        """A connection was opened, or could not be."""
        child = self.connections[command.connection]
        for waiting in self.waiting_for_establishment.pop(command.connection):
            if command.err:
                self.connections.pop(command.connection, None)
                stream = self.command_sources.pop(waiting)
                yield from self.event_to_child(stream, GetHttpConnectionCompleted(waiting, (None, command.err)))
            else:
                yield from self._hand_over(waiting, child, command.connection)

    def idle_connections(self) -> list[tuple[Connection, SystemSide]]:
        """The systems' connections that can carry another request."""
        return [
            (connection, child)
            for connection, child in self.connections.items()
            if isinstance(child, SystemSide) and child.is_idle
        ]

    def _is_fit(self, event: GetHttpConnection, child: SystemSide, connection: Connection) -> bool:
        """Look at the socket before use where it stood idle, or where a second attempt could do harm."""
        stream = self.command_sources[event]
        is_safe = isinstance(stream, EngineStream) and self.addon.is_repeatable(stream.flow)
        if is_safe and time.monotonic() - child.idle_since < FRESH_S:
            return True
        return self._is_usable(connection)

    def _hand_over(self, event: GetHttpConnection, child: Layer, connection: Connection) -> CommandGenerator[None]:
        stream = self.command_sources.pop(event)
        if isinstance(stream, EngineStream) and isinstance(child, SystemSide):
            stream.upstream = child
        yield from self.event_to_child(stream, GetHttpConnectionCompleted(event, (connection, None)))
