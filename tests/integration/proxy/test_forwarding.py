"""What goes to a system and comes back from it, on real sockets."""

import asyncio
from pathlib import Path

import pytest

from strangler.exchange import Failure
from strangler.stages import Side, Stage
from tests.integration.proxy.serving import OK, Running, eventually, fields_of, request, running


async def test_the_answer_reaches_the_caller_unchanged_and_is_journaled(engine: Running) -> None:
    answer = await engine.get("/items/7?x=1")

    assert (answer.status, answer.body) == (200, b'{"name":1} ')
    assert answer.raw_head + answer.body == OK
    (exchange,) = await engine.journaled()
    assert (exchange.operation, exchange.key, exchange.stage) == ("shop.get-item", "7", Stage.OFF)
    assert (exchange.request.method, exchange.request.target) == ("GET", "/items/7?x=1")
    assert (exchange.answer.side, exchange.answer.status, exchange.answer.body) == (Side.OLD, 200, b'{"name":1} ')
    assert exchange.answer.duration_s > 0


async def test_forwarding_fields_have_one_value_each_and_forged_ones_are_not_believed(engine: Running) -> None:
    await engine.get(
        "/items/7",
        "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-For: 198.51.100.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: evil.example",
        "Forwarded: for=203.0.113.9",
        "X-Strangler-Exchange: forged",
        "x-strangler-key: forged",
        "X_Strangler_Key: forged",
    )

    fields = fields_of(engine.old.heads[0])
    assert fields["host"] == f"127.0.0.1:{engine.old.port}"
    assert fields["x-forwarded-for"] == "203.0.113.9, 198.51.100.1, 127.0.0.1"
    assert fields["x-forwarded-proto"] == "http"
    assert fields["x-forwarded-host"] == "shop.example"
    assert fields["forwarded"] == 'for=203.0.113.9, for=127.0.0.1;host="shop.example";proto=http'
    assert [name for name in fields if "strangler" in name] == []
    (exchange,) = await engine.journaled()
    assert exchange.request.header("x-strangler-exchange") is None
    assert exchange.request.header("host") == "shop.example"


async def test_hop_by_hop_fields_stay_on_their_hop(engine: Running) -> None:
    engine.old.reply = (
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
        b"Upgrade: h2c\r\nX-End: 2\r\nContent-Length: 2\r\n\r\nok"
    )
    caller = await engine.caller()
    answer = await caller.ask(
        request(
            "GET", "/items/7", "Connection: X-Mine, close", "X-Mine: 1", "TE: trailers", "Upgrade: h2c", "X-Yours: 2"
        )
    )

    sent = fields_of(engine.old.heads[0])
    assert {"connection", "x-mine", "te", "upgrade"} & sent.keys() == set()
    assert sent["x-yours"] == "2"
    assert {"x-hop", "keep-alive", "upgrade"} & answer.fields.keys() == set()
    assert (answer.fields["x-end"], answer.fields["connection"]) == ("2", "close")
    assert await caller.reader.read() == b""


async def test_a_new_system_is_told_the_exchange_and_a_write_its_idempotency_key(engine: Running) -> None:
    engine.new.reply = OK.replace(b"Content-Type", b"X-Build-Id: r2\r\nContent-Type")
    engine.publish(1, **{"shop.order": {"live": 100}, "shop.get-item": {"live": 100}})
    await engine.until_seq(1)
    caller = await engine.caller()
    await caller.ask(request("POST", "/orders", "x-citizen: C1", body=b"{}"))
    await caller.ask(request("POST", "/orders", "x-citizen: C1", "Idempotency-Key: mine", body=b"{}"))
    await caller.ask(request("GET", "/items/1"))

    first, second, third = [fields_of(head) for head in engine.new.heads]
    assert engine.new.heads[0].startswith(b"POST /api/orders HTTP/1.1\r\n")
    assert first["x-strangler-exchange"] == first["idempotency-key"]
    assert second["idempotency-key"] == "mine"
    assert third["x-strangler-exchange"]
    assert "idempotency-key" not in third
    exchanges = await engine.journaled(3)
    assert {exchange.id for exchange in exchanges} == {
        fields["x-strangler-exchange"] for fields in (first, second, third)
    }
    assert {(exchange.answer.side, exchange.answer.build, exchange.asked) for exchange in exchanges} == {
        (Side.NEW, "r2", Side.OLD)
    }


async def test_a_body_that_does_not_parse_is_passed_on_untouched(engine: Running) -> None:
    engine.publish(1, **{"shop.find-item": {"shadow": 100}})
    await engine.until_seq(1)
    caller = await engine.caller()
    answer = await caller.ask(request("POST", "/find", body=b"{not json"))

    assert answer.status == 200
    assert engine.old.bodies == [b"{not json"]
    (exchange,) = await engine.journaled()
    assert (exchange.key, exchange.asked, exchange.not_compared) == (None, None, "unparsable")


async def test_a_path_that_nobody_serves_is_a_problem_that_names_the_nearest_operation(engine: Running) -> None:
    answer = await engine.get("/item/7")

    assert (answer.status, answer.fields["content-type"]) == (404, "application/problem+json")
    assert b"the nearest operation is shop." in answer.body


async def test_a_path_of_no_operation_goes_to_the_system_that_serves_it(engine: Running) -> None:
    answer = await engine.get("/files/form.pdf")

    assert answer.status == 200
    assert engine.engine.addon.counts["unmatched"] == 1


async def test_an_unreachable_system_is_a_502_that_names_it_and_the_connection_stays(engine: Running) -> None:
    await engine.old.stop()
    caller = await engine.caller()
    for _ in range(2):
        answer = await caller.ask(request("GET", "/items/7"))
        assert (answer.status, answer.fields["content-type"]) == (502, "application/problem+json")
        assert b'"system":"old-shop"' in answer.body
    exchanges = await engine.journaled(2)
    assert [exchange.answer.failure for exchange in exchanges] == [Failure.UNREACHABLE] * 2


@pytest.mark.parametrize(
    ("reply", "status"),
    [(b"", 502), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", 502), (b"garbage\r\n\r\n", 502)],
)
async def test_a_system_that_breaks_off_is_a_502(engine: Running, reply: bytes, status: int) -> None:
    async def breaks(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        writer.write(reply)
        writer.close()
        raise ConnectionResetError

    engine.old.script = breaks
    answer = await engine.get("/items/7")

    assert (answer.status, b"Traceback" in answer.body, b"old-shop" in answer.body) == (status, False, True)


async def test_interim_answers_and_trailers_are_passed_over(engine: Running) -> None:
    engine.old.reply = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"
    )
    caller = await engine.caller()
    first = await caller.ask(request("GET", "/items/7"))
    second = await caller.ask(request("GET", "/items/8"))

    assert (first.status, first.body, second.body) == (200, b"abcde", b"abcde")
    assert engine.old.connections == 1
    assert [exchange.answer.body for exchange in await engine.journaled(2)] == [b"abcde"] * 2


async def test_an_answer_that_ends_with_its_connection_is_whole(engine: Running) -> None:
    async def closes(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it")
        writer.close()
        raise ConnectionResetError

    engine.old.script = closes
    answer = await engine.get("/items/7")

    assert (answer.body, answer.fields["connection"]) == (b"all of it", "close")
    assert [exchange.answer.body for exchange in await engine.journaled()] == [b"all of it"]


async def test_head_and_204_have_no_body_and_pipelined_requests_keep_their_order(engine: Running) -> None:
    engine.old.reply = b"HTTP/1.1 204 No Content\r\nX-N: 1\r\n\r\n"
    caller = await engine.caller()
    await caller.say(request("GET", "/items/1") + request("GET", "/items/2") + request("GET", "/items/3"))
    async with asyncio.timeout(5):
        for _ in range(3):
            assert (await caller.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 No Content\r\nX-N: 1")
    assert [head.split(b" ")[1] for head in engine.old.heads] == [b"/items/1", b"/items/2", b"/items/3"]


async def test_a_kept_connection_that_the_system_closed_is_no_error_for_the_caller(engine: Running) -> None:
    async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        if len(engine.old.heads) == 1:
            writer.write(OK)
            await reader.readuntil(b"\r\n\r\n")  # the second request on this connection is read, and cut
            writer.close()
            raise ConnectionResetError
        writer.write(OK)

    engine.old.script = answers_once
    caller = await engine.caller()
    first = await caller.ask(request("GET", "/items/7"))
    second = await caller.ask(request("GET", "/items/8"))

    assert (first.status, second.status) == (200, 200)
    assert engine.old.connections == 2


async def test_a_write_is_never_sent_twice(engine: Running) -> None:
    seen: list[bytes] = []

    async def cuts_the_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        await reader.readexactly(2)
        seen.append(head)
        if len(seen) == 2:
            writer.close()
            raise ConnectionResetError
        writer.write(OK)

    engine.old.script = cuts_the_second
    caller = await engine.caller()
    order = request("POST", "/orders", "x-citizen: C1", body=b"{}")
    first = await caller.ask(order)
    second = await caller.ask(order)

    assert (first.status, second.status, len(seen)) == (200, 502, 2)


async def test_a_write_does_not_use_a_connection_that_has_ended_meanwhile(engine: Running) -> None:
    caller = await engine.caller()
    order = request("POST", "/orders", "x-citizen: C1", body=b"{}")
    assert (await caller.ask(order)).status == 200
    for writer in engine.old.writers:
        writer.close()
    await asyncio.sleep(0.1)
    assert (await caller.ask(order)).status == 200


async def test_a_connection_to_a_system_is_kept_for_the_next_caller(engine: Running) -> None:
    for number in range(3):
        caller = await engine.caller()
        await caller.ask(request("GET", f"/items/{number}"))
        caller.writer.close()
        await eventually(lambda: engine.engine.addon.counts["requests"] > 0)
        await asyncio.sleep(0.05)
    assert engine.old.connections == 1


async def test_a_caller_that_leaves_while_its_write_is_under_way_is_still_journaled(engine: Running) -> None:
    go_on = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        await reader.readexactly(2)
        await go_on.wait()
        writer.write(OK)

    engine.old.script = waits
    caller = await engine.caller()
    await caller.say(request("POST", "/orders", "x-citizen: C1", body=b"{}"))
    await eventually(lambda: bool(engine.old.heads))
    caller.writer.transport.abort()
    await asyncio.sleep(0.1)
    go_on.set()
    (exchange,) = await engine.journaled()
    assert (exchange.answer.status, engine.engine.capture.counters.lost) == (200, 0)


async def test_a_caller_that_only_stops_writing_gets_its_answer(engine: Running) -> None:
    caller = await engine.caller()
    await caller.say(request("GET", "/items/7"))
    caller.writer.write_eof()
    assert (await caller.hear()).status == 200


async def test_a_slow_system_is_a_504(tmp_path: Path) -> None:
    async with running(tmp_path, timeout_s=0.3) as run:
        run.old.script = _never
        caller = await run.caller()
        answer = await caller.ask(request("GET", "/items/7"))
        assert (answer.status, b"old-shop" in answer.body) == (504, True)
        run.old.script = None
        assert (await caller.ask(request("GET", "/items/7"))).status == 200
        exchanges = await run.journaled(2)
        assert {exchange.answer.failure for exchange in exchanges} == {Failure.TIMEOUT, None}


async def test_server_sent_events_arrive_as_they_are_sent(engine: Running) -> None:
    go_on = asyncio.Event()

    async def sends_events(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"9\r\ndata: 1\n\n\r\n")
        await go_on.wait()
        writer.write(b"0\r\n\r\n")

    engine.old.script = sends_events
    caller = await engine.caller()
    await caller.say(request("GET", "/items/7"))
    async with asyncio.timeout(5):
        await caller.reader.readuntil(b"\r\n\r\n")
        assert await caller.reader.readexactly(14) == b"9\r\ndata: 1\n\n\r\n"
    go_on.set()
    async with asyncio.timeout(5):
        assert await caller.reader.readexactly(5) == b"0\r\n\r\n"


async def _never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _head: bytes) -> None:
    await asyncio.sleep(2)
