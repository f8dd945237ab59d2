"""Merges two ordered streams of rows into the keys that may differ. Pure.

A stream is lists of tuples ``(key..., row text, columns that only Python compares...)``. Where both sides have the same
rows, whole lists are compared at once, which costs next to nothing beside reading them.
"""

from collections.abc import Callable, Iterable, Iterator
from operator import lt
from typing import Any

from parity_checks.rows.findings import Key

Row = tuple[Any, ...]


_BLOCK = 1_024
"""Rows compared at once."""


class Unordered(Exception):
    """A stream is not in the order it was asked for: rows must be sorted on our side."""


def unlike_lines(old: list[str], new: list[str]) -> list[Key]:
    """The keys of lines that are on one side only; a line begins with its key, a whole number, and a comma."""
    if old == new:
        return []
    here, there = [], []
    for start in range(0, max(len(old), len(new)), _BLOCK):
        first, second = old[start : start + _BLOCK], new[start : start + _BLOCK]
        if first != second:
            here += first
            there += second
    return sorted({(int(line[: line.index(",")]),) for line in set(here) ^ set(there)})


class _Stream:
    """One side's rows, some at a time, in order and each key once; further rows of a key make it a candidate."""

    def __init__(self, chunks: Iterable[list[Row]], size: int) -> None:
        self._chunks = iter(chunks)
        self._size = size
        self._last: Key | None = None
        self.rows: list[Row] = []
        self.position = 0
        self.count = 0
        self.twice: list[Key] = []

    @property
    def used(self) -> int:
        """How many rows are behind us."""
        return self.count - (len(self.rows) - self.position)

    def fill(self) -> bool:
        """Whether there is a row at ``position``; the next chunk is taken where this one is used up."""
        while self.position >= len(self.rows):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self.count += len(chunk)
            self.rows, self.position = self._checked(chunk), 0
        return True

    def _checked(self, chunk: list[Row]) -> list[Row]:
        size = self._size
        keys = [row[0] for row in chunk] if size == 1 else [row[:size] for row in chunk]
        if not chunk:
            return chunk
        last, self._last = self._last, chunk[-1][:size]
        is_rising = all(map(lt, keys, keys[1:])) and (last is None or last < chunk[0][:size])
        return chunk if is_rising else self._once_each(chunk, last)

    def _once_each(self, chunk: list[Row], last: Key | None) -> list[Row]:
        kept: list[Row] = []
        for row in chunk:
            key = row[: self._size]
            if last is not None and key < last:
                raise Unordered
            if key == last:
                self.twice.append(key)
            else:
                kept.append(row)
            last = key
        return kept


class Merge:
    """Merges two streams.

    Args:
        size: how many columns the key has.
        are_same: judges the columns that only Python compares, given both rows' values of them.
        may_part: whether it must judge equal values too, because a rule gives each side its own units, codes or zone.

    ``old_rows`` and ``new_rows`` are counts so far; no key up to ``done`` will be a candidate any more.
    """

    def __init__(self, size: int, are_same: Callable[[Row, Row], bool], *, may_part: bool = False) -> None:
        self._size, self._are_same, self._may_part = size, are_same, may_part
        self.old_rows = self.new_rows = 0
        self.done: Key | None = None

    def candidates(self, old: Iterable[list[Row]], new: Iterable[list[Row]]) -> Iterator[list[Key]]:
        """The keys that may differ, some at a time, in no particular order.

        Raises:
            Unordered: a stream is not in order.
        """
        left, right = _Stream(old, self._size), _Stream(new, self._size)
        while True:
            more = left.fill(), right.fill()
            if not all(more):
                break
            found = self._step(left, right) + _twice(left, right)
            self.old_rows, self.new_rows = left.used, right.used
            if found or left.position == len(left.rows):
                yield found
        for rest in (left, right):
            while rest.fill():
                found = [row[: self._size] for row in rest.rows[rest.position :]] + _twice(left, right)
                self.done, rest.position = rest.rows[-1][: self._size], len(rest.rows)
                self.old_rows, self.new_rows = left.used, right.used
                yield found
        yield _twice(left, right)

    def _step(self, left: _Stream, right: _Stream) -> list[Key]:
        """Go on by a block, or to the end of the shorter of two chunks."""
        length = min(len(left.rows) - left.position, len(right.rows) - right.position, _BLOCK)
        first = left.rows[left.position : left.position + length]
        second = right.rows[right.position : right.position + length]
        if first == second and not self._may_part:
            left.position += length
            right.position += length
            self.done = first[-1][: self._size]
            return []
        found = self._walk(left, right)
        used = [stream.rows[stream.position - 1][: self._size] for stream in (left, right) if stream.position]
        self.done = max(used)
        return found

    def _walk(self, left: _Stream, right: _Stream) -> list[Key]:
        found: list[Key] = []
        size, old, new, i, j = self._size, left.rows, right.rows, left.position, right.position
        end_old, end_new = min(len(old), i + _BLOCK), min(len(new), j + _BLOCK)
        while i < end_old and j < end_new:
            a, b = old[i], new[j]
            if a == b and not self._may_part:
                i, j = i + 1, j + 1
                continue
            key, other = a[:size], b[:size]
            if key == other:
                if a[size] != b[size] or not self._are_same(a[size + 1 :], b[size + 1 :]):
                    found.append(key)
                i, j = i + 1, j + 1
            elif key < other:
                found.append(key)
                i += 1
            else:
                found.append(other)
                j += 1
        left.position, right.position = i, j
        return found


def _twice(left: _Stream, right: _Stream) -> list[Key]:
    found = [*left.twice, *right.twice]
    left.twice.clear()
    right.twice.clear()
    return found
