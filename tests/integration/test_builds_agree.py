"""A build has one name, whoever learns it: the worker from an answer, the command line from a probe."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from types import ModuleType

import pytest
from aiohttp import web

from legacy_adapters.contract import Answer, Call
from legacy_adapters.gateway import serve_gateway
from parity_checks.ask.client import Asking, Client
from strangler.builds import build_source, builds_in_force
from strangler.cli.builds import current_builds
from strangler.exchange import Request
from strangler.plan.addresses import base_url, target_of
from strangler.plan.models import Plan
from strangler.stages import Side


class PassOn:
    """A facade that asks its system."""

    async def answer(self, request: Request, call: Call) -> Answer:
        reply = await call.system.request(request.method, request.target)
        return Answer(reply.status, (), reply.body)


class Fixed:
    """An adapter that needs nobody."""

    async def answer(self, request: Request, call: Call) -> Answer:
        return Answer(200, (), b"{}")


@contextlib.asynccontextmanager
async def system(**headers: str) -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="{}", headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def plan_for(named: str, silent: str, gateway: str) -> Plan:
    http = {"department": "d", "speaks": "http", "timeout_s": 2}
    systems = {
        "named": {**http, "url": named, "build_header": "x-build-id", "build": "another"},
        "mute": {**http, "url": silent, "build_header": "x-build-id", "build": "declared"},
        "silent": {**http, "url": silent},
        "rows": {"department": "d", "speaks": "odbc", "connection": "DSN=x", "dialect": "sqlite", "build": "index-7"},
    }
    both = {
        "direct": ("named", "mute"),
        "plain": ("silent", {"system": "silent", "facade": "agreeing:pass_on"}),
        "facade": ({"system": "rows", "adapter": "agreeing:fixed"}, {"system": "named", "facade": "agreeing:pass_on"}),
    }
    operations = {
        f"a.{name}": {"effect": "read", "match": {"path": {"value": "/x"}}, "old": old, "new": new}
        for name, (old, new) in both.items()
    }
    return Plan.model_validate(
        {"version": 1, "programme": "p", "gateway": gateway, "systems": systems, "operations": operations}
    )


async def observed(plan: Plan, operation: str, side: Side) -> str | None:
    target = target_of(plan.operations[operation], side)
    source = build_source(plan, target)
    asking = Asking(side, target.system, base_url(plan, operation, side), Request("GET", "/x"), builds=source)
    async with Client(body_bytes=1024) as client:
        return (await client.ask(asking, plan.systems[target.system])).observation.build


async def test_probe_and_answer_name_the_same_build(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType("agreeing")
    made.pass_on, made.fixed = PassOn(), Fixed()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agreeing", made)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stop = asyncio.Event()
    async with system(**{"x-build-id": "b7"}) as named, system() as silent:
        plan = plan_for(named, silent, f"http://127.0.0.1:{port}")
        serving = asyncio.ensure_future(serve_gateway(lambda: plan, port=port, stop=stop))
        async with asyncio.timeout(10):
            while await observed(plan, "a.facade", Side.OLD) is None:
                if serving.done():
                    await serving
                await asyncio.sleep(0.02)
        seen, probed = {}, {}
        for name in plan.operations:
            told = {side: build for side in Side if (build := await observed(plan, name, side)) is not None}
            in_force = builds_in_force(plan, name, told)
            seen[name] = (in_force.old, in_force.new)
            builds = await asyncio.to_thread(current_builds, plan, name)
            probed[name] = (builds.old, builds.new) if builds else None
        stop.set()
        await serving
    code = seen["a.facade"][0].partition("+adapter.")[2]
    assert seen == probed
    assert seen == {
        "a.direct": ("b7", "declared"),
        "a.plain": ("unknown", f"unknown+facade.{code}"),
        "a.facade": (f"index-7+adapter.{code}", f"b7+facade.{code}"),
    }
