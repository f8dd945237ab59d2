"""Our end of the watchdog's pipe: which groups must not outlive us."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from strangler.cli.supervisor.child import isolated

_WATCHDOG = Path(__file__).with_name("watchdog.py")


class Guardian:
    """Starts the watchdog and tells it which process groups are ours."""

    def __init__(self) -> None:
        self._pipe: int | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the watchdog, outside the terminal's process group: Ctrl-C is not for it."""
        if self._process is not None:
            return
        reading, self._pipe = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *isolated(_WATCHDOG), stdin=reading, stdout=asyncio.subprocess.DEVNULL, start_new_session=True
            )
        finally:
            os.close(reading)

    def note(self, group: int) -> None:
        """This group is ours now."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """This group has ended."""
        self._tell(f"-{group}\n")

    async def stop(self) -> None:
        """Close the pipe, and wait until the watchdog is done."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        if self._process is not None:
            await self._process.wait()
            self._process = None

    def _tell(self, line: str) -> None:
        if self._pipe is not None:
            with suppress(BrokenPipeError):  # somebody killed it; each process still ends with us by the shim
                os.write(self._pipe, line.encode())
