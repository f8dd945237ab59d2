"""One child process in a process group of its own: start, output, end."""

import asyncio
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from strangler.cli.supervisor.watchdog import signal_group

Log = Callable[[str, str], None]
"""Called with the process's name and one line of its output, without the line's end."""

_SHIM = Path(__file__).with_name("shim.py")
_TAIL_LINES = 20
_LINE_BYTES = 64 * 1024


def isolated(script: Path, *arguments: str) -> tuple[str, ...]:
    """The command that runs one of our own small scripts without site packages: a few milliseconds."""
    return (sys.executable, "-I", "-S", str(script), *arguments)


class Child:
    """A running process. ``tail`` holds its last lines of output, for the error that tells why it did not come up."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Log) -> None:
        self.name = name
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.started_at = time.time()
        self._process = process
        self._log = log
        self._output: asyncio.Task[None] | None = None

    @classmethod
    async def spawn(cls, name: str, command: Sequence[str], environment: Mapping[str, str], log: Log) -> "Child":
        """Start it. A command that does not exist shows as exit code 127 with a line that says so."""
        # A pipe of our own: a grandchild that keeps it open must not hide that the process itself ended.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *isolated(_SHIM, str(os.getpid()), *command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                env=environment,
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        child = cls(name, process, log)
        child._output = asyncio.create_task(child._copy_output(reading), name=f"output of {name}")
        return child

    @property
    def pid(self) -> int:
        """Process id, which is the id of its group too."""
        return self._process.pid

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.time() - self.started_at

    async def wait(self) -> int:
        """The exit code, once it ended; negative for a signal."""
        return await self._process.wait()

    async def finish(self) -> None:
        """After its end: kill what is left of its group, and read the last of its output."""
        signal_group(self.pid, signal.SIGKILL)
        if self._output is not None:
            await asyncio.wait([self._output], timeout=1.0)
            self._output.cancel()
            with suppress(asyncio.CancelledError):
                await self._output

    async def stop(self, stop_s: float) -> int:
        """Ask the whole group to end; kill it after ``stop_s`` seconds. Returns the exit code."""
        if self._process.returncode is None:
            signal_group(self.pid, signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), stop_s)
            except TimeoutError:
                self._log(self.name, f"did not stop within {stop_s:g} s: killed")
                signal_group(self.pid, signal.SIGKILL)
        code = await self._process.wait()
        await self.finish()
        return code

    async def _copy_output(self, reading: int) -> None:
        """Hand each line to the log; a line without end is cut at 64 KiB."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
        )
        rest = b""
        try:
            while chunk := await reader.read(_LINE_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._say(line)
                if len(rest) >= _LINE_BYTES:
                    self._say(rest)
                    rest = b""
            if rest:
                self._say(rest)
        finally:
            transport.close()

    def _say(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        self.tail.append(text)
        self._log(self.name, text)
