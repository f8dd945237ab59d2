"""A changed plan, rollout or hold takes effect without a dropped connection; a broken one changes nothing."""

import asyncio
import json

from strangler.stages import Side
from tests.integration.proxy.serving import Running, eventually, request

FAILS = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


async def test_rollouts_swap_under_load_without_an_error(engine: Running) -> None:
    statuses: list[int] = []
    is_over = False

    async def calls() -> None:
        caller = await engine.caller()
        while not is_over:
            statuses.append((await caller.ask(request("GET", "/items/7"))).status)

    tasks = [asyncio.create_task(calls()) for _ in range(4)]
    for seq in range(1, 7):
        engine.publish(seq, **{"shop.get-item": {"live": 100} if seq % 2 else {"shadow": 100}})
        await engine.until_seq(seq)
        await asyncio.sleep(0.1)
    is_over = True
    await asyncio.gather(*tasks)

    assert set(statuses) == {200}
    assert len(engine.callers) == 4
    assert engine.new.heads
    assert engine.old.heads


async def test_a_broken_plan_keeps_the_table_and_says_where(engine: Running) -> None:
    good = engine.plan_path.read_text()
    engine.plan_path.write_text(good.replace("effect: read", "efect: read", 1))
    await eventually(lambda: engine.engine.watcher.broken is not None)

    assert (await engine.get("/items/7")).status == 200
    assert "migration.yaml:" in str(engine.engine.watcher.broken)
    assert "efect" in str(engine.engine.watcher.broken)
    engine.plan_path.write_text(good.replace("value: /items", "value: /things"))
    await eventually(lambda: engine.engine.watcher.broken is None)
    assert (await engine.get("/things/7")).status in (200, 404)


async def test_broken_rollouts_keep_the_table(engine: Running) -> None:
    engine.publish(1, **{"shop.get-item": {"live": 100}})
    await engine.until_seq(1)
    engine.state.rollouts_file.write_text('{"seq": 2, "rollouts": {"shop.get-item": {"live": 50}}}')
    await eventually(lambda: engine.engine.watcher.broken is not None)
    assert engine.engine.switch.current.seq == 1


async def test_a_hold_sends_everything_to_old_and_an_unreadable_one_too(engine: Running) -> None:
    engine.publish(1, **{"shop.get-item": {"live": 100}})
    await engine.until_seq(1)
    await engine.get("/items/7")
    for content in (json.dumps({"operations": ["*"], "who": "a", "why": "b", "at": 1}), "{half"):
        engine.state.hold_file.write_text(content)
        await eventually(lambda: engine.engine.switch.current.held == frozenset({"*"}))
        await engine.get("/items/7")
        engine.state.hold_file.unlink()
        await eventually(lambda: engine.engine.switch.current.held == frozenset())
    assert (len(engine.new.heads), len(engine.old.heads)) == (1, 2)


async def test_the_breaker_takes_an_operation_back_and_a_new_rollout_resets_it(engine: Running) -> None:
    engine.new.reply = FAILS
    engine.publish(1, **{"shop.get-item": {"live": 100}})
    await engine.until_seq(1)
    caller = await engine.caller()
    statuses = [(await caller.ask(request("GET", "/items/7"))).status for _ in range(6)]

    assert statuses == [503, 503, 503, 200, 200, 200]
    engine.publish(2, **{"shop.get-item": {"live": 100}, "shop.order": {"dualwrite": 100}})
    await engine.until_seq(2)
    assert (await caller.ask(request("GET", "/items/7"))).status == 200
    engine.publish(3, **{"shop.get-item": {"shadow": 100}})
    await engine.until_seq(3)
    engine.new.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew"
    engine.publish(4, **{"shop.get-item": {"live": 100}})
    await engine.until_seq(4)
    assert (await caller.ask(request("GET", "/items/7"))).body == b"new"


async def test_a_hanging_or_missing_new_side_is_not_noticed_in_shadow(engine: Running) -> None:
    await engine.new.stop()
    engine.publish(1, **{"shop.get-item": {"shadow": 100}})
    await engine.until_seq(1)
    assert (await engine.get("/items/7")).status == 200
    (exchange,) = await engine.journaled()
    assert (exchange.answer.side, exchange.asked) == (Side.OLD, Side.NEW)


async def test_a_request_under_way_keeps_its_table(engine: Running) -> None:
    go_on = asyncio.Event()

    async def waits(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        await go_on.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")

    engine.old.script = waits
    caller = await engine.caller()
    await caller.say(request("GET", "/items/7"))
    await eventually(lambda: bool(engine.old.heads))
    engine.publish(1, **{"shop.get-item": {"live": 100}})
    await engine.until_seq(1)
    go_on.set()
    assert (await caller.hear()).body == b"old"
    (exchange,) = await engine.journaled()
    assert exchange.stage == "off"
