"""Two small services that make ids each of their own, a caller of one of them, and a worker that asks the other."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import aiohttp
import orjson
from aiohttp import web

from parity_checks.ask import Worker
from parity_checks.ask.client import Client
from parity_checks.ask.effects import RowSource
from parity_checks.ask.entries import Entries
from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Observation, Outcome, Request
from strangler.journal import Journal
from strangler.plan.models import Plan
from strangler.stages import Side, Stage

KEY = b"k" * 32
JSON = {"content-type": "application/json"}


@dataclass
class Things:
    """Things with an id and a name. ``number`` makes ids; what has a name in ``loses`` is acknowledged and not kept."""

    number: Callable[[int], Any]
    url: str = ""
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    loses: frozenset[str] = frozenset()
    late_s: float = 0.0
    fails_reads: int = 0
    seen: list[tuple[str, str, bytes, Mapping[str, str]]] = field(default_factory=list)
    by_key: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append((request.method, request.path_qs, body, dict(request.headers)))
        if request.path == "/soap":
            return self._soap(body.decode())
        return await {"POST": self._create, "PUT": self._change, "GET": self._get}[request.method](request)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        key = request.headers.get("idempotency-key")
        if key is not None and key in self.by_key:
            return _said(self.by_key[key], 201)
        made = {"id": self.number(len(self.held)), **(await request.json())}
        if made.get("name") not in self.loses:
            self.held[str(made["id"])] = made
        if key is not None:
            self.by_key[key] = made
        return _said(made, 201)

    async def _change(self, request: web.Request) -> web.StreamResponse:
        found = self.held.get(unquote(request.rel_url.raw_path.removeprefix("/things/")))
        if found is None:
            return _said({"error": "unknown"}, 404)
        changes = await request.json()
        if changes.get("name") not in self.loses:
            asyncio.get_running_loop().call_later(self.late_s, found.update, changes)
        return _said({"done": True})

    async def _get(self, request: web.Request) -> web.StreamResponse:
        if self.fails_reads:
            self.fails_reads -= 1
            return _said({"error": "busy"}, 503)
        if request.path == "/things":
            wanted = request.query.getall("id", [])
            chosen = [one for name, one in self.held.items() if not wanted or name in wanted]
            return _said({"things": chosen})
        found = self.held.get(unquote(request.rel_url.raw_path.removeprefix("/things/")))
        return _said({"error": "unknown"}, 404) if found is None else _said({**found, "at": str(time.time())})

    def _soap(self, text: str) -> web.StreamResponse:
        found = self.held.get(text.partition("<id>")[2].partition("</id>")[0].strip())
        name = "nobody" if found is None else found["name"]
        return web.Response(text=f"<a><name>{name}</name></a>", content_type="text/xml", headers={"x-build-id": "b1"})


def _said(what: object, status: int = 200) -> web.StreamResponse:
    return web.json_response(what, status=status, headers={"x-build-id": "b1"})


@asynccontextmanager
async def serving(things: Things) -> AsyncIterator[Things]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", things.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    things.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield things
    finally:
        await runner.cleanup()


LEARN = {"learn": [{"name": "thing", "old": "$.id"}]}
OWN_ID = {"path": "$.id", "as": "id", "of": "thing", "why": "each side makes its own ids"}
OWN_CLOCK = {"path": "$.at", "as": "opaque", "why": "each side's own clock"}


def plan_for(old: Things, new: Things, more: Mapping[str, Any] | None = None, **create: Any) -> Plan:
    """``t.create``, ``t.change``, ``t.get``, ``t.find`` and ``t.soap``; ``more`` replaces parts of them."""
    system = {"department": "d", "speaks": "http", "timeout_s": 1.0, "build_header": "x-build-id"}
    write = {"effect": "write", "writes": {"policy": "dual", "idempotency_header": "Idempotency-Key"}}
    read = {"effect": "read"}
    common: dict[str, Any] = {
        "match": {"path": {"value": "/things"}},
        "old": "old",
        "new": "new",
        "key": {"header": "x-person"},
    }
    settle = {"attempts": 2, "after_s": 0.05}
    in_path = [{"name": "thing", "at": {"path": "^/things/([^/]+)"}}]
    operations: dict[str, Any] = {
        "t.create": {**write, **common, "ids": LEARN, "compare": {"rules": [OWN_ID]}, **create},
        "t.change": {**write, **common, "ids": {"use": in_path}, "compare": {}},
        "t.get": {
            **read,
            **common,
            "ids": {"use": in_path},
            "compare": {"rules": [OWN_ID, OWN_CLOCK], "settle": settle, "noise": {"sample": 0}},
        },
        "t.find": {
            **read,
            **common,
            "ids": {"use": [{"name": "thing", "at": {"query": "id"}}]},
            "compare": {
                "rules": [
                    {"path": "$.things", "as": "set", "by": "id", "why": "no order"},
                    {"path": "$.things[*].id", "as": "id", "of": "thing", "why": "own ids"},
                ],
                "settle": settle,
                "noise": {"sample": 0},
            },
        },
        "t.soap": {
            **read,
            **common,
            "ids": {"use": [{"name": "thing", "at": {"xpath": "//id"}}]},
            "compare": {"settle": settle, "noise": {"sample": 0}},
        },
    }
    for name, changes in (more or {}).items():
        operations[name] = {**operations.get(name, {}), **changes}
    return Plan.model_validate(
        {
            "version": 1,
            "programme": "p",
            "systems": {
                "old": {**system, "url": old.url},
                "new": {**system, "url": new.url},
                "copy": {**system, "url": new.url},
            },
            "operations": operations,
        }
    )


@dataclass
class Caller:
    """Asks one side and journals what it heard, as an engine does."""

    plan: Plan
    journal: Journal
    numbers: Any = field(default_factory=itertools.count)

    async def ask(
        self,
        operation: str,
        method: str,
        target: str,
        said: object = None,
        *,
        key: str | None = None,
        by: Side = Side.OLD,
        headers: Mapping[str, str] = JSON,
        body: bytes | None = None,
        is_journaled: bool = True,
    ) -> Exchange:
        """The exchange; the caller hears ``by``."""
        number = next(self.numbers)
        sent = body if body is not None else b"" if said is None else orjson.dumps(said)
        system = self.plan.systems[str(by)]
        at = time.time()
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{system.url}{target}", data=sent, headers=dict(headers)) as heard,
        ):
            answered = await heard.read()
            answer = Observation(
                by, heard.status, tuple(heard.headers.items()), answered, len(answered), at=at, build="b1"
            )
        made = Exchange(
            id=f"x{number}",
            operation=operation,
            effect=self.plan.operations[operation].effect,
            key=key or f"k{number}",
            cohort=None,
            stage=Stage.SHADOW if by is Side.OLD else Stage.LIVE,
            request=Request(method, target, tuple(headers.items()), sent, len(sent)),
            answer=answer,
            asked=by.other,
            entry=entry_digest(self.plan, operation),
            at=at,
        )
        if is_journaled:
            self.journal.append([made])
        return made

    async def outcomes(
        self, *exchanges: Exchange, rows: RowSource | None = None, within_s: float = 15
    ) -> list[Outcome]:
        """What a worker makes of everything that was journaled."""
        await work(self.plan, self.journal, rows=rows, within_s=within_s)
        found = [self.journal.exchange(one.id)[2] for one in exchanges]
        assert None not in found
        return [one for one in found if one is not None]


async def work(plan: Plan, journal: Journal, *, rows: RowSource | None = None, within_s: float = 15) -> Worker:
    """Let a worker judge whatever waits."""
    stop = asyncio.Event()
    async with Client(body_bytes=plan.capture.body_bytes) as client:
        worker = Worker(journal, Entries(plan), client, rows=rows)
        running = asyncio.ensure_future(worker.run(stop))
        try:
            async with asyncio.timeout(within_s):
                while journal.depth():  # noqa: ASYNC110  it is watched from outside, as an operator would
                    await asyncio.sleep(0.02)
        finally:
            stop.set()
            await running
    assert worker.faults == 0
    return worker


def opened(folder: Path) -> Journal:
    """The journal of one test."""
    return Journal.open(f"sqlite:///{folder}/journal.db", key=KEY)


@asynccontextmanager
async def caller(
    folder: Path, old: Things, new: Things, more: Mapping[str, Any] | None = None, **create: Any
) -> AsyncIterator[Caller]:
    """A caller of both services, which are served meanwhile."""
    async with serving(old), serving(new):
        with opened(folder) as journal:
            yield Caller(plan_for(old, new, more, **create), journal)
