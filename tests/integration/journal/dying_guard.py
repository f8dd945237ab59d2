"""Guards killed at their n-th write, for every n: ``python -m tests.integration.journal.dying_guard FOLDER NOW``.

``FOLDER/base`` is a programme whose next step is due. Each guard gets a copy, ``FOLDER/1``, ``FOLDER/2`` and so on,
until one gets through. A write is a statement that changes a store, before and after it; a commit; a file opened for
writing; a file put in another's place, before it happens.
"""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from strangler.guard import Guard
from tests.unit.strangler.room import PLAN, Room


class Countdown:
    """Ends the process, as a power cut would, at the n-th write."""

    def __init__(self, n: int) -> None:
        self.left = n

    def tick(self) -> None:
        """One write."""
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """From now on count this process's writes."""

        def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
                self.tick()

        def audited(name: str, arguments: tuple[Any, ...]) -> None:
            is_written = name == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if is_written or name in {"os.rename", "os.remove", "os.link"}:
                self.tick()

        event.listen(Engine, "before_cursor_execute", executed)
        event.listen(Engine, "after_cursor_execute", executed)
        event.listen(Engine, "commit", lambda _: self.tick())
        sys.addaudithook(audited)


def guard_once(folder: Path, now: float, n: int) -> None:
    """Look once, and die at the n-th write."""
    room = Room(folder)
    room.now = now
    room.cutover.rollouts()
    Countdown(n).watch()
    Guard(PLAN, room.journal, room.cutover, lambda: now).check()
    os._exit(0)


def main(folder: Path, now: float) -> None:
    """Kill guards until one gets through; prints how many were killed, and how the last one ended."""
    n = 0
    while True:
        n += 1
        shutil.copytree(folder / "base", folder / str(n))
        child = os.fork()
        if child == 0:
            guard_once(folder / str(n), now, n)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.stdout.write(f"{n - 1} {os.waitstatus_to_exitcode(status)}\n")
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
