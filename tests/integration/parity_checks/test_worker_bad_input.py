# ruff: noqa: ASYNC110  the journal is watched from outside, as an operator would
"""A worker that is sent everything that means harm: each exchange gets its outcome, and the worker goes on."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from parity_checks.ask import Worker
from parity_checks.ask.client import Client
from parity_checks.ask.entries import Entries
from parity_checks.ask.worker import Store
from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Judged, Observation, OutcomeKind, Reason, Request
from strangler.journal import Journal
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage

JSON = "application/json"
BOMB = gzip.compress(bytes(64 * 1024 * 1024))
ANSWERS: dict[str, tuple[str, bytes, str]] = {
    "plain": (JSON, b'{"a":1}', ""),
    "another": (JSON, b'{"a":2}', ""),
    "html": (JSON, b"<html>session expired</html>", ""),
    "cut": (JSON, b'{"a":', ""),
    "surrogate": (JSON, b'{"a":1,"\\ud800":2}', ""),
    "twice": (JSON, b'{"a":1,"a":1}', ""),
    "nan": (JSON, b'{"a":NaN}', ""),
    "deep": (JSON, b"[" * 10_000 + b"]" * 10_000, ""),
    "latin": (JSON, '{"a":"é"}'.encode("latin-1"), ""),
    "digits": (JSON, b"9" * 100_000, ""),
    "doctype": ("text/xml", b'<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>', ""),
    "nested": ("text/xml", b"<r>" * 10_000 + b"</r>" * 10_000, ""),
    "attributes": ("text/html", b"<p " + b" ".join(b"a%d" % at for at in range(50_000)) + b">", ""),
    "parts": ("multipart/mixed; boundary=b", b"--b\r\n\r\nx\r\n" * 50_000, ""),
    "bomb": (JSON, BOMB, "gzip"),
    "unpacked": (JSON, b'{"a":1}', "gzip"),
    "unknown": (JSON, b'{"a":1}', "zstd"),
    "charset": (JSON + "; charset=idna", b'{"a":1}', ""),
    "nothing": ("", b"", ""),
    "last": (JSON, b'{"a":1}', ""),
}
EXPECTED = {
    "plain": "match",
    "another": "mismatch value",
    "html": "mismatch unparsable",
    "cut": "mismatch unparsable",
    "surrogate": "mismatch surplus",
    "twice": "mismatch unparsable",
    "nan": "mismatch unparsable",
    "deep": "mismatch unparsable",
    "latin": "mismatch charset",
    "digits": "mismatch unparsable",
    "doctype": "mismatch media_type",
    "nested": "mismatch media_type",
    "attributes": "not_compared too_large",
    "parts": "not_compared too_large",
    "bomb": "not_compared too_large",
    "unpacked": "mismatch unparsable",
    "unknown": "not_compared unsupported_media",
    "charset": "mismatch charset",
    "nothing": "mismatch media_type",
    "last": "match",
}


async def _answer(request: web.Request) -> web.StreamResponse:
    media, body, coding = ANSWERS[request.query["as"]]
    headers = {"Content-Type": media} if media else {}
    if coding:
        headers["Content-Encoding"] = coding
    return web.Response(body=body, headers=headers)


def _plan(new: str) -> Plan:
    system = {"department": "d", "speaks": "http", "timeout_s": 5.0}
    operation = {
        "effect": "read",
        "match": {"path": {"value": "/x"}},
        "old": "old",
        "new": "new",
        "compare": {"settle": {"attempts": 0}, "noise": {"sample": 0}},
    }
    systems = {"old": {**system, "url": "http://127.0.0.1:9"}, "new": {**system, "url": new}}
    return Plan.model_validate(
        {"version": 1, "programme": "p", "systems": systems, "operations": {"a.read": operation}}
    )


def _exchange(plan: Plan, name: str, number: int) -> Exchange:
    body = ANSWERS["plain"][1]
    return Exchange(
        id=name,
        operation="a.read",
        effect=Effect.READ,
        key=name,
        cohort=None,
        stage=Stage.SHADOW,
        request=Request("GET", f"/x?as={name}"),
        answer=Observation(Side.OLD, 200, (("Content-Type", JSON),), body, len(body), at=1.0),
        asked=Side.NEW,
        entry=entry_digest(plan, "a.read"),
        at=time.time() + number / 1000,
    )


@asynccontextmanager
async def _serving() -> AsyncIterator[Plan]:
    app = web.Application()
    app.router.add_get("/x", _answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield _plan(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


async def _work(journal: Journal, plan: Plan, store: Store) -> Worker:
    """Let a worker judge everything that waits; it must not end by itself."""
    stop = asyncio.Event()
    async with Client(body_bytes=plan.capture.body_bytes) as client:
        worker = Worker(store, Entries(plan), client)
        running = asyncio.ensure_future(worker.run(stop))
        async with asyncio.timeout(60):
            while journal.depth():
                await asyncio.sleep(0.02)
        assert not running.done()
        stop.set()
        await running
    return worker


async def test_worker_lives_through_everything_that_means_harm(tmp_path: Path) -> None:
    async with _serving() as plan:
        with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
            journal.append([_exchange(plan, name, number) for number, name in enumerate(ANSWERS)])
            worker = await _work(journal, plan, journal)
            told = {name: _told(journal, name) for name in ANSWERS}
    assert told == EXPECTED
    assert worker.faults == 0


class _Refusing:
    """A journal that cannot store mismatches: a value that its database does not take."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def finish(self, results: Sequence[Judged], now: float) -> int:
        if any(result.outcome.kind is OutcomeKind.MISMATCH for result in results):
            raise ValueError("no text of mine")
        return self._journal.finish(results, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


async def test_worker_counts_a_result_that_cannot_be_stored(tmp_path: Path) -> None:
    names = ("plain", "another", "last")
    async with _serving() as plan:
        with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
            journal.append([_exchange(plan, name, number) for number, name in enumerate(names)])
            worker = await _work(journal, plan, cast("Store", _Refusing(journal)))
            told = {name: _told(journal, name) for name in names}
            counted = {(tally.kind, tally.reason): tally.count for tally in journal.outcomes_count()}
    assert told == {"plain": "match", "another": "not_compared comparer_failed", "last": "match"}
    assert counted == {
        (OutcomeKind.MATCH, None): 2,
        (OutcomeKind.NOT_COMPARED, Reason.COMPARER_FAILED): 1,
    }
    assert worker.faults == 1


def _told(journal: Journal, name: str) -> str:
    outcome = journal.exchange(name)[2]
    assert outcome is not None
    if outcome.kind is OutcomeKind.NOT_COMPARED:
        return f"{outcome.kind} {outcome.reason}"
    return " ".join([outcome.kind, *(difference.kind for difference in outcome.differences[:1])])
