"""A system that answers at once: ``python -m benchmarks._answers PORT`` gives the same JSON to every request.

It is as quick as one core allows, so that who asks is what is measured.
"""

import asyncio
import re
import sys

import orjson

BODY = orjson.dumps(
    {
        "nino": "QQ123456C",
        "status": "A",
        "weekly": [
            {"from": f"2026-{month:02}-01", "amountPence": 22_120 + month, "paid": True} for month in range(1, 13)
        ],
        "address": {"lines": ["1 Example Row", "Exampleton"], "postcode": "ZZ1 1AB"},
    }
)
HEADERS = (("Content-Type", "application/json"), ("x-build-id", "b1"))
_ANSWER = (
    b"HTTP/1.1 200 OK\r\n"
    + b"".join(f"{name}: {value}\r\n".encode() for name, value in HEADERS)
    + b"Content-Length: %d\r\n\r\n" % len(BODY)
    + BODY
)


class _Answering(asyncio.Protocol):
    """Reads requests, with bodies of a declared length, and answers each."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", self._waiting[:end])
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._waiting) < whole:
                return
            self._waiting = self._waiting[whole:]
            self._transport.write(_ANSWER)  # type: ignore[attr-defined]


async def _main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_main(int(sys.argv[1])))
