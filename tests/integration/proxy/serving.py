"""A running engine, systems that answer as told byte by byte, and a caller that says exactly what it is given."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from proxy.mitm.engine import Engine
from proxy.mitm.listener import bound_socket
from strangler.exchange import Exchange
from strangler.journal import Journal
from strangler.state import StateFolder

PLAN = """
version: 1
programme: engine-tests
systems:
  old-shop: {{department: shop, speaks: http, url: "http://127.0.0.1:{old}", timeout_s: {timeout_s}, serves: [/files]}}
  new-shop: {{department: shared, speaks: http, url: "http://127.0.0.1:{new}/api", timeout_s: {timeout_s},
              build_header: x-build-id}}
operations:
  shop.get-item:
    effect: read
    match: {{method: GET, path: {{type: PathPrefix, value: /items}}}}
    old: old-shop
    new: new-shop
    key: {{path: "^/items/([^/?]+)"}}
    rollback: {{when: {{errors_over: 0.02}}, failed_at_most: 3, to: shadow}}
  shop.find-item:
    effect: read
    match: {{method: POST, path: {{type: Exact, value: /find}}}}
    old: old-shop
    new: new-shop
    key: {{json: "$.id"}}
  shop.order:
    effect: write
    match: {{method: POST, path: {{type: Exact, value: /orders}}}}
    old: old-shop
    new: new-shop
    key: {{header: x-citizen}}
    writes: {{policy: dual, idempotency_header: idempotency-key}}
  shop.upload:
    effect: write
    match: {{method: PUT, path: {{type: PathPrefix, value: /uploads}}}}
    old: old-shop
    new: new-shop
    key: {{header: x-citizen}}
    writes: {{policy: dual, idempotency_header: idempotency-key}}
people:
  ada: {{roles: [approver]}}
  bob: {{roles: [approver]}}
capture: {{body_bytes: 65536, queue: {queue}}}
"""

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n" + b'{"name":1} '


@dataclass
class Origin:
    """A system: records every request, and answers by ``reply`` (bytes), or lets ``script`` do all of it."""

    reply: bytes = OK
    script: Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]] | None = None
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    body_bytes: int = 0
    server: asyncio.Server | None = None
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def start(self, port: int = 0) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
            for writer in self.writers:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                if self.script is not None:
                    await self.script(reader, writer, head)
                    continue
                self.bodies.append(await read_body(reader, head, self))
                writer.write(self.reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def read_body(reader: asyncio.StreamReader, head: bytes, origin: Origin | None = None) -> bytes:
    """The body after a head; a large one is counted, not kept."""
    fields = fields_of(head)
    if fields.get("transfer-encoding") == "chunked":
        pieces = []
        while size := int((await reader.readline()).strip() or b"0", 16):
            pieces.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(pieces)
    left = int(fields.get("content-length", "0"))
    if left < 10_000_000:
        return await reader.readexactly(left) if left else b""
    while left:
        piece = await reader.read(min(left, 262_144))
        if not piece:
            raise ConnectionResetError
        left -= len(piece)
        if origin is not None:
            origin.body_bytes += len(piece)
    return b""


def fields_of(head: bytes) -> dict[str, str]:
    """Lower-case names to values; repeated ones joined with a bar, to show that they were repeated."""
    fields: dict[str, str] = {}
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            name = name.lower()
            fields[name] = f"{fields[name]}|{value.strip()}" if name in fields else value.strip()
    return fields


@dataclass
class Answer:
    """What a caller got."""

    status: int
    fields: dict[str, str]
    body: bytes
    raw_head: bytes = b""


@dataclass
class Caller:
    """One caller's connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def hear(self, *, within_s: float = 10) -> Answer:
        async with asyncio.timeout(within_s):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            fields = fields_of(head)
            if fields.get("transfer-encoding") == "chunked" or "content-length" in fields:
                body = await read_body(self.reader, head)
            else:
                body = await self.reader.read() if status != 304 else b""
            return Answer(status, fields, body, head)

    async def ask(self, raw: bytes) -> Answer:
        await self.say(raw)
        return await self.hear()


@dataclass
class Running:
    """The engine under test and its surroundings."""

    engine: Engine
    old: Origin
    new: Origin
    port: int
    state: StateFolder
    plan_path: Path
    callers: list[Caller] = field(default_factory=list)

    async def caller(self) -> Caller:
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port))
        self.callers.append(caller)
        return caller

    async def get(self, target: str, *lines: str) -> Answer:
        caller = await self.caller()
        return await caller.ask(request("GET", target, *lines))

    def publish(self, seq: int, **rollouts: dict[str, object]) -> None:
        named = {name.replace("__", ".").replace("_", "-"): shares for name, shares in rollouts.items()}
        temporary = self.state.rollouts_file.with_suffix(".new")
        temporary.write_text(json.dumps({"seq": seq, "rollouts": named}))
        temporary.replace(self.state.rollouts_file)

    async def until_seq(self, seq: int) -> None:
        await eventually(lambda: self.engine.switch.current.seq == seq)

    async def journaled(self, count: int = 1) -> list[Exchange]:
        """The exchanges in the journal, once there are this many."""
        await eventually(lambda: self.engine.capture.counters.journaled >= count)
        with Journal.open(self.state.journal_url, key=self.state.journal_key()) as journal:
            return list(journal.requests(None, None, 10_000))


def request(method: str, target: str, *lines: str, body: bytes = b"") -> bytes:
    """A request as a caller would write it."""
    fields = ["Host: shop.example", *lines]
    if body:
        fields.append(f"Content-Length: {len(body)}")
    return "\r\n".join([f"{method} {target} HTTP/1.1", *fields, "", ""]).encode("latin-1") + body


async def eventually(is_so: Callable[[], bool], within_s: float = 10) -> None:
    """Wait for something that happens in another thread or process."""
    async with asyncio.timeout(within_s):
        while not is_so():  # noqa: ASYNC110  it happens elsewhere
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(folder: Path, *, timeout_s: float = 3, queue: int = 10_000, **env: str) -> AsyncIterator[Running]:
    old, new = Origin(), Origin()
    await old.start()
    await new.start()
    plan_path = folder / "migration.yaml"
    plan_path.write_text(PLAN.format(old=old.port, new=new.port, timeout_s=timeout_s, queue=queue))
    state = StateFolder(folder / "state", env)
    engine = Engine(plan_path, state, environ={})
    stop = asyncio.Event()
    sock = bound_socket("127.0.0.1", 0, is_shared=False)
    task = asyncio.create_task(engine.run(sock, stop))
    port = sock.getsockname()[1]
    run = Running(engine, old, new, port, state, plan_path)
    await eventually(engine.status_file.exists)
    await eventually(lambda: engine.capture.is_open or engine.capture.is_down)
    try:
        yield run
    finally:
        for caller in run.callers:
            caller.writer.close()
        stop.set()
        await asyncio.wait_for(task, 30)
        await old.stop()
        await new.stop()
        await asyncio.sleep(0)
