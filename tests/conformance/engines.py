"""Both engines on real sockets, and what they were seen to do."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from proxy.mitm.engine import Engine as MitmEngine
from proxy.mitm.listener import bound_socket
from strangler.exchange import Exchange
from strangler.journal import Journal
from strangler.state import StateFolder
from tests.conformance.cases import PLAN, Case
from tests.integration.proxy.serving import Answer, Caller, Origin, eventually, fields_of

CASE_FIELD = "x-case"


class Rollouts(Protocol):
    """What is published: every operation's rollout, and what is held."""

    @property
    def held(self) -> tuple[str, ...]: ...

    def rollouts(self) -> dict[str, dict[str, float]]: ...


def says(text: bytes) -> bytes:
    """An answer with this body."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)


@dataclass
class Surroundings:
    """A running engine's systems, state and port."""

    old: Origin
    new: Origin
    state: StateFolder
    plan_path: Path
    engine: Any
    port: int = 0

    async def ask(self, number: int, case: Case) -> Answer:
        """Send one case on a connection of its own."""
        lines = [f"{case.method} {case.target} HTTP/1.1", "Host: shop.example", f"{CASE_FIELD}: {number}"]
        lines += [f"{name}: {value}" for name, value in case.fields]
        if case.body:
            lines.append(f"Content-Length: {len(case.body)}")
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            return await caller.ask("\r\n".join([*lines, "", ""]).encode() + case.body)
        finally:
            caller.writer.close()

    async def journaled(self, count: int) -> dict[int, Exchange]:
        """Case number to its exchange, once there are this many."""
        await eventually(lambda: self.engine.capture.counters.journaled >= count)
        with Journal.open(self.state.journal_url, key=self.state.journal_key()) as journal:
            found = list(journal.requests(None, None, 10_000))
        return {int(exchange.request.header(CASE_FIELD) or "-1"): exchange for exchange in found}

    def heard(self, side: str) -> dict[int, dict[str, str]]:
        """Case number to the header fields that this side got."""
        heads = (self.old if side == "old" else self.new).heads
        fields = [fields_of(head) for head in heads]
        return {int(each[CASE_FIELD]): each for each in fields}

    def publish(self, seq: int, scenario: Rollouts) -> None:
        """Let the engine find the scenario's rollouts and hold."""
        if scenario.held:
            self.state.hold_file.write_text(
                json.dumps({"operations": list(scenario.held), "who": "a", "why": "b", "at": 1})
            )
        temporary = self.state.rollouts_file.with_suffix(".new")
        temporary.write_text(json.dumps({"seq": seq, "rollouts": scenario.rollouts()}))
        temporary.replace(self.state.rollouts_file)


@asynccontextmanager
async def running(kind: str, folder: Path, scenario: Rollouts, plan: str = PLAN) -> AsyncIterator[Surroundings]:
    """The engine of this kind, begun in the scenario."""
    old, new = Origin(reply=says(b"old")), Origin(reply=says(b"new"))
    await old.start()
    await new.start()
    plan_path = folder / "migration.yaml"
    plan_path.write_text(plan.format(old=old.port, new=new.port))
    state = StateFolder(folder / "state", {})
    around = Surroundings(old, new, state, plan_path, None)
    around.publish(1, scenario)
    stop = asyncio.Event()
    if kind == "mitm":
        around.engine = MitmEngine(plan_path, state, environ={})
        sock = bound_socket("127.0.0.1", 0, is_shared=False)
        around.port = sock.getsockname()[1]
        task = asyncio.create_task(around.engine.run(sock, stop))
    else:
        from proxy.envoy.engine import Engine as EnvoyEngine

        around.engine = EnvoyEngine(plan_path, state, environ={})
        task = asyncio.create_task(around.engine.run("127.0.0.1", 0, stop))
    try:
        await eventually(lambda: task.done() or around.engine.status_file.exists(), within_s=30)
        if task.done():
            task.result()
        around.port = around.port or around.engine.port
        yield around
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)
        await old.stop()
        await new.stop()
        await asyncio.sleep(0)
