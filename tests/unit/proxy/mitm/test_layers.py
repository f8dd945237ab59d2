"""The layers as a script of events and commands: no sockets, no loop."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.connection import Client, Connection, ConnectionState, Server
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context

from proxy.mitm import problem as problems
from proxy.mitm.http1 import problem_response
from proxy.mitm.layers import EngineLayer, StreamTimeout
from proxy.mitm.problem import Problem
from strangler.exchange import Failure

GET = b"GET /a HTTP/1.1\r\nHost: shop\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Recorder:
    """An addon that aims everything at one system and remembers what it was told."""

    told: list[str] = field(default_factory=list)
    repeatable: bool = True
    nobody: bool = False

    def limit(self) -> int:
        return 10

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self.told.append("requestheaders")

    def request(self, flow: http.HTTPFlow) -> None:
        self.told.append(f"request {flow.request.data.content!r}")
        if self.nobody:
            flow.response = problem_response(problems.no_operation("nobody"))
        flow.request.data.host, flow.request.data.port = "old", 80

    def streamed(self, flow: http.HTTPFlow) -> Problem | None:
        self.told.append("streamed")
        flow.request.data.host, flow.request.data.port = "old", 80
        return problems.no_operation("nobody") if self.nobody else None

    def is_repeatable(self, flow: http.HTTPFlow) -> bool:
        return self.repeatable

    def timeout_s(self, flow: http.HTTPFlow) -> float:
        return 1.0

    def responseheaders(self, flow: http.HTTPFlow, odd_fields: int) -> None:
        self.told.append("responseheaders")

    def response(self, flow: http.HTTPFlow, request_bytes: int, answer: bytes | None, answer_bytes: int) -> None:
        self.told.append(f"response {answer!r} {request_bytes} {answer_bytes}")

    def failed(self, flow: http.HTTPFlow, failure: Failure, request_bytes: int, why: str) -> Problem:
        self.told.append(f"failed {failure}")
        return problems.broken("old", None)

    def lost(self, flow: http.HTTPFlow, why: str) -> None:
        self.told.append(f"lost {why}")


class Script:
    """Feeds events in, and collects what is sent to whom."""

    def __init__(self, addon: Recorder) -> None:
        self.client = Client(peername=("10.0.0.1", 1), sockname=("10.0.0.2", 2), state=ConnectionState.OPEN)
        self.is_usable = True
        self.layer = EngineLayer(Context(self.client, Options()), addon, lambda _: self.is_usable)
        self.servers: list[Server] = []
        self.closed: list[Connection] = []
        self.sent: dict[str, bytes] = {}
        self.opening: commands.OpenConnection | None = None
        self.feed(events.Start())

    def feed(self, event: events.Event) -> "Script":
        for command in self.layer.handle_event(event):
            if isinstance(command, commands.SendData):
                name = self.name(command.connection)
                self.sent[name] = self.sent.get(name, b"") + command.data
            elif isinstance(command, commands.OpenConnection):
                self.servers.append(command.connection)
                self.opening = command
            elif isinstance(command, commands.CloseConnection):
                self.closed.append(command.connection)
                if not getattr(command, "half_close", False):
                    command.connection.state = ConnectionState.CLOSED
        return self

    def name(self, connection: Connection) -> str:
        return "caller" if connection is self.client else f"old{self.servers.index(connection)}"  # type: ignore[arg-type]

    def caller_says(self, raw: bytes) -> "Script":
        return self.feed(events.DataReceived(self.client, raw))

    def opened(self, error: str | None = None, opening: commands.OpenConnection | None = None) -> "Script":
        opening = opening or self.opening
        assert opening is not None
        if error is None:
            opening.connection.state = ConnectionState.OPEN
        return self.feed(events.OpenConnectionCompleted(opening, error))

    def old_says(self, raw: bytes, number: int = 0) -> "Script":
        return self.feed(events.DataReceived(self.servers[number], raw))

    def old_closes(self, number: int = 0) -> "Script":
        self.servers[number].state = ConnectionState.CLOSED
        return self.feed(events.ConnectionClosed(self.servers[number]))

    def heard(self, name: str = "caller") -> bytes:
        return self.sent.pop(name, b"")


def test_a_request_goes_through_and_its_connection_is_used_again() -> None:
    addon = Recorder()
    script = Script(addon).caller_says(GET).opened().old_says(OK)
    assert script.heard() == OK
    script.caller_says(GET).old_says(OK)
    assert (script.heard(), len(script.servers)) == (OK, 1)
    assert addon.told == ["requestheaders", "request b''", "responseheaders", "response b'ok' 0 2"] * 2


def test_a_head_that_arrives_byte_by_byte_is_one_request() -> None:
    addon = Recorder()
    script = Script(addon)
    for number in range(len(GET)):
        script.caller_says(GET[number : number + 1])
    script.opened()
    for number in range(len(OK)):
        script.old_says(OK[number : number + 1])
    assert script.heard() == OK


def test_a_stale_connection_is_tried_once_more_where_that_does_no_harm() -> None:
    addon = Recorder()
    script = Script(addon).caller_says(GET).opened().old_says(OK)
    script.heard()
    script.caller_says(GET).old_closes().opened().old_says(OK, 1)
    assert (script.heard(), len(script.servers)) == (OK, 2)


def test_a_new_connection_that_closes_is_not_tried_again() -> None:
    addon = Recorder()
    script = Script(addon).caller_says(GET).opened().old_closes()
    assert script.heard().startswith(b"HTTP/1.1 502 ")
    assert addon.told[-1] == "failed reset"


def test_a_write_is_not_tried_again_but_its_connection_is_looked_at_first() -> None:
    addon = Recorder(repeatable=False)
    script = Script(addon).caller_says(GET).opened().old_says(OK)
    script.heard()
    script.is_usable = False
    script.caller_says(GET).opened().old_says(OK, 1)
    assert (script.heard(), len(script.servers)) == (OK, 2)
    script.is_usable = True
    script.caller_says(GET).old_closes(1)
    assert script.heard().startswith(b"HTTP/1.1 502 ")


def test_no_connection_is_a_problem_and_the_caller_may_go_on() -> None:
    addon = Recorder()
    script = Script(addon).caller_says(GET).opened("refused")
    assert script.heard().startswith(b"HTTP/1.1 502 ")
    script.caller_says(GET).opened().old_says(OK, 1)
    assert script.heard() == OK
    assert addon.told[2] == "failed unreachable"


def test_a_time_limit_is_a_problem_and_ends_the_systems_connection() -> None:
    addon = Recorder()
    script = Script(addon).caller_says(GET).opened().feed(StreamTimeout(1))
    assert script.heard().startswith(b"HTTP/1.1 502 ")
    assert script.closed == script.servers
    assert addon.told[-1] == "failed timeout"


def test_a_body_over_the_limit_is_streamed_before_it_is_complete() -> None:
    addon = Recorder()
    script = Script(addon).caller_says(b"PUT /a HTTP/1.1\r\nHost: s\r\nContent-Length: 20\r\n\r\n" + b"x" * 5).opened()
    assert script.heard("old0").endswith(b"\r\n\r\nxxxxx")
    script.caller_says(b"y" * 15)
    assert script.heard("old0") == b"y" * 15
    script.old_says(OK)
    assert addon.told == ["requestheaders", "streamed", "responseheaders", "response None 20 2"]


def test_a_caller_that_leaves_within_its_upload_is_a_loss() -> None:
    addon = Recorder()
    script = Script(addon).caller_says(b"PUT /a HTTP/1.1\r\nHost: s\r\nContent-Length: 20\r\n\r\n" + b"x" * 5).opened()
    script.client.state = ConnectionState.CLOSED
    script.feed(events.ConnectionClosed(script.client))
    assert addon.told[-1] == "lost the caller went away within its request"
    assert script.servers[0] in script.closed


def test_what_nobody_serves_is_answered_without_a_system() -> None:
    script = Script(Recorder(nobody=True)).caller_says(GET + GET)
    assert script.heard().count(b"HTTP/1.1 404 ") == 2
    assert script.servers == []


def test_an_oversized_request_that_nobody_serves_ends_the_connection() -> None:
    script = Script(Recorder(nobody=True)).caller_says(b"PUT /a HTTP/1.1\r\nHost: s\r\nContent-Length: 20\r\n\r\nxx")
    heard = script.heard()
    assert heard.startswith(b"HTTP/1.1 404 ")
    assert b"Connection: close" in heard


def test_bytes_on_an_idle_connection_end_it() -> None:
    script = Script(Recorder()).caller_says(GET).opened().old_says(OK)
    script.heard()
    script.old_says(b"HTTP/1.1 200 OK\r\n\r\n")
    assert (script.heard(), script.closed) == (b"", script.servers)


_PIECES = st.sampled_from(
    [
        GET,
        b"PUT /a HTTP/1.1\r\nHost: s\r\nContent-Length: 20\r\n\r\n",
        b"PUT /a HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"5\r\nabcde\r\n",
        b"0\r\n\r\n",
        b"x" * 20,
        b"\r\n",
        b"\n",
        b"\x00",
    ]
)
_ANSWERS = st.sampled_from(
    [
        OK,
        b"HTTP/1.1 200 OK\r\n",
        b"\r\n",
        b"HTTP/1.1 103 Hi\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"2\r\nok\r\n",
        b"0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"junk",
    ]
)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("caller"), st.one_of(_PIECES, st.binary(max_size=8))),
        st.tuples(st.just("old"), st.one_of(_ANSWERS, st.binary(max_size=8))),
        st.tuples(st.sampled_from(["open", "refuse", "old-closes", "time-out", "caller-leaves"]), st.just(b"")),
    ),
    max_size=14,
)


@given(_STEPS)
def test_no_order_of_events_makes_the_layers_fail(steps: list[tuple[str, bytes]]) -> None:
    addon = Recorder()
    script = Script(addon)
    is_here = True
    for what, raw in steps:
        live = [number for number, server in enumerate(script.servers) if server.connected]
        if what == "caller" and is_here and script.client not in script.closed:
            script.caller_says(raw)
        elif what == "old" and live:
            script.old_says(raw, live[-1])
        elif what in ("open", "refuse") and script.opening is not None:
            opening, script.opening = script.opening, None
            script.opened(None if what == "open" else "refused", opening)
        elif what == "old-closes" and live:
            script.old_closes(live[-1])
        elif what == "time-out" and script.layer.streams:
            script.feed(StreamTimeout(next(iter(script.layer.streams))))
        elif what == "caller-leaves" and is_here:
            is_here = False
            script.client.state = ConnectionState.CLOSED
            script.feed(events.ConnectionClosed(script.client))
    begun = addon.told.count("requestheaders")
    ended = sum(told.startswith(("response ", "failed", "lost")) for told in addon.told)
    assert ended <= begun


def test_a_system_that_answers_early_and_leaves_does_not_hurt_the_upload() -> None:
    addon = Recorder()
    script = (
        Script(addon).caller_says(b"PUT /a HTTP/1.1\r\nHost: s\r\nContent-Length: 20\r\n\r\n").opened().old_says(OK)
    )
    assert script.heard() == OK
    script.old_closes().caller_says(b"x" * 20).caller_says(GET).opened().old_says(OK, 1)
    assert script.heard() == OK
    assert addon.told.count("response b'ok' 0 2") == 1


def test_a_second_answer_to_one_upload_ends_the_systems_connection() -> None:
    script = Script(Recorder()).caller_says(b"PUT /a HTTP/1.1\r\nHost: s\r\nContent-Length: 20\r\n\r\n").opened()
    script.old_says(OK).old_says(OK)
    assert (script.heard(), script.closed) == (OK, script.servers)
