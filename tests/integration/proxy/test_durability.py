"""Journal down, disk full, kill -9: traffic goes on, and whatever was not journaled is counted."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from proxy.mitm import capture as capturing
from strangler.exchange import Exchange, Reason
from strangler.journal import Journal, Loss
from strangler.state import StateFolder
from tests.integration.proxy.serving import PLAN, Caller, Origin, Running, eventually, request, running


def limit_pages(engine: Running, *, is_full: bool) -> None:
    """Fill the journal's disk: SQLite's own limit on pages, which every connection of the engine's gets."""
    database = engine.engine._journal.opened()._database
    with database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages if is_full else 1_000_000_000}")


def losses(state: StateFolder) -> dict[str, int]:
    """Exchanges counted as not journaled, by operation."""
    with Journal.open(state.journal_url, key=state.journal_key()) as journal:
        return {
            tally.operation: tally.count for tally in journal.outcomes_count() if tally.reason is Reason.NOT_JOURNALED
        }


def gap_keys(state: StateFolder) -> list[str | None]:
    with Journal.open(state.journal_url, key=state.journal_key()) as journal:
        return sorted(gap.key or "" for gap in journal.gaps())


async def test_a_full_disk_delays_the_journal_and_loses_nothing_that_fits_the_queue(engine: Running) -> None:
    await engine.get("/items/0")
    await engine.journaled(1)
    limit_pages(engine, is_full=True)
    caller = await engine.caller()
    for number in range(60):
        assert (await caller.ask(request("POST", "/orders", f"x-citizen: C{number}", body=b"x" * 4000))).status == 200
    await eventually(lambda: engine.engine.capture.is_down)
    limit_pages(engine, is_full=False)

    assert len(await engine.journaled(61)) == 61
    assert losses(engine.state) == {}


async def test_a_full_queue_is_counted_and_each_lost_write_leaves_a_gap(tmp_path: Path) -> None:
    async with running(tmp_path, queue=10) as run:
        await run.get("/items/0")
        await run.journaled(1)
        limit_pages(run, is_full=True)
        caller = await run.caller()
        for number in range(40):
            raw = request("POST", "/orders", f"x-citizen: C{number}", body=b"x" * 20_000)
            assert (await caller.ask(raw)).status == 200
        assert run.engine.capture.counters.lost > 0
        limit_pages(run, is_full=False)
        await eventually(lambda: run.engine.capture.depth == 0 and not run.engine.capture.is_down)
        await eventually(lambda: sum(losses(run.state).values()) == run.engine.capture.counters.lost)
        journaled = run.engine.capture.counters.journaled
    lost = run.engine.capture.counters.lost
    assert journaled + lost == 41
    assert len(gap_keys(run.state)) == lost
    assert "" not in gap_keys(run.state)


async def test_a_stop_while_the_journal_is_down_leaves_nothing_uncounted(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await run.get("/items/0")
        await run.journaled(1)
        limit_pages(run, is_full=True)
        caller = await run.caller()
        for number in range(30):
            body = random.Random(number).randbytes(20_000)  # which nothing makes smaller
            await caller.ask(request("POST", "/orders", f"x-citizen: C{number}", body=body))
    lost = run.engine.capture.counters.lost
    assert lost > 0
    async with running(tmp_path) as again:
        assert losses(again.state) == {"shop.order": lost}
        assert len(gap_keys(again.state)) == lost


class Picky:
    """A journal that cannot store one particular exchange."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.losses: list[Loss] = []

    def append(self, exchanges: Sequence[Exchange]) -> None:
        if any(exchange.key == "bad" for exchange in exchanges):
            raise ValueError("this one cannot be stored")
        self.stored += [str(exchange.key) for exchange in exchanges]

    def record_losses(self, losses: list[Loss]) -> None:
        self.losses += losses


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Process:
    """The engine as a process of its own."""

    def __init__(self, folder: Path, old: int, new: int, *more: str) -> None:
        self.port = free_port()
        plan = folder / "migration.yaml"
        plan.write_text(PLAN.format(old=old, new=new, timeout_s=3, queue=10_000))
        self.state = StateFolder(folder / "state")
        command = [sys.executable, "-m", "proxy.mitm", "--plan", str(plan), "--state", str(self.state.path)]
        with (folder / "engine.log").open("ab") as log:
            self.process = subprocess.Popen([*command, "--port", str(self.port), *more], stderr=log)

    def statuses(self) -> list[dict[str, object]]:
        return [json.loads(path.read_text()) for path in self.state.path.glob("engine-*.json")]

    async def until_up(self, count: int = 1) -> None:
        await eventually(lambda: len(self.statuses()) == count, within_s=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, 30)

    async def call(self, number: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            raw = request("POST", "/orders", f"x-citizen: C{number}", body=b"{}")
            return (await Caller(reader, writer).ask(raw)).status
        finally:
            writer.close()


@pytest.fixture
async def origin() -> object:
    origin = Origin()
    await origin.start()
    yield origin
    await origin.stop()


async def test_kill_9_loses_nothing_that_was_answered_uncounted(tmp_path: Path, origin: Origin) -> None:
    first = Process(tmp_path, origin.port, origin.port)
    await first.until_up()
    answered = 0

    async def calls(worker: int) -> None:
        nonlocal answered
        number = worker * 100_000
        reader, writer = await asyncio.open_connection("127.0.0.1", first.port)
        caller = Caller(reader, writer)
        try:
            while True:
                await caller.ask(request("POST", "/orders", f"x-citizen: C{number}", body=b"{}"))
                answered += 1
                number += 1
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    tasks = [asyncio.create_task(calls(worker)) for worker in range(8)]
    await eventually(lambda: answered > 300)
    first.kill()
    await asyncio.gather(*tasks)
    second = Process(tmp_path, origin.port, origin.port)
    await eventually(lambda: [status["pid"] for status in second.statuses()] == [second.process.pid], within_s=30)
    await second.stop()

    lost = losses(first.state).get("shop.order", 0)
    with Journal.open(first.state.journal_url, key=first.state.journal_key()) as journal:
        journaled = len(list(journal.requests(None, None, 1_000_000)))
    assert journaled + lost >= answered
    assert journaled + lost <= answered + 8
    assert len(gap_keys(first.state)) == lost


async def test_several_processes_share_a_port_and_stop_cleanly(tmp_path: Path, origin: Origin) -> None:
    process = Process(tmp_path, origin.port, origin.port, "--processes", "2")
    await process.until_up(2)
    pids = {int(str(status["pid"])) for status in process.statuses()}
    statuses = [await process.call(number) for number in range(40)]
    victim = min(pids)
    os.kill(victim, signal.SIGKILL)
    await eventually(lambda: len({status["pid"] for status in process.statuses()} - {victim}) == 2, within_s=30)
    assert await process.call(99) == 200
    assert await process.stop() == 0

    assert set(statuses) == {200}
    assert process.statuses() == []
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with Journal.open(process.state.journal_url, key=process.state.journal_key()) as journal:
        journaled = len(list(journal.requests(None, None, 1_000_000)))
    assert journaled + sum(losses(process.state).values()) == 41


async def test_a_stop_answers_what_is_under_way(tmp_path: Path, origin: Origin) -> None:
    async def is_slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        await reader.readexactly(2)
        await asyncio.sleep(1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    origin.script = is_slow
    process = Process(tmp_path, origin.port, origin.port)
    await process.until_up()
    call = asyncio.create_task(process.call(1))
    await eventually(lambda: bool(origin.heads))
    assert await process.stop() == 0
    assert await call == 200


async def test_one_exchange_that_cannot_be_stored_does_not_hold_the_others(engine: Running) -> None:
    picky = Picky()
    capture = capturing.Capture(picky, None, 100)
    engine.engine.addon._capture = capture
    capture.start()
    caller = await engine.caller()
    for key in ("a", "bad", "b"):
        await caller.ask(request("GET", f"/items/{key}"))
    await asyncio.to_thread(capture.stop)

    assert sorted(picky.stored) == ["a", "b"]
    assert [(loss.operation, loss.count) for loss in picky.losses] == [("shop.get-item", 1)]
