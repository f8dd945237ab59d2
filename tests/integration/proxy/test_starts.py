"""Whatever of ours is broken when an engine starts: it answers, and counts what it could not journal."""

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.mitm.engine import Engine
from proxy.mitm.listener import bound_socket
from strangler.errors import PlanError, StranglerError
from strangler.exchange import Reason
from strangler.journal import Journal
from strangler.state import StateFolder
from tests.integration.proxy.serving import Running, eventually, request, running

GARBAGE = b"x" * 4096 * 30


async def start_again(run: Running) -> tuple[Engine, asyncio.Event, "asyncio.Task[None]", int]:
    engine = Engine(run.plan_path, run.state, environ={})
    stop = asyncio.Event()
    sock: socket.socket = bound_socket("127.0.0.1", 0, is_shared=False)
    task = asyncio.create_task(engine.run(sock, stop))
    await asyncio.sleep(0)
    await eventually(lambda: task.done() or _is_listening(sock))
    return engine, stop, task, sock.getsockname()[1]


def _is_listening(sock: socket.socket) -> bool:
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


async def answered(run: Running, port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("POST", "/orders", "x-citizen: C1", body=b"x"))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    return int(head.split(b" ", 2)[1])


def break_journal(state: StateFolder) -> None:
    for path in state.path.glob("journal.db*"):
        path.unlink()
    (state.path / "journal.db").write_bytes(GARBAGE)


BROKEN = {
    "journal": lambda run: break_journal(run.state),
    "environment": lambda run: run.state.environment_file.write_bytes(b"garb"),
    "environment of another form": lambda run: run.state.environment_file.write_bytes(b"[1]"),
    "plan": lambda run: run.plan_path.write_text("::: not [a plan"),
    "no plan": lambda run: run.plan_path.unlink(),
    "rollouts": lambda run: run.state.rollouts_file.write_bytes(b"garbage{"),
    "key": lambda run: run.state.key_file.write_text("no key"),
    "reserve": lambda run: (run.state.gaps_file.unlink(), run.state.gaps_file.mkdir()),
}


@pytest.mark.parametrize("what", list(BROKEN))
async def test_an_engine_starts_and_answers_with_something_of_ours_broken(tmp_path: Path, what: str) -> None:
    async with running(tmp_path) as run:
        run.publish(3, shop__order={"live": "100"})
        await run.until_seq(3)
        BROKEN[what](run)
        _, stop, task, port = await start_again(run)
        try:
            assert await answered(run, port) == 200
            assert (len(run.new.heads), len(run.old.heads)) == (1, 0)  # the rollouts in force are kept, too
        finally:
            stop.set()
            await asyncio.wait_for(task, 30)
            run.state.key_file.unlink(missing_ok=True)


async def test_a_journal_that_opens_later_gets_what_waited(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        break_journal(run.state)
        engine, stop, task, port = await start_again(run)
        assert await answered(run, port) == 200
        await eventually(lambda: engine.capture.is_down)
        (run.state.path / "journal.db").unlink()
        await eventually(lambda: engine.capture.counters.journaled == 1)
        stop.set()
        await asyncio.wait_for(task, 30)
        with Journal.open(run.state.journal_url, key=run.state.journal_key()) as journal:
            assert len(list(journal.requests(None, None, 10))) == 1


async def test_what_never_reached_a_broken_journal_is_counted_by_the_next_engine(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        break_journal(run.state)
        _, stop, task, port = await start_again(run)
        assert await answered(run, port) == 200
        stop.set()
        await asyncio.wait_for(task, 30)
        (run.state.path / "journal.db").unlink()
        engine, stop, task, _ = await start_again(run)
        await eventually(lambda: engine.capture.is_open)
        stop.set()
        await asyncio.wait_for(task, 30)
        with Journal.open(run.state.journal_url, key=run.state.journal_key()) as journal:
            tallies = {(tally.operation, tally.reason): tally.count for tally in journal.outcomes_count()}
            assert tallies == {("shop.order", Reason.NOT_JOURNALED): 1}
            assert [gap.operation for gap in journal.gaps()] == ["shop.order"]


@contextmanager
def no_room() -> Iterator[None]:
    """Files of this process cannot grow beyond a few bytes: a full disk without one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_keeps_no_engine_from_starting(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        with no_room():
            _, stop, task, port = await start_again(run)
            assert await answered(run, port) == 200
        stop.set()
        await asyncio.wait_for(task, 30)
        assert len(run.old.heads) == 1


async def test_the_status_says_that_the_plan_is_not_the_one_in_use_until_it_is(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        good = run.plan_path.read_text()
        run.plan_path.write_text("::: not [a plan")
        engine, stop, task, _ = await start_again(run)
        assert "unknown field" in str(engine.watcher.broken)
        run.publish(4)
        await eventually(lambda: engine.switch.current.seq == 4)
        assert engine.watcher.broken is not None
        run.plan_path.write_text(good)
        await eventually(lambda: engine.watcher.broken is None)
        stop.set()
        await asyncio.wait_for(task, 30)


def test_the_first_start_ever_with_a_broken_plan_refuses(tmp_path: Path) -> None:
    (tmp_path / "migration.yaml").write_text("::: not [a plan")
    with pytest.raises(PlanError):
        Engine(tmp_path / "migration.yaml", StateFolder(tmp_path / "state", {}), environ={})


async def test_another_plan_file_is_not_answered_by_the_last_good_one(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        with pytest.raises(StranglerError):
            Engine(tmp_path / "migrtion.yaml", run.state, environ={})


async def test_the_last_good_plan_is_the_plan_and_private(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        digest = run.engine.switch.current.digest
        kept = run.state.path / "plan.good.json"
        assert kept.stat().st_mode & 0o777 == 0o600
        run.plan_path.write_text("::: not [a plan")
        engine, stop, task, _ = await start_again(run)
        assert engine.switch.current.digest == digest
        stop.set()
        await asyncio.wait_for(task, 30)


async def test_a_last_good_plan_that_was_damaged_is_not_used(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        kept = run.state.path / "plan.good.json"
        kept.write_bytes(kept.read_bytes().replace(b"engine-tests", b"engine-toast"))
        run.plan_path.write_text("::: not [a plan")
        with pytest.raises(PlanError):
            Engine(run.plan_path, run.state, environ={})
