"""The kill switch: one small file that every engine watches. It needs neither the journal nor the ledger."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from strangler.errors import StoreError
from strangler.state import StateFolder, write_atomically

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Hold:
    """Which operations are answered by old whatever their rollout; ``("*",)`` is all of them."""

    operations: tuple[str, ...]
    who: str
    why: str
    at: float

    def covers(self, operation: str) -> bool:
        """Whether this operation is held."""
        return EVERYTHING in self.operations or operation in self.operations


def set_hold(state: StateFolder, operations: Sequence[str] | None, who: str, why: str, now: float) -> Hold:
    """Send these operations (``None``: all) to old at once, beside those that are held already.

    Where there is no room for the file, everything is held instead: that takes an empty file and no more.

    Returns:
        The hold that is in force.

    Raises:
        StoreError: not even that can be done. Nothing new is held; the message says what still stops everything.
    """
    there = read_hold(state.hold_file)
    wanted = set(operations or (EVERYTHING,)) | set(there.operations if there else ())
    held = Hold((EVERYTHING,) if EVERYTHING in wanted else tuple(sorted(wanted)), who, why, now)
    try:
        write_atomically(state.hold_file, orjson.dumps(held))
    except OSError as error:
        return _hold_everything(state, error)
    return held


def reserve_hold(state: StateFolder) -> None:
    """Keep an empty file at hand for a disk on which not even that can be made any more. Where it cannot, nothing."""
    with suppress(OSError):
        state.hold_reserve.touch(0o600)


def _hold_everything(state: StateFolder, because: OSError) -> Hold:
    """Empty the hold's file: one that says nothing holds everything, and takes no room."""
    path = state.hold_file
    try:
        if state.hold_reserve.exists():
            state.hold_reserve.replace(path)
        else:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        reason = f"nothing was held: {path} cannot be written: {error}"
        raise StoreError(f"{reason}. Make an empty file of this name, or send callers to the old systems") from because
    held = read_hold(path)
    if held is None:
        raise StoreError(f"nothing was held: {path} was taken away at once; say it again") from because
    return replace(held, why=f"{path.name} could not be written: {because.strerror}")


def read_hold(path: Path) -> Hold | None:
    """The hold that is in force; ``None`` for none. A file that cannot be understood holds everything."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        data = orjson.loads(content)
        return Hold(tuple(map(str, data["operations"])), str(data["who"]), str(data["why"]), float(data["at"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        return Hold((EVERYTHING,), "unknown", f"{path.name} cannot be read: {error}", 0.0)
