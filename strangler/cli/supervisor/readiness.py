"""Is it up yet?"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import httpx

from strangler.cli.supervisor.ports import HOST
from strangler.cli.supervisor.processes import Ready

_POLL_S = 0.05


async def until_ready(ready: Ready, port: int, since: float) -> None:
    """Return when the sign shows. Waits for ever: the caller bounds it and watches the process.

    ``ready`` has its placeholders filled; ``since`` is the start, seconds since the epoch.
    """
    if ready.http is not None:
        url = ready.http if "://" in ready.http else f"http://{HOST}:{port}{ready.http}"
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
            await _until(lambda: _answers(client, url))
    elif ready.tcp:
        await _until(lambda: _listens(port))
    elif ready.file is not None:
        file = Path(ready.file)
        await _until(lambda: _is_written(file, since))


async def _until(sign: Callable[[], Awaitable[bool]]) -> None:
    while not await sign():  # noqa: ASYNC110  another process's state has no event to wait for
        await asyncio.sleep(_POLL_S)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx.TransportError:
        return False


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(HOST, port), timeout=2.0)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def _is_written(file: Path, since: float) -> bool:
    try:
        written_at = file.stat().st_mtime  # noqa: ASYNC240  a local stat takes microseconds
        return written_at >= since - 0.05  # file systems round their times
    except OSError:
        return False
