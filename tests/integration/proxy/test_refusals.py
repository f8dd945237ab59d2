"""What can be read in two ways, or aims elsewhere, is refused before any system sees it."""

import pytest

from tests.integration.proxy.serving import Running

CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"

SMUGGLED = {
    "length and chunked": b"POST /find HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n" + CHUNKED + b"0\r\n\r\n",
    "two lengths": b"POST /find HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": b"POST /find HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd",
    "a signed length": b"POST /find HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
    "a folded field": b"GET /items/1 HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n",
    "a bare line feed": b"GET /items/1 HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n",
    "only line feeds": b"GET /items/1 HTTP/1.1\nHost: a\n\n",
    "a bare carriage return": b"GET /items/1 HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n",
    "a NUL": b"GET /items/1 HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\n\r\n",
    "white space before the colon": b"GET /items/1 HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\n",
    "a coding twice": b"POST /find HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "another coding": b"POST /find HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST /find HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two hosts": b"GET /items/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET /items/1 HTTP/1.1\r\nX-A: b\r\n\r\n",
    "a chunk longer than it says": b"POST /find HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"2\r\nabXY\r\n0\r\n\r\n",
    "a signed chunk size": b"POST /find HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\nab\r\n0\r\n\r\n",
    "dot segments": b"GET /items/../admin HTTP/1.1\r\nHost: a\r\n\r\n",
    "encoded dot segments": b"GET /items/%2e%2E/admin HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space in the target": b"GET /items/1 2 HTTP/1.1\r\nHost: a\r\n\r\n",
    "another scheme": b"GET ftp://a/items/1 HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("raw", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_an_ambiguous_request_is_refused_and_reaches_nobody(engine: Running, raw: bytes) -> None:
    caller = await engine.caller()
    answer = await caller.ask(raw)

    assert (answer.status, answer.fields["content-type"]) == (400, "application/problem+json")
    assert answer.fields["connection"] == "close"
    assert engine.old.heads + engine.new.heads == []


async def test_connect_is_refused(engine: Running) -> None:
    caller = await engine.caller()
    target = f"127.0.0.1:{engine.new.port}".encode()
    answer = await caller.ask(b"CONNECT " + target + b" HTTP/1.1\r\nHost: " + target + b"\r\n\r\n")

    assert answer.status == 405
    assert engine.new.connections == 0


async def test_an_absolute_form_reaches_the_plans_system_only(engine: Running) -> None:
    caller = await engine.caller()
    elsewhere = f"http://127.0.0.1:{engine.new.port}/items/7".encode()
    answer = await caller.ask(b"GET " + elsewhere + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    assert answer.status == 200
    assert engine.new.connections == 0
    assert engine.old.heads[0].startswith(b"GET /items/7 HTTP/1.1\r\n")


async def test_a_head_without_end_is_refused_at_its_bound(engine: Running) -> None:
    caller = await engine.caller()
    answer = await caller.ask(b"GET /items/7 HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 80_000)
    assert answer.status == 431


async def test_too_many_fields_are_refused(engine: Running) -> None:
    caller = await engine.caller()
    answer = await caller.ask(b"GET /items/7 HTTP/1.1\r\nHost: a\r\n" + b"X-A: a\r\n" * 300 + b"\r\n")
    assert answer.status == 431


async def test_another_version_is_refused(engine: Running) -> None:
    caller = await engine.caller()
    assert (await caller.ask(b"GET /items/7 HTTP/2.0\r\nHost: a\r\n\r\n")).status == 505


async def test_an_answer_whose_end_is_ambiguous_is_a_502(engine: Running) -> None:
    engine.old.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert (await engine.get("/items/7")).status == 502


async def test_bytes_that_nobody_asked_for_never_become_the_next_answer(engine: Running) -> None:
    engine.old.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    caller = await engine.caller()
    assert (await caller.ask(request_line("/items/7"))).body == b"ok"
    assert (await caller.ask(request_line("/items/8"))).body == b"ok"


def request_line(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
