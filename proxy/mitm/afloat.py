"""What a system was asked and the journal does not have yet, noted where ``kill -9`` cannot reach it.

One memory-mapped file for each engine process, with a slot for each exchange that is under way or waits for the
journal. Stores into a mapping stay in the page cache when the process dies, so the next engine to start finds what the
dead one left, looks up which of it reached the journal after all, and counts the rest as lost: a lost write leaves a
gap. (A power cut is another matter: the journal's own commits are what survives that.) A caller's key is sealed.
"""

import fcntl
import logging
import mmap
import os
import struct
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from strangler.exchange import Reason
from strangler.journal import Loss
from strangler.journal.crypto import Sealer
from strangler.stages import Effect

log = logging.getLogger(__name__)

SLOT_BYTES = 512
_HEAD = struct.Struct("<BBdHHHH")
_USED = 1
_OWNER = "afloat"


@dataclass(frozen=True, slots=True)
class Note:
    """One exchange that a dead engine left afloat."""

    id: str
    operation: str
    effect: Effect
    entry: str
    key: str | None
    at: float


class Afloat:
    """This process's notes. Noting is the event loop's, clearing the writer's; both are safe at once.

    Args:
        path: the file; made whole at once, so a full disk cannot hurt later.
        slots: most exchanges noted at a time; those beyond go unnoted, and are counted in ``unnoted``.
        sealer: seals callers' keys.

    Raises:
        OSError: there is no room for the file.
    """

    def __init__(self, path: Path, slots: int, sealer: Sealer) -> None:
        self.path = path
        self.unnoted = 0
        self._sealer = sealer
        self._file = path.open("w+b")
        try:
            os.posix_fallocate(self._file.fileno(), 0, slots * SLOT_BYTES)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._map = mmap.mmap(self._file.fileno(), slots * SLOT_BYTES)
        except BaseException:
            self._file.close()
            path.unlink(missing_ok=True)  # a half-made file keeps room that others need
            raise
        self._free = deque(range(slots))

    def note(self, exchange_id: str, operation: str, *, effect: Effect, entry: str, key: str | None, at: float) -> int:
        """Note an exchange before its system is asked; the slot, or -1 where there was none left."""
        try:
            slot = self._free.popleft()
        except IndexError:
            self.unnoted += 1
            return -1
        texts = (exchange_id.encode(), operation.encode(), entry.encode())
        sealed = self._sealer.seal(_OWNER, key.encode()) if key is not None and effect is Effect.WRITE else b""
        sizes = [len(text) for text in texts]
        if _HEAD.size + sum(sizes) + len(sealed) > SLOT_BYTES:
            sealed = b""
        head = _HEAD.pack(0, effect is Effect.WRITE, at, *sizes, len(sealed))
        record = b"".join((head, *texts, sealed))[:SLOT_BYTES]
        start = slot * SLOT_BYTES
        self._map[start : start + len(record)] = record
        self._map[start] = _USED  # last, so that a half-written slot is never read
        return slot

    def clear(self, slot: int) -> None:
        """The exchange is in the journal, or counted as lost."""
        if slot >= 0:
            self._map[slot * SLOT_BYTES] = 0
            self._free.append(slot)

    def close(self) -> None:
        """Give the file back; it goes where nothing is afloat."""
        size = len(self._map) // SLOT_BYTES
        is_empty = len(self._free) == size
        self._map.close()
        self._file.close()
        if is_empty:
            self.path.unlink(missing_ok=True)


def read_notes(content: bytes, sealer: Sealer) -> list[Note]:
    """The notes in a file's content."""
    notes: list[Note] = []
    for start in range(0, len(content) - SLOT_BYTES + 1, SLOT_BYTES):
        if content[start] != _USED:
            continue
        slot = content[start : start + SLOT_BYTES]
        _, is_write, at, *sizes, sealed_bytes = _HEAD.unpack_from(slot)
        texts: list[str] = []
        offset = _HEAD.size
        for size in sizes:
            texts.append(slot[offset : offset + size].decode("utf-8", "replace"))
            offset += size
        sealed = slot[offset : offset + sealed_bytes]
        key = sealer.open(_OWNER, sealed).decode() if sealed else None
        notes.append(Note(texts[0], texts[1], Effect.WRITE if is_write else Effect.READ, texts[2], key, at))
    return notes


def salvage(
    folder: Path, sealer: Sealer, is_journaled: Callable[[str], bool], record: Callable[[list[Loss]], None]
) -> int:
    """Count what dead engines left afloat; how many exchanges were lost. Two engines never count the same file.

    Args:
        folder: where the files are.
        sealer: opens the callers' keys.
        is_journaled: whether an exchange of this id is in the journal.
        record: writes losses into the journal; if it raises, the file stays for the next engine.
    """
    lost = 0
    for path in sorted(folder.glob("afloat-*.bin")):
        with path.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # its engine lives
            if not path.exists():
                continue
            notes = [note for note in read_notes(file.read(), sealer) if not is_journaled(note.id)]
            record(list(_losses(notes)))
            lost += len(notes)
            path.unlink(missing_ok=True)
    if lost:
        log.error("an engine died with %d exchanges afloat: counted as not journaled", lost)
    return lost


def _losses(notes: Iterable[Note]) -> Iterable[Loss]:
    for note in notes:
        why = "the engine died before this was journaled"
        yield Loss(note.operation, note.effect, Reason.NOT_JOURNALED, 1, note.at, note.key, note.entry, why)
