"""From start to Ctrl-C."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext

from strangler.cli.supervisor.supervisor import Supervisor

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def supervise(
    supervisor: Supervisor,
    *,
    lock: AbstractContextManager[object] | None = None,
    once_up: Callable[[], Awaitable[None]] | None = None,
) -> int:
    """Start, run until SIGINT or SIGTERM, stop cleanly. Returns 0, or 1 where a process died too often.

    ``lock`` is held for as long as anything runs (``state.lock("up")``). ``once_up`` runs when all are up; it is
    cancelled by the signal. A second signal kills at once.

    Raises:
        StranglerError: as ``Supervisor.start``, or as ``once_up``; everything is stopped before.
    """
    with lock or nullcontext():
        asked = _Asked(supervisor)
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, asked)
        try:
            if await _unless(asked, supervisor.start()) and once_up is not None:
                await _unless(asked, once_up())
            if not asked.is_set():
                await _first(asked, supervisor.gave_up)
            return 0 if asked.is_set() else 1
        finally:
            await supervisor.stop()
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


class _Asked(asyncio.Event):
    """Set by the first signal; the second one kills."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__()
        self._supervisor = supervisor

    def __call__(self) -> None:
        if self.is_set():
            self._supervisor.kill()
        self.set()


async def _unless(asked: asyncio.Event, work: Awaitable[None]) -> bool:
    """Do the work unless asked to stop before it is done; whether it was done."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.create_task(asked.wait(), name="wait for a signal")
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
            return True
        return False
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


async def _first(*events: asyncio.Event) -> None:
    """Return when one of the events is set."""
    waits = [asyncio.create_task(event.wait(), name="wait for the end") for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
