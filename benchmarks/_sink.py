"""A system for large bodies and for silence: ``python -m benchmarks._sink PORT`` reads any request and answers 200.

``GET /large/N`` answers N bytes. Every other request is read whole and answered with its size. With ``--hang`` it
accepts and never answers.
"""

import asyncio
import re
import sys

_PIECE = b"0" * 262_144


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
            left = int(length[1]) if length else 0
            size = left
            while left:
                left -= len(await reader.read(min(left, 262_144)))
            large = re.match(rb"GET \S*/large/(\d+)", head)
            if large:
                await _send(writer, int(large[1]))
            else:
                body = b"%d" % size
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _send(writer: asyncio.StreamWriter, left: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
    while left:
        piece = _PIECE[: min(left, len(_PIECE))]
        writer.write(piece)
        left -= len(piece)
        await writer.drain()


async def _hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        pass


async def _main(port: int, *, hangs: bool) -> None:
    server = await asyncio.start_server(_hang if hangs else _serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), hangs="--hang" in sys.argv))
