"""The chain itself: how an entry is written down and hashed, and how a chain is verified. Pure but for reading a file.

An entry's hash is SHA-256 over its canonical JSON without the hash: keys sorted, no white space, UTF-8. In a line of an
export the hash stands where sorting puts it. What follows it is ``kind``, ``previous``, ``seq`` and ``who``, and in a
JSON string every quote is escaped: so the last ``,"hash":"`` of a line is the entry's own, whatever the body holds, and
a line is verified as the bytes it is, without being parsed.
"""

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from strangler.errors import LedgerBroken

GENESIS: Final = "0" * 64
"""What the first entry calls its predecessor."""

_HASH: Final = b',"hash":"'
_SPAN: Final = len(_HASH) + 64 + 1
_START: Final = b'{"at":'
_TAIL: Final = re.compile(
    rb',"hash":"(.{64})","kind":"[a-z_]++","previous":"(.{64})","seq":(\d++),"who":"(?:[^"\\]++|\\.)*+"}\n\Z', re.DOTALL
)


def canonical(value: object) -> bytes:
    """The one way to write a JSON value down: sorted keys, no white space, UTF-8.

    Raises:
        ValueError: it is not plain JSON, or holds a NaN or an infinity.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"this cannot be written into the ledger: {error}") from error


def verify_entries(
    entries: Iterable[Mapping[str, Any]], expected_head: str | None = None, *, after: tuple[int, str] = (0, GENESIS)
) -> int:
    """Verify a chain given as mappings, in order; the last entry's seq.

    Args:
        entries: the entries.
        expected_head: an anchor that must be in the chain.
        after: seq and hash of the entry that the first one must follow.

    Raises:
        LedgerBroken: a number out of order, a link or a hash that does not fit, or the anchor is not in the chain.
    """
    seq, previous = after
    is_anchored = expected_head in {None, previous}
    for entry in entries:
        seq += 1
        if entry.get("seq") != seq:
            raise LedgerBroken(seq, f"entry {seq} should be here, and {entry.get('seq')} is")
        if entry.get("previous") != previous:
            raise LedgerBroken(seq, "it does not follow the entry before it")
        bare = {name: value for name, value in entry.items() if name != "hash"}
        if set(bare) != {"seq", "at", "kind", "who", "body", "previous"}:
            raise LedgerBroken(seq, "it has fields that no entry has, or lacks one")
        try:
            content = canonical(bare)
        except ValueError as error:
            raise LedgerBroken(seq, str(error)) from error
        actual = sha256(content).hexdigest()
        if entry.get("hash") != actual:
            raise LedgerBroken(seq, "its content is not what its hash says")
        previous = actual
        is_anchored = is_anchored or actual == expected_head
    if not is_anchored:
        raise LedgerBroken(seq + 1, f"the anchor {str(expected_head)[:12]}… is not in the chain: its end was cut off")
    return seq


def verify_export(path: Path, expected_head: str | None = None, anchors: Mapping[int, str] | None = None) -> int:
    """Verify an export offline; how many entries it has. Arguments and errors are those of ``verify_lines``."""
    with path.open("rb") as file:
        return verify_lines(file, expected_head, anchors)


def verify_lines(
    lines: Iterable[bytes], expected_head: str | None = None, anchors: Mapping[int, str] | None = None
) -> int:
    """Verify a chain given as an export's lines; the last entry's seq.

    Args:
        lines: the lines, each with its line end.
        expected_head: a hash that must be somewhere in the chain.
        anchors: hashes that entries must have, by seq, as checkpoints note them.

    Raises:
        LedgerBroken: a line is no entry, a number or a link does not fit, or an anchor is not in the chain.
    """
    wanted = dict(anchors or {})
    seq, previous = 0, GENESIS.encode()
    head = None if expected_head in {None, GENESIS} else str(expected_head).encode()
    for line in lines:
        seq += 1
        at = line.rfind(_HASH)
        tail = _TAIL.match(line, at) if at > 0 else None
        if tail is None or line[: len(_START)] != _START:
            raise LedgerBroken(seq, _told(seq, line))
        mark, before, number = tail.groups()
        if before != previous or number != b"%d" % seq:
            raise LedgerBroken(seq, _told(seq, line))
        previous = mark
        if sha256(line[:at] + line[at + _SPAN : -1]).hexdigest() != mark.decode("latin-1"):
            raise LedgerBroken(seq, "its content is not what its hash says")
        if wanted and wanted.pop(seq, "") not in {"", previous.decode()}:
            raise LedgerBroken(seq, "another entry of this number was noted elsewhere: the ledger was replaced")
        if previous == head:
            head = None
    if head is not None:
        raise LedgerBroken(seq + 1, f"the anchor {str(expected_head)[:12]}… is not in the chain: its end was cut off")
    if wanted:
        first = min(wanted)
        raise LedgerBroken(seq + 1, f"entry {first} was noted elsewhere, and the chain ends at {seq}: it was cut off")
    return seq


def _told(seq: int, line: bytes) -> str:
    """What is wrong with a line that is not the next entry."""
    try:
        entry = json.loads(line)
    except ValueError as error:
        return f"line {seq} is no JSON: {error}"
    if not isinstance(entry, dict) or canonical(entry) + b"\n" != line:
        return f"line {seq} is not written canonically"
    if entry.get("seq") != seq:
        return f"entry {seq} should be here, and {entry.get('seq')} is"
    return "it does not follow the entry before it"
