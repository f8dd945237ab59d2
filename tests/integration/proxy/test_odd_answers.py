"""What old systems say against the letter of HTTP: the caller gets the answer, for the system has already acted."""

import json

import pytest

from tests.integration.proxy.serving import Running

END = b"Content-Length: 2\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 2\nX-Kept: 1\n\nok",
        b"HTTP/1.1 200 OK\r\nno colon here\r\nX-Kept: 1\r\n" + END + b"\r\nok",
        b"HTTP/1.1 200 OK\r\nX Name: 1\r\nX-Kept: 1\r\n" + END + b"\r\nok",
        b"HTTP/1.1 200 OK\r\nX-Kept : 1\r\n" + END + b"\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nX-Kept: 1\r\n" + END + b"\r\nok",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 900 + b"X-Kept: 1\r\n" + END + b"\r\nok",
        b"HTTP/1.1 200 OK\r\nX-Big: "
        + b"a" * 50_000
        + b"\r\nX-Kept: 1\r\nX-Big: "
        + b"b" * 50_000
        + b"\r\n"
        + END
        + b"\r\nok",
    ],
    ids=["bare line feeds", "no colon", "a space in a name", "a space before the colon", "identity", "many", "large"],
)
async def test_an_odd_answer_reaches_the_caller_and_the_journal(engine: Running, reply: bytes) -> None:
    engine.old.reply = reply
    caller = await engine.caller()
    caller.reader._limit = 300_000  # type: ignore[attr-defined]
    for _ in range(2):
        answer = await caller.ask(b"GET /items/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer.status, answer.fields["x-kept"], answer.body) == (200, "1", b"ok")
    assert engine.old.connections == 1
    exchanges = await engine.journaled(2)
    assert {exchange.answer.body for exchange in exchanges} == {b"ok"}


async def test_odd_fields_are_counted(engine: Running) -> None:
    engine.old.reply = b"HTTP/1.1 200 OK\r\nno colon here\r\nX Name: 1\r\n" + END + b"\r\nok"
    await engine.get("/items/1")
    assert engine.engine.addon.counts["odd_fields"] == 2


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"Content-Length: +2\r\n", "an invalid Content-Length"),
        (b"Content-Length: \r\n", "an invalid Content-Length"),
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "both Transfer-Encoding and Content-Length"),
    ],
)
async def test_an_answer_whose_end_is_unclear_is_refused_with_the_true_reason(
    engine: Running, head: bytes, why: str
) -> None:
    engine.old.reply = b"HTTP/1.1 200 OK\r\n" + head + b"\r\nok"
    answer = await engine.get("/items/1")
    assert answer.status == 502
    assert json.loads(answer.body)["detail"] == f"The answer of the system 'old-shop' could not be read: {why}."
