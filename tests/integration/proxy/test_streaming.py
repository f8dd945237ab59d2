"""Bodies over the limit go through and are never held."""

import asyncio
import os

import psutil
import pytest

from strangler.exchange import Reason
from strangler.journal import Journal
from tests.integration.proxy.serving import OK, Running, eventually, request

LIMIT = 65_536


async def outcomes(engine: Running) -> dict[tuple[str, Reason | None], int]:
    """Exchanges that were not compared: operation and reason to count."""
    await eventually(lambda: engine.engine.capture.counters.journaled >= 1)
    with Journal.open(engine.state.journal_url, key=engine.state.journal_key()) as journal:
        return {(tally.operation, tally.reason): tally.count for tally in journal.outcomes_count()}


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1])
async def test_a_request_of_known_length_goes_through(engine: Running, size: int) -> None:
    caller = await engine.caller()
    answer = await caller.ask(request("PUT", "/uploads/1", "x-citizen: C1", body=b"u" * size))

    assert answer.status == 200
    assert [len(body) for body in engine.old.bodies] == [size]
    expected = {} if size <= LIMIT else {("shop.upload", Reason.TOO_LARGE): 1}
    assert await outcomes(engine) == expected


async def test_a_request_of_unknown_length_goes_through(engine: Running) -> None:
    caller = await engine.caller()
    await caller.say(request("PUT", "/uploads/1", "x-citizen: C1", "Transfer-Encoding: chunked"))
    for _ in range(40):
        await caller.say(b"1000\r\n" + b"c" * 4096 + b"\r\n")
    await caller.say(b"0\r\n\r\n")
    answer = await caller.hear()

    assert answer.status == 200
    assert engine.old.bodies == [b"c" * 4096 * 40]
    assert await outcomes(engine) == {("shop.upload", Reason.TOO_LARGE): 1}


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_an_answer_over_the_limit_goes_through(engine: Running, is_chunked: bool) -> None:
    body = os.urandom(300_000)
    framing = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: 300000"
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if is_chunked else body
    engine.old.reply = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + framed
    answer = await engine.get("/items/7")

    assert answer.body == body
    assert await outcomes(engine) == {("shop.get-item", Reason.TOO_LARGE): 1}


async def test_an_oversized_request_whose_key_is_in_the_body_goes_to_old_without_a_key(engine: Running) -> None:
    engine.publish(1, **{"shop.find-item": {"live": 100}})
    await engine.until_seq(1)
    caller = await engine.caller()
    small = await caller.ask(request("POST", "/find", body=b'{"id": 7}'))
    large = await caller.ask(request("POST", "/find", body=b'{"id": 7, "pad": "' + b"x" * LIMIT + b'"}'))

    assert (small.status, large.status) == (200, 200)
    assert (len(engine.new.bodies), len(engine.old.bodies)) == (1, 1)


async def test_a_caller_that_waits_for_100_continue_is_told_to_go_on(engine: Running) -> None:
    caller = await engine.caller()
    await caller.say(request("PUT", "/uploads/1", "x-citizen: C1", "Expect: 100-continue", "Content-Length: 5"))
    async with asyncio.timeout(5):
        assert await caller.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await caller.ask(b"hello")).status == 200
    assert engine.old.bodies == [b"hello"]


async def test_an_unreachable_system_is_told_to_a_caller_that_still_sends(engine: Running) -> None:
    await engine.old.stop()
    caller = await engine.caller()
    answer = await caller.ask(request("PUT", "/uploads/1", "x-citizen: C1", body=b"u" * 500_000))
    assert (answer.status, b"old-shop" in answer.body) == (502, True)


async def test_an_answer_that_breaks_off_is_cut_for_the_caller_and_counted_as_lost(engine: Running) -> None:
    async def breaks(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"a" * 100_000)
        await writer.drain()
        writer.close()
        raise ConnectionResetError

    engine.old.script = breaks
    caller = await engine.caller()
    await caller.say(request("GET", "/items/7"))
    async with asyncio.timeout(5):
        assert len(await caller.reader.read(-1)) < 300_000
    await eventually(lambda: engine.engine.capture.counters.lost == 1)


async def test_a_slow_reader_does_not_fill_the_engine(engine: Running) -> None:
    total = 64 * 1024 * 1024

    async def sends(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        for _ in range(total // 262_144):
            writer.write(b"d" * 262_144)
            await writer.drain()

    engine.old.script = sends
    caller = await engine.caller()
    before = psutil.Process().memory_info().rss
    await caller.say(request("GET", "/items/7"))
    await asyncio.sleep(0.5)
    held = psutil.Process().memory_info().rss - before
    async with asyncio.timeout(30):
        await caller.reader.readuntil(b"\r\n\r\n")
        left = total
        while left:
            left -= len(await caller.reader.read(262_144))
    assert held < 24 * 1024 * 1024


async def test_an_early_answer_to_an_upload_reaches_the_caller(engine: Running) -> None:
    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await reader.readexactly(200_000)

    engine.old.script = refuses
    caller = await engine.caller()
    assert (await caller.ask(request("PUT", "/uploads/1", "x-citizen: C1", body=b"u" * 200_000))).status == 413
    engine.old.script = None
    engine.old.reply = OK
    assert (await caller.ask(request("GET", "/items/7"))).status == 200


async def test_a_caller_that_stalls_within_its_request_is_let_go_and_one_that_waits_is_not(engine: Running) -> None:
    engine.old.script = _waits
    stalling, waiting = await engine.caller(), await engine.caller()
    await stalling.say(request("PUT", "/uploads/1", "x-citizen: C1", "Content-Length: 500000") + b"only this")
    await waiting.say(request("GET", "/items/7"))
    await eventually(lambda: len(engine.old.heads) == 2)
    listener = engine.engine.listener
    assert listener is not None
    for connection in list(listener.connections):
        connection.sweep(connection.active_at + 2, 1)

    async with asyncio.timeout(5):
        assert await stalling.reader.read() == b""
    assert (await waiting.hear()).status == 200
    await eventually(lambda: engine.engine.capture.counters.lost == 1)


async def _waits(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
    await asyncio.sleep(0.3)
    writer.write(OK)
