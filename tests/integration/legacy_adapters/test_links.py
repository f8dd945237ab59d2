"""A link's bounds: places, time, the breaker, threads that hang."""

import asyncio
import threading
import time

import pytest

from legacy_adapters.contract import SystemDrifted, SystemRefused, SystemTimeout
from legacy_adapters.links import open_links
from strangler.errors import SystemUnreachable
from strangler.plan.models import Plan

PLAN = {
    "version": 1,
    "programme": "p",
    "systems": {
        "index": {"department": "d", "speaks": "odbc", "connection": "x", "timeout_s": 0.2, "concurrency": 2},
        "gone": {"department": "d", "speaks": "http", "url": "http://127.0.0.1:9", "timeout_s": 0.5},
    },
    "operations": {},
}


@pytest.fixture
async def links():
    async with open_links(Plan.model_validate(PLAN)) as found:
        yield found


async def test_work_runs_in_the_system_s_own_threads(links):
    name = await links["index"].run(lambda: threading.current_thread().name)
    assert name.startswith("index-")


async def test_error_of_the_work_comes_out_as_it_is(links):
    with pytest.raises(ZeroDivisionError):
        await links["index"].run(lambda: 1 // 0)


async def test_hanging_work_is_given_up_and_keeps_its_place_until_it_ends(links):
    link, release = links["index"], threading.Event()
    try:
        with pytest.raises(SystemTimeout, match=r"within 0\.2 s"):
            await asyncio.gather(*(link.run(release.wait) for _ in range(2)))
        with pytest.raises(SystemRefused, match="all 2 places"):
            await link.run(time.time)
    finally:
        release.set()
    await asyncio.sleep(0.05)
    assert await link.run(lambda: "back") == "back"


async def test_system_that_is_gone_is_named_and_then_left_alone(links):
    for _ in range(5):
        with pytest.raises(SystemUnreachable, match=r"gone: cannot connect to 127\.0\.0\.1:9"):
            await links["gone"].request("GET", "/")
    with pytest.raises(SystemRefused, match="given a rest"):
        await links["gone"].request("GET", "/")


async def test_drift_is_no_reason_to_stop_asking(links):
    def drifted():
        raise SystemDrifted("index", "a surprise")

    for _ in range(6):
        with pytest.raises(SystemDrifted):
            await links["index"].run(drifted)
    assert await links["index"].run(lambda: "still asked") == "still asked"


async def test_build_is_not_waited_for_without_end(free_port):
    never = asyncio.Event()

    async def hang(_reader, writer):
        await never.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", free_port)
    system = {"department": "d", "speaks": "http", "url": f"http://127.0.0.1:{free_port}", "build_header": "x-build-id"}
    plan = Plan.model_validate(PLAN | {"systems": {"hangs": {**system, "timeout_s": 300}}})
    async with open_links(plan) as links, asyncio.timeout(20):
        assert await links["hangs"].build_now() is None
        assert await links["hangs"].probe() is None
    never.set()
    server.close()
    await server.wait_closed()


async def test_build_that_replies_named_outlives_one_that_lacks_the_header(free_port):
    says = [b"x-build-id: b7\r\n", b"", b"x-build-id: b8\r\n"]

    async def reply(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n" + says.pop(0) + b"\r\n")
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", free_port)
    system = {"department": "d", "speaks": "http", "url": f"http://127.0.0.1:{free_port}", "build_header": "x-build-id"}
    plan = Plan.model_validate(PLAN | {"systems": {"named": {**system, "build": "declared"}}})
    async with open_links(plan) as links:
        told = [await links["named"].probe() for _ in range(3)]
    says[:] = [b""]
    async with open_links(plan) as links:
        told.append(await links["named"].build_now())
    server.close()
    await server.wait_closed()
    assert told == ["b7", "b7", "b8", "declared"]


async def test_build_that_no_header_tells_is_as_declared(links):
    assert [await links[name].build_now() for name in ("index", "gone")] == ["unknown", "unknown"]


async def test_database_has_no_url(links):
    with pytest.raises(SystemUnreachable, match="ODBC"):
        await links["index"].request("GET", "/")
