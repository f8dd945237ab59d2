"""How far a reconciliation is, where it stopped, and how fast it may go.

A state file says which keys are done, what was counted, how long the result file was then, and which candidates were
still waiting: whatever ends the process, the next one goes on from there, and a line that was written after the state
was is cut off before its key is compared again.
"""

import fcntl
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from parity_checks.rows.findings import Key, RowFinding, Tally
from strangler.errors import UsageError
from strangler.state import write_atomically


@dataclass(slots=True)
class Position:
    """What is done: ranges below ``next``, streams up to ``after``, or all buckets but ``chosen`` of ``buckets``."""

    next: int | None = None
    after: list[Any] | None = None
    buckets: int = 0
    chosen: list[int] | None = None


@dataclass(slots=True)
class Resumed:
    """What a state file says."""

    position: Position = field(default_factory=Position)
    tally: Tally = field(default_factory=Tally)
    waiting: list[Key] = field(default_factory=list)


class Results:
    """The result file, one finding a line, and the state file beside it; both readable by their owner only.

    Args:
        path: the result file. The state file has ``.state`` after its name.
        subject: what is compared, as a digest: a state of something else is not gone on from.
        resume: whether to go on from the state file, if there is one.

    Raises:
        UsageError: the state file is about something else, or another run is writing these files.
        OSError: the files cannot be written.
    """

    def __init__(self, path: Path, subject: str, *, resume: bool) -> None:
        self.path, self.state_path, self._subject = path, path.with_name(path.name + ".state"), subject
        path.parent.mkdir(parents=True, exist_ok=True)
        state = self._read() if resume else None
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        self._take()
        path.chmod(0o600)
        self.resumed = Resumed()
        if state:
            self._file.truncate(state["bytes"])
            self._file.seek(0, os.SEEK_END)
            self.resumed = Resumed(
                Position(**state["position"]), Tally(**state["tally"]), [tuple(key) for key in state["waiting"]]
            )
        else:
            self._file.truncate(0)
            self.state_path.unlink(missing_ok=True)

    def _take(self) -> None:
        """Keep others out for as long as the file is open: two runs would write over each other's lines."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise UsageError(
                f"another run is writing {self.path}: wait until it ends, or name another file with --results"
            ) from error

    def _read(self) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = orjson.loads(self.state_path.read_bytes())
        except FileNotFoundError:
            return None
        except orjson.JSONDecodeError as error:
            raise UsageError(f"{self.state_path} is no state of a comparison: {error}; remove it") from error
        if state.get("subject") != self._subject:
            raise UsageError(
                f"{self.state_path} is the state of another comparison (other tables, columns or rules); "
                "start anew without --resume, or name another file with --results"
            )
        return state

    def add(self, finding: RowFinding) -> None:
        """Append one finding."""
        self._file.write(orjson.dumps(finding.as_dict(), default=str) + b"\n")

    def save(self, position: Position, tally: Tally, waiting: Sequence[Key]) -> None:
        """Note what is done, durably."""
        self._file.flush()
        os.fsync(self._file.fileno())
        state: Mapping[str, Any] = {
            "subject": self._subject,
            "position": asdict(position),
            "tally": asdict(tally),
            "waiting": list(waiting),
            "bytes": self._file.tell(),
        }
        write_atomically(self.state_path, orjson.dumps(state, default=str), mode=0o600)

    def finished(self) -> None:
        """All is done: nothing to go on from is left."""
        self._file.flush()
        self.state_path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class Pace:
    """Keeps to so many rows a second on each side; no limit where ``rows_per_s`` is ``None``."""

    def __init__(self, rows_per_s: float | None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._rows_per_s, self._sleep = rows_per_s, sleep
        self._free_at = time.monotonic()

    def took(self, rows: int) -> None:
        """So many rows were read: wait until as many may have been."""
        if self._rows_per_s is None:
            return
        self._free_at = max(self._free_at, time.monotonic() - 1.0) + rows / self._rows_per_s
        self._sleep(max(0.0, self._free_at - time.monotonic()))
