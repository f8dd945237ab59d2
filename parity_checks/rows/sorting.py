"""Sorts more rows than fit into memory: by segments in a temporary file, then all segments at once."""

import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, Any

Row = tuple[Any, ...]

SEGMENT = 200_000
"""Rows sorted in memory at once."""
_TAKEN = 5_000
"""Rows read back at once from a segment."""


def ordered(chunks: Iterable[list[Row]], size: int, *, segment: int = SEGMENT) -> Iterator[list[Row]]:
    """The rows of all chunks in the order of their first ``size`` columns.

    Args:
        chunks: rows in any order.
        size: how many columns the key has.
        segment: rows in memory at once; more are kept in a temporary file that nobody else can read.
    """
    rows: list[Row] = []
    with tempfile.TemporaryFile(prefix="strangler-rows-") as file:
        parts: list[tuple[int, int]] = []
        for chunk in chunks:
            rows += chunk
            if len(rows) >= segment:
                parts.append(_written(file, rows, size))
                rows = []
        rows.sort(key=lambda row: row[:size])
        segments = [_read(file, *part) for part in parts]
        merged = heapq.merge(*segments, rows, key=lambda row: row[:size])
        while chunk := list(islice(merged, _TAKEN)):
            yield chunk


def _written(file: IO[bytes], rows: list[Row], size: int) -> tuple[int, int]:
    """Append one sorted segment; where it begins, and how many pieces it has."""
    rows.sort(key=lambda row: row[:size])
    start = file.seek(0, 2)
    pieces = range(0, len(rows), _TAKEN)
    for piece in pieces:
        pickle.dump(rows[piece : piece + _TAKEN], file, protocol=pickle.HIGHEST_PROTOCOL)
    return start, len(pieces)


def _read(file: IO[bytes], start: int, pieces: int) -> Iterator[Row]:
    for _ in range(pieces):
        file.seek(start)
        rows = pickle.load(file)  # noqa: S301  our own, in a file without a name
        start = file.tell()
        yield from rows
