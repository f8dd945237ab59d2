"""What engines were given last: the ledger's entry that ``rollouts.json`` stands for.

It is a second witness of the ledger's end. A chain cannot prove that nothing was cut off behind it; a ledger that ends
before what was published, or has another entry there, is not the one that decisions were made in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from strangler.errors import LedgerBroken, StoreError
from strangler.state import write_atomically


@dataclass(frozen=True, slots=True)
class Published:
    """The entry that engines follow. ``hash`` is ``None`` in a file that names none."""

    seq: int
    hash: str | None


def read_published(path: Path) -> Published | None:
    """What was published last; ``None`` where nothing was, or the file cannot be understood."""
    try:
        data = orjson.loads(path.read_bytes())
        seq, mark = data["seq"], data.get("hash")
    except (OSError, orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return None
    if not isinstance(seq, int) or isinstance(seq, bool):
        return None
    return Published(seq, mark if isinstance(mark, str) else None)


def write_published(path: Path, published: Published, rollouts: Mapping[str, Any]) -> None:
    """Swap the file that engines watch, whole; a file that says the same is left alone.

    Raises:
        StoreError: it cannot be written. Engines follow what they had.
    """
    document = {"seq": published.seq, "hash": published.hash, "rollouts": rollouts}
    content = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    try:
        if not path.exists() or path.read_bytes() != content:
            write_atomically(path, content)
    except OSError as error:
        reason = f"engines do not follow ledger entry {published.seq} yet: {path.name} cannot be written: {error}"
        raise StoreError(f"{reason}; 'strangler hold' works all the same") from error


def check_published(published: Published | None, hashes: Mapping[int, str], seq: int) -> None:
    """Hold the ledger against what was published from it.

    Args:
        published: read before the ledger was, so that it cannot be ahead of it.
        hashes: the ledger's hashes by seq; the one at what was published is enough.
        seq: the ledger's last seq.

    Raises:
        LedgerBroken: the ledger is shorter than what engines were given, or another one.
    """
    if published is None or published.hash is None:
        return
    if published.seq > seq:
        message = f"engines were given entry {published.seq}, and the ledger ends at {seq}: its end was cut off"
        raise LedgerBroken(seq + 1, message)
    if hashes.get(published.seq) != published.hash:
        raise LedgerBroken(published.seq, "engines were given another entry of this number: the ledger was replaced")
