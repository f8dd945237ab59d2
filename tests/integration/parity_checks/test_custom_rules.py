# ruff: noqa: ASYNC110  the journal is watched from outside, as an operator would
"""A worker with a function that does what it should not: each time a named outcome, and the worker alive."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from parity_checks.ask import Worker
from parity_checks.ask.client import Client
from parity_checks.ask.entries import Entries
from parity_checks.rules.source_code import digest_of
from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Observation, Outcome, OutcomeKind, Reason, Request
from strangler.journal import Journal
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage

JSON = (("Content-Type", "application/json"),)
CODE = """\
import os, sys
def same(old, new):
    if old == "loop":
        while True: pass
    if old == "crash": os._exit(1)
    if old == "exit": sys.exit(1)
    if old == "raise": raise ValueError("AB123456C")
    if old == "no bool": return "yes"
    if old == "fork": os.fork()
    if old == "print": print("x" * 5_000_000, flush=True)
    return new == "new"
"""


@asynccontextmanager
async def serving(body: str) -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def plan_for(url: str, code: str) -> Plan:
    rule = {"path": "$.a", "as": "custom", "function": "ours_that_misbehaves:same", "code": code, "why": "a test"}
    system = {"department": "d", "speaks": "http", "url": url, "build": "1"}
    operation = {"effect": "read", "match": {"path": {"value": "/"}}, "old": "old", "new": "new"}
    compare = {"rules": [{**rule, "within_ms": 300}], "settle": {"attempts": 0}}
    return Plan.model_validate(
        {
            "version": 1,
            "programme": "p",
            "systems": {"old": system, "new": system},
            "operations": {"a.read": {**operation, "compare": compare}},
        }
    )


async def outcomes(plan: Plan, values: list[str], folder: Path) -> dict[str, Outcome]:
    entry = entry_digest(plan, "a.read")
    exchanges = {
        value: Exchange(
            id=f"x{at}",
            operation="a.read",
            effect=Effect.READ,
            key=None,
            cohort=None,
            stage=Stage.SHADOW,
            request=Request("GET", f"/{at}"),
            answer=Observation(Side.OLD, 200, JSON, f'{{"a":"{value}"}}'.encode(), at=1.0, build="1"),
            asked=Side.NEW,
            entry=entry,
            at=time.time() + at / 1000,
        )
        for at, value in enumerate(values)
    }
    entries = Entries(plan)
    with Journal.open(f"sqlite:///{folder}/journal.db", key=b"k" * 32) as journal:
        journal.append(list(exchanges.values()))
        stop = asyncio.Event()
        async with Client(body_bytes=1_000_000) as client:
            worker = Worker(journal, entries, client)
            running = asyncio.ensure_future(worker.run(stop))
            async with asyncio.timeout(30):
                while journal.depth():
                    await asyncio.sleep(0.02)
            stop.set()
            await running
        found = {value: journal.exchange(one.id)[2] for value, one in exchanges.items()}
        entries.close()
    assert worker.faults == 0
    return {value: outcome for value, outcome in found.items() if outcome is not None}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ours_that_misbehaves.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


async def test_worker_names_whatever_a_function_does_and_goes_on(folder: Path) -> None:
    async with serving('{"a":"new"}') as url:
        found = await outcomes(
            plan_for(url, digest_of(CODE.encode())),
            ["well", "loop", "crash", "exit", "raise", "no bool", "fork", "print", "well again"],
            folder,
        )
    said = {value: outcome.detail.rpartition(": ")[2] for value, outcome in found.items() if outcome.reason}
    assert said == {
        "loop": "it took longer than 300 ms",
        "crash": "it ended its process",
        "exit": "it raised SystemExit in line 6",
        "raise": "it raised ValueError in line 7",
        "no bool": "it returned str, which is no bool",
    }
    assert {found[value].reason for value in said} == {Reason.COMPARER_FAILED}
    rest = {value: outcome.kind for value, outcome in found.items() if value not in said}
    assert rest == dict.fromkeys(("well", "fork", "print", "well again"), OutcomeKind.MATCH)


async def test_worker_leaves_a_function_that_always_loops_alone_and_counts_every_exchange(folder: Path) -> None:
    code = CODE.replace('old == "loop"', "True")
    (folder / "ours_that_misbehaves.py").write_text(code)
    async with serving('{"a":"new"}') as url:
        found = await outcomes(plan_for(url, digest_of(code.encode())), [f"value {at}" for at in range(60)], folder)
    assert {(one.kind, one.reason) for one in found.values()} == {(OutcomeKind.NOT_COMPARED, Reason.COMPARER_FAILED)}
    asked = [one for one in found.values() if "left alone" not in one.detail]
    assert 5 <= len(asked) < 20


async def test_worker_runs_no_other_code_than_the_plan_says(folder: Path) -> None:
    async with serving('{"a":"new"}') as url:
        found = await outcomes(plan_for(url, "0" * 16), ["well"], folder)
    assert found["well"].reason is Reason.COMPARER_FAILED
    assert found["well"].detail.endswith(f"its code is {digest_of(CODE.encode())} now, and the plan says {'0' * 16}")
