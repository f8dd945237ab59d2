"""Where losses are noted while the journal cannot be written: a file whose room was taken in advance.

Slots have a fixed size and are overwritten in place, so a full disk does not matter. The layout is a header slot, then
``slots`` slots: ``length (2 bytes, big-endian; 0: free) | JSON``. Drained into the journal once that works again; a
crash in between notes a loss twice rather than never.
"""

import fcntl
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import orjson

from strangler.errors import StoreError
from strangler.exchange import Reason
from strangler.journal.crypto import Sealer
from strangler.journal.records import Loss
from strangler.stages import Effect

SLOT_BYTES = 512
_LENGTH = 2
_OWNER = "reserve"


class Recorder(Protocol):
    """Whoever takes the losses in the end: the journal."""

    def record_losses(self, losses: list[Loss]) -> None:
        """Count them; each lost write makes a gap."""


class GapReserve:
    """The reserve. Safe for several threads and processes.

    Args:
        path: the file; made with all its room when it is not there.
        sealer: seals callers' keys; without one the keys are left out.
        slots: most entries; further ones of an operation are counted together.

    Raises:
        StoreError: the room cannot be taken.
    """

    def __init__(self, path: Path, sealer: Sealer | None = None, slots: int = 2048) -> None:
        self._path = path
        self._sealer = sealer
        self._slots = slots
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, SLOT_BYTES * (slots + 1))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreError(f"the reserve {path} cannot take its room: {error}") from error

    def add(self, operation: str, key: str | None, at: float, why: str) -> bool:
        """Note one lost write; whether it has an entry of its own (else it is counted with others)."""
        return self.add_loss(Loss(operation, Effect.WRITE, Reason.NOT_JOURNALED, 1, at, key, "", why))

    def add_loss(self, loss: Loss) -> bool:
        """Note a loss. Lost reads of one operation are counted together, and what comes when every slot is taken.

        Raises:
            StoreError: the file cannot be written, or every slot is taken by other operations.
        """
        with self._locked() as descriptor:
            taken = list(self._taken(descriptor))
            if loss.effect is Effect.WRITE and len(taken) < self._slots:
                self._write(descriptor, len(taken), self._record(loss))
                return True
            for index, record in enumerate(taken):
                if (record["operation"], record["effect"], record["reason"]) == (
                    loss.operation,
                    loss.effect,
                    loss.reason,
                ):
                    self._write(descriptor, index, {**record, "count": record["count"] + loss.count})
                    return False
            if len(taken) >= self._slots:
                raise StoreError(f"the reserve {self._path} is full")
            self._write(descriptor, len(taken), self._record(loss))
        return False

    def losses(self) -> list[Loss]:
        """What is noted."""
        with self._locked() as descriptor:
            return [self._loss(record) for record in self._taken(descriptor)]

    def drain(self, journal: Recorder) -> int:
        """Hand everything over to the journal, then free the slots; how many entries there were.

        Raises:
            StoreError: the journal still cannot be written; the reserve keeps everything.
        """
        with self._locked() as descriptor:
            records = list(self._taken(descriptor))
            if not records:
                return 0
            journal.record_losses([self._loss(record) for record in records])
            for index in reversed(range(len(records))):
                os.pwrite(descriptor, bytes(_LENGTH), self._offset(index))
            os.fsync(descriptor)
        return len(records)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            descriptor = os.open(self._path, os.O_RDWR)
        except OSError as error:
            raise StoreError(f"the reserve {self._path} cannot be opened: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _taken(self, descriptor: int) -> Iterator[dict[str, Any]]:
        """The slots in use: they are filled from the first on."""
        content = os.pread(descriptor, SLOT_BYTES * self._slots, SLOT_BYTES)
        for start in range(0, len(content), SLOT_BYTES):
            length = int.from_bytes(content[start : start + _LENGTH], "big")
            if not 0 < length <= SLOT_BYTES - _LENGTH:
                return
            yield orjson.loads(content[start + _LENGTH : start + _LENGTH + length])

    def _write(self, descriptor: int, index: int, record: dict[str, Any]) -> None:
        """Content first, its length after it: a slot that was half written is a free one."""
        content = orjson.dumps(record)
        if len(content) > SLOT_BYTES - _LENGTH:
            content = orjson.dumps({**record, "why": record["why"][:32], "key": None})
        try:
            os.pwrite(descriptor, content, self._offset(index) + _LENGTH)
            os.pwrite(descriptor, len(content).to_bytes(_LENGTH, "big"), self._offset(index))
            os.fdatasync(descriptor)
        except OSError as error:
            raise StoreError(f"the reserve {self._path} cannot be written: {error}") from error

    def _offset(self, index: int) -> int:
        return SLOT_BYTES * (index + 1)

    def _record(self, loss: Loss) -> dict[str, Any]:
        sealed = (
            self._sealer.seal(_OWNER, loss.key.encode("utf-8", "surrogatepass"))
            if self._sealer and loss.key is not None
            else None
        )
        return {
            "operation": loss.operation,
            "effect": loss.effect,
            "reason": loss.reason,
            "count": loss.count,
            "at": loss.at,
            "key": None if sealed is None else b64encode(sealed).decode(),
            "entry": loss.entry,
            "why": loss.why[:120],
        }

    def _loss(self, record: dict[str, Any]) -> Loss:
        key = record["key"]
        clear = (
            self._sealer.open(_OWNER, b64decode(key)).decode("utf-8", "surrogatepass")
            if self._sealer and key is not None
            else None
        )
        return Loss(
            operation=record["operation"],
            effect=Effect(record["effect"]),
            reason=Reason(record["reason"]),
            count=record["count"],
            at=record["at"],
            key=clear,
            entry=record["entry"],
            why=record["why"],
        )
