"""More rows than fit into memory come out in order."""

import random

from parity_checks.rows.sorting import ordered


def test_sorting_spills_segments_and_merges_them() -> None:
    keys = list(range(5_000))
    random.Random(3).shuffle(keys)
    rows = [(key % 7, f"k{key}", None, "text") for key in keys]
    chunks = [rows[start : start + 300] for start in range(0, len(rows), 300)]
    found = [row for chunk in ordered(iter(chunks), 2, segment=700) for row in chunk]
    assert found == sorted(rows, key=lambda row: row[:2])


def test_sorting_nothing() -> None:
    assert list(ordered(iter([]), 1)) == []
