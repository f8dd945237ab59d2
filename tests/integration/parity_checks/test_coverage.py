# ruff: noqa: ASYNC110  the journal is watched from outside, as an operator would
"""A running worker reads the old side's contract and says what the exchanges it compares show of it."""

import asyncio
import time
from pathlib import Path

from aiohttp import web

from parity_checks.ask import run_worker
from strangler.evidence import Builds, CoverageEvidence, entry_digest, fingerprint
from strangler.exchange import Exchange, Observation, Request
from strangler.journal import Journal
from strangler.plan import load_plan
from strangler.stages import Effect, Side, Stage
from strangler.state import StateFolder

PLAN = """
version: 1
programme: p
systems:
  old: {department: d, speaks: http, url: "http://127.0.0.1:9", openapi: "%s", build: "1"}
  new: {department: d, speaks: http, url: "%s", build: "2"}
operations:
  a.read:
    effect: read
    match: {path: {value: /people}}
    old: old
    new: new
    compare: {settle: {attempts: 0}, noise: {sample: 0}}
    gates: {coverage: {min: 0.5}}
"""
CONTRACT = """
openapi: 3.1.0
paths: {/people: {get: {responses: {'200': {description: ok}, '404': {description: none}}}}}
"""
JSON = (("Content-Type", "application/json"),)


async def test_worker_stores_what_the_contract_holds_and_what_was_seen(tmp_path: Path) -> None:
    app = web.Application()
    app.router.add_get("/people", _say)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    path = tmp_path / "migration.yaml"
    path.write_text(PLAN % ("people.yaml", f"http://127.0.0.1:{runner.addresses[0][1]}"))
    state = StateFolder(tmp_path / "state")
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_worker(path, state, stop=stop))
    try:
        plan = load_plan(path, {}).plan
        entry = entry_digest(plan, "a.read")
        mark = fingerprint(entry, Builds("1", "2"))
        with Journal.open(state.journal_url, key=state.journal_key()) as journal:
            async with asyncio.timeout(15):
                told = await _until(lambda: journal.coverage("a.read", entry, mark))
                assert (told.expected, "No such file" in told.trouble) == (0, True)
                (tmp_path / "people.yaml").write_text(CONTRACT)
                path.write_text(path.read_text() + "# changed\n")
                await _until(lambda: (seen := journal.coverage("a.read", entry, mark)) and seen.expected and seen)
                journal.append([_exchange(entry)])
                await _until(lambda: not journal.depth())
            assert journal.coverage("a.read", entry, mark) == CoverageEvidence(2, 1, ("status 404",), "people.yaml")
    finally:
        stop.set()
        await running
        await runner.cleanup()


async def _say(_: web.Request) -> web.Response:
    return web.Response(text="{}", content_type="application/json")


async def _until(look):  # type: ignore[no-untyped-def]
    while not (found := look()):
        await asyncio.sleep(0.05)
    return found


def _exchange(entry: str) -> Exchange:
    answer = Observation(Side.OLD, 200, JSON, b"{}", 2, build="1")
    return Exchange(
        "x1",
        "a.read",
        Effect.READ,
        None,
        None,
        Stage.SHADOW,
        Request("GET", "/people"),
        answer,
        Side.NEW,
        entry,
        time.time(),
    )
