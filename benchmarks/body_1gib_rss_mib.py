"""How much more memory the engine holds while a body of 1 GiB goes through it, up and then down."""

import asyncio
import sys

import psutil

from benchmarks._engines import cores, free_port, load, processes, until_listening, write_plan

GOAL = 64.0
_SIZE = 1024 * 1024 * 1024
_PIECE = b"0" * 262_144


def run() -> list[dict[str, object]]:
    """The growth of resident memory in MiB, at its highest; the peer is the body itself."""
    measured, others = cores()
    with processes() as running:
        system, port = free_port(), free_port()
        running.start([sys.executable, "-m", "benchmarks._sink", str(system)], others, name="sink")
        until_listening(system)
        plan = write_plan(running.folder, system, system)
        pid = running.engine(port, plan, running.folder / "state", measured)
        load(port, others, seconds=1, connections=1)
        process = psutil.Process(pid)
        before = process.memory_info().rss
        highest = max(asyncio.run(_through(port, process, is_upload=upload)) for upload in (True, False))
    grown = (highest - before) / 1024 / 1024
    return [
        {
            "name": "body_1gib_rss_mib",
            "ours": round(grown, 1),
            "peer": 1024.0,
            "peer_name": "the body itself (MiB)",
            "ratio": round(grown / 1024, 4),
            "goal": GOAL,
            "met": grown <= GOAL,
        }
    ]


async def _through(port: int, process: psutil.Process, *, is_upload: bool) -> int:
    """Send or fetch the body; the highest resident memory seen meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    highest = 0
    if is_upload:
        writer.write(b"PUT /uploads/1 HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n" % _SIZE)
        for number in range(_SIZE // len(_PIECE)):
            writer.write(_PIECE)
            await writer.drain()
            if number % 64 == 0:
                highest = max(highest, process.memory_info().rss)
        answer = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(len(str(_SIZE)))
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert int(body) == _SIZE
    else:
        writer.write(b"GET /records/large/%d HTTP/1.1\r\nHost: bench\r\n\r\n" % _SIZE)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        left, number = _SIZE, 0
        while left:
            left -= len(await reader.read(262_144))
            number += 1
            if number % 64 == 0:
                highest = max(highest, process.memory_info().rss)
    writer.close()
    return max(highest, process.memory_info().rss)
