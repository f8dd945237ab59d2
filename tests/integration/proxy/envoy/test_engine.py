"""The production engine: swaps, refusals, failures of systems and of ourselves, an end without loss."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from proxy.envoy.engine import Engine
from strangler.errors import Refused, UsageError
from strangler.exchange import Failure, Reason
from strangler.journal import Journal
from strangler.stages import Side, Stage
from tests.conformance.cases import Case
from tests.conformance.conftest import needs_envoy
from tests.conformance.engines import Surroundings, running, says
from tests.integration.proxy.envoy.conftest import SHORT_PLAN, Published, rolled_out
from tests.integration.proxy.serving import Caller, Origin, eventually, request

ITEM = Case("GET", "/items/7")
FIND = Case("POST", "/find", (("Content-Type", "application/json"),), b'{"id": "7"}')
FAILS = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


async def caller_of(engine: Surroundings) -> Caller:
    return Caller(*await asyncio.open_connection("127.0.0.1", engine.port))


async def test_rollouts_swap_under_load_without_an_error(engine: Surroundings) -> None:
    statuses: list[int] = []
    is_over = False

    async def calls() -> None:
        caller = await caller_of(engine)
        while not is_over:
            statuses.append((await caller.ask(request("GET", "/items/7", "x-case: 1"))).status)
        caller.writer.close()

    tasks = [asyncio.create_task(calls()) for _ in range(3)]
    for seq in range(2, 6):
        await rolled_out(engine, seq, get_item={"live": 100} if seq % 2 else {"shadow": 100})
    is_over = True
    await asyncio.gather(*tasks)

    assert set(statuses) == {200}
    assert engine.old.heads
    assert engine.new.heads


async def test_a_growing_share_only_adds_keys(engine: Surroundings) -> None:
    """Those that hear the new side at 30 % still do at 60 %, for a key that Envoy hashes and for one we do."""
    heard: dict[tuple[int, str], set[int]] = {}
    for seq, share in ((2, 30), (3, 60)):
        spread = {"live": share, "shadow": 100 - share}
        await rolled_out(engine, seq, get_item=spread, find_item=spread)
        for number in range(60):
            item = await engine.ask(number, Case("GET", f"/items/k{number}"))
            find = await engine.ask(number, Case("POST", "/find", FIND.fields, b'{"id": "k%d"}' % number))
            for name, answer in (("item", item), ("find", find)):
                if answer.body == b"new":
                    heard.setdefault((share, name), set()).add(number)
    assert heard[30, "item"] < heard[60, "item"]
    assert heard[30, "find"] < heard[60, "find"]


async def test_a_hold_sends_everything_to_old(engine: Surroundings) -> None:
    await rolled_out(engine, 2, get_item={"live": 100}, find_item={"live": 100})
    assert [(await engine.ask(0, case)).body for case in (ITEM, FIND)] == [b"new", b"new"]
    engine.state.hold_file.write_text(json.dumps({"operations": ["*"], "who": "a", "why": "b", "at": 1}))
    await eventually(lambda: engine.engine.in_force.held == frozenset({"*"}))
    assert [(await engine.ask(0, case)).body for case in (ITEM, FIND)] == [b"old", b"old"]


async def test_a_broken_plan_and_a_changed_one(engine: Surroundings) -> None:
    good = engine.plan_path.read_text()
    engine.plan_path.write_text(good.replace("effect: read", "efect: read", 1))
    await eventually(lambda: engine.engine.watcher.broken is not None)
    assert (await engine.ask(0, ITEM)).body == b"old"

    changed = good.replace("value: /items", "value: /things").replace("^/items/", "^/things/")
    engine.plan_path.write_text(changed)
    await eventually(lambda: engine.engine.in_force.plan.operations["shop.get-item"].match.path.value == "/things")
    assert (await engine.ask(1, Case("GET", "/things/7"))).status == 200
    assert (await engine.ask(2, ITEM)).status == 404
    exchanges = await engine.journaled(2)
    assert exchanges[1].key == "7"


async def test_envoy_refuses_an_invalid_table_and_keeps_its_own(engine: Surroundings) -> None:
    """Without ``--reject-unknown-dynamic-fields`` it would take this one, and break traffic."""
    table = engine.state.path / "envoy" / "rds.json"
    broken = table.read_text().replace('"cluster"', '"clutser"')
    assert broken != table.read_text()
    other = engine.state.path / "candidate"
    other.write_text(broken)
    other.replace(table)
    await asyncio.sleep(0.3)
    assert (await engine.ask(0, ITEM)).body == b"old"


async def test_envoy_does_not_see_an_edit_in_place(engine: Surroundings) -> None:
    """Which is why tables are swapped by rename: half a table is never read either."""
    table = engine.state.path / "envoy" / "rds.json"
    table.write_text(table.read_text().replace("/items", "/elsewhere"))
    await asyncio.sleep(0.3)
    assert (await engine.ask(0, ITEM)).status == 200


async def test_failures_of_a_system_are_told_and_journaled(engine: Surroundings) -> None:
    async def hangs(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _head: bytes) -> None:
        await asyncio.sleep(5)

    async def cuts(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        writer.close()

    engine.old.script = hangs
    late = await engine.ask(0, ITEM)
    engine.old.script = cuts
    cut = await engine.ask(1, ITEM)
    await engine.old.stop()
    gone = await engine.ask(2, ITEM)
    exchanges = await engine.journaled(3)

    assert [answer.status for answer in (late, cut, gone)] == [504, 502, 502]
    assert [json.loads(answer.body)["system"] for answer in (late, cut, gone)] == ["old-shop"] * 3
    assert {answer.fields["content-type"] for answer in (late, cut, gone)} == {"application/problem+json"}
    told = [exchanges[number].answer for number in range(3)]
    assert [answer.failure for answer in told] == [Failure.TIMEOUT, Failure.RESET, Failure.UNREACHABLE]
    assert [answer.status for answer in told] == [None] * 3


async def test_large_bodies_are_streamed_past_and_counted(engine: Surroundings) -> None:
    large = b"x" * 3_000_000
    engine.new.reply = says(large)
    await rolled_out(engine, 2, upload={"live": 100}, find_item={"live": 100})
    up = await engine.ask(0, Case("PUT", "/uploads/1", (("X-Citizen", "7"),), large))
    asked = await engine.ask(1, Case("POST", "/find", FIND.fields, large))
    await eventually(lambda: engine.engine.capture.counters.journaled == 2)
    with Journal.open(engine.state.journal_url, key=engine.state.journal_key()) as journal:
        exchange, *_ = journal.exchange(engine.heard("new")[0]["x-strangler-exchange"])

    assert len(up.body) == len(large)
    assert [len(body) for body in (*engine.new.bodies, *engine.old.bodies)] == [len(large)] * 2
    assert asked.body == b"old"  # its key is in a body that is too large to hold
    assert (exchange.key, exchange.answer.side, exchange.request.body) == ("7", Side.NEW, None)
    assert exchange.request.body_bytes == len(large)
    assert exchange.not_compared is Reason.TOO_LARGE


async def test_the_breaker_takes_an_operation_back(engine: Surroundings) -> None:
    engine.new.reply = FAILS
    await rolled_out(engine, 2, get_item={"live": 100})
    assert [(await engine.ask(number, ITEM)).status for number in range(3)] == [503] * 3
    await eventually(lambda: engine.engine.in_force.tripped == frozenset({"shop.get-item"}))
    assert (await engine.ask(4, ITEM)).body == b"old"


async def test_without_us_traffic_fails_open(engine: Surroundings) -> None:
    """What Envoy decides by itself goes on as it was; what it would ask goes to old."""
    await rolled_out(engine, 2, get_item={"live": 100}, find_item={"live": 100})
    for server in engine.engine.servers:
        await server.stop(None)
    assert [(await engine.ask(0, case)).body for case in (ITEM, FIND)] == [b"new", b"old"]


async def test_a_decision_that_does_not_come_is_counted_as_not_asked(engine: Surroundings) -> None:
    await rolled_out(engine, 2, find_item={"live": 100})
    await engine.engine.servers[0].stop(None)
    assert (await engine.ask(0, FIND)).body == b"old"
    exchange = (await engine.journaled(1))[0]
    assert (exchange.answer.side, exchange.stage, exchange.asked) == (Side.OLD, Stage.OFF, None)
    assert exchange.not_compared is Reason.NOT_ASKED


async def test_what_envoy_could_not_tell_us_is_counted_as_lost(tmp_path: Path) -> None:
    needs_envoy()
    order = Case("POST", "/orders", (("X-Citizen", "7"),), b"an order")
    async with running("envoy", tmp_path, Published(), SHORT_PLAN) as around:
        await around.ask(0, ITEM)
        await around.journaled(1)
        await around.engine.servers[1].stop(None)
        assert [(await around.ask(number, case)).body for number, case in enumerate((ITEM, order))] == [b"old", b"old"]
    assert around.engine.capture.counters.lost == 2
    with Journal.open(around.state.journal_url, key=around.state.journal_key()) as journal:
        assert [gap.operation for gap in journal.gaps(None)] == ["shop.order"]


@pytest.mark.parametrize(
    ("target", "field", "status"),
    [
        ("/items/../orders", "a: b", 400),
        ("/items/%2e%2E/orders", "a: b", 400),
        ("/items%2F7", "a: b", 400),
        ("/items\\7", "a: b", 400),
        ("/items/7", "x_strangler_route: new|shop.get-item", 400),
        ("/items/7", "Transfer-Encoding: chunked\r\nContent-Length: 3", 400),
        ("/items/7", "Content-Length: 3\r\nContent-Length: 4", 400),
        ("/items/7", "a: " + "b" * 70_000, 431),
    ],
)
async def test_an_odd_request_is_refused(engine: Surroundings, target: str, field: str, status: int) -> None:
    caller = await caller_of(engine)
    assert (await caller.ask(request("GET", target, "x-case: 1", field))).status == status
    caller.writer.close()
    assert engine.old.heads == []


async def test_a_request_under_way_at_the_end_is_answered_and_journaled(tmp_path: Path) -> None:
    needs_envoy()

    async def slow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        await asyncio.sleep(0.6)
        writer.write(says(b"late"))

    async with running("envoy", tmp_path, Published(), SHORT_PLAN) as around:
        around.old.script = slow
        pid = around.engine.envoy_pid
        asked = asyncio.create_task(around.ask(0, ITEM))
        await eventually(lambda: bool(around.old.heads))
    assert (await asked).body == b"late"
    assert around.engine.capture.counters.journaled == 1
    assert pid is not None
    assert not _runs(pid)


async def test_a_taken_port_is_told(engine: Surroundings, tmp_path: Path) -> None:
    other = Engine(engine.plan_path, type(engine.state)(tmp_path / "other", {}), environ={})
    with pytest.raises(UsageError, match=f"127.0.0.1:{engine.port}"):
        await other.run("127.0.0.1", engine.port, asyncio.Event())


async def test_a_second_engine_on_the_same_state_is_refused(engine: Surroundings) -> None:
    other = Engine(engine.plan_path, engine.state, environ={})
    with pytest.raises(Refused, match="already runs"):
        await other.run("127.0.0.1", 0, asyncio.Event())


async def test_envoy_ends_when_its_keeper_is_killed(tmp_path: Path) -> None:
    needs_envoy()
    plan = tmp_path / "migration.yaml"
    plan.write_text(SHORT_PLAN.format(old=1, new=2))
    command = (sys.executable, "-m", "proxy.envoy", "--plan", str(plan), "--port", "0", "--concurrency", "1")
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        await eventually(lambda: bool(list(tmp_path.glob(".strangler/engine-*.json"))), within_s=30)
        children = _children(process.pid)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await eventually(lambda: not any(map(_runs, children)))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert children


def _port(folder: Path) -> int:
    (status,) = folder.glob(".strangler/engine-*.json")
    return int(json.loads(status.read_text())["port"])


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.slow
async def test_a_frozen_process_of_ours_holds_up_a_large_body_for_a_bounded_time(tmp_path: Path) -> None:
    """Envoy keeps step with whom it tells; that ends with the stream, whose length is bounded."""
    needs_envoy()
    old = Origin(reply=says(b"old"))
    await old.start()
    (tmp_path / "migration.yaml").write_text(SHORT_PLAN.format(old=old.port, new=2))
    command = (sys.executable, "-m", "proxy.envoy", "--plan", str(tmp_path / "migration.yaml"), "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        await eventually(lambda: bool(list(tmp_path.glob(".strangler/engine-*.json"))), within_s=30)
        process.send_signal(signal.SIGSTOP)
        large = b"x" * 30_000_000
        caller = Caller(*await asyncio.open_connection("127.0.0.1", _port(tmp_path)))
        await caller.say(request("PUT", "/uploads/1", "X-Citizen: 7", body=large))
        assert (await caller.hear(within_s=30)).body == b"old"
        assert old.body_bytes == len(large)
        caller.writer.close()
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        await process.wait()
        await old.stop()
