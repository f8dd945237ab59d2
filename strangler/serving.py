"""Serve an ASGI application until somebody says stop; the caller owns the signals."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever started us."""
        yield


async def serve_app(app: ASGIApp, host: str, port: int, *, stop: asyncio.Event, grace_s: float = 5.0) -> None:
    """Serve until ``stop`` is set, then finish what is under way, for ``grace_s`` seconds at most."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,  # a gateway passes on the system's own, which may name its build
        timeout_graceful_shutdown=int(grace_s),
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(), name=f"serve {host}:{port}")
    stopping = asyncio.create_task(stop.wait(), name="wait for stop")
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    await serving
