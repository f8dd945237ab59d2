"""The kill switch: one small file that every engine watches. It needs neither the journal nor the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

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
    """Send these operations (``None``: all) to old at once, beside those that are held already."""
    there = read_hold(state.hold_file)
    wanted = set(operations or (EVERYTHING,)) | set(there.operations if there else ())
    held = Hold((EVERYTHING,) if EVERYTHING in wanted else tuple(sorted(wanted)), who, why, now)
    write_atomically(state.hold_file, orjson.dumps(held))
    return held


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
