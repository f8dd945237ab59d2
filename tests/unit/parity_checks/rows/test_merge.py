"""Two ordered streams, however they are cut into chunks, give exactly the keys that may differ."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_checks.rows.merge import Merge, Unordered, unlike_lines

Row = tuple[Any, ...]

tables = st.dictionaries(st.tuples(st.integers(0, 30), st.sampled_from("aAé😀")), st.integers(0, 3), max_size=30)
sizes = st.integers(1, 7)


def rows_of(table: dict[tuple[Any, ...], int]) -> list[Row]:
    return [(*key, f"text {value}", value) for key, value in sorted(table.items())]


def cut(rows: list[Row], size: int) -> Iterator[list[Row]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


@given(old=tables, new=tables, first=sizes, second=sizes)
def test_merge_finds_what_differs(
    old: dict[tuple[Any, ...], int], new: dict[tuple[Any, ...], int], first: int, second: int
) -> None:
    merge = Merge(2, lambda a, b: a == b)
    found = [key for keys in merge.candidates(cut(rows_of(old), first), cut(rows_of(new), second)) for key in keys]
    assert sorted(found) == sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    assert (merge.old_rows, merge.new_rows) == (len(old), len(new))


@given(table=tables, first=sizes, second=sizes)
def test_merge_has_done_no_key_too_much_when_it_stops(
    table: dict[tuple[Any, ...], int], first: int, second: int
) -> None:
    old, new = rows_of(table), rows_of(table)[1::2]
    merge = Merge(2, lambda a, b: a == b)
    before: list[Any] = []
    for keys in merge.candidates(cut(old, first), cut(new, second)):
        before += keys
        rest = Merge(2, lambda a, b: a == b)
        left = [[row for row in rows if merge.done is None or row[:2] > merge.done] for rows in (old, new)]
        after = [key for found in rest.candidates([left[0]], [left[1]]) for key in found]
        assert sorted(before + after) == sorted(row[:2] for row in old[::2])


def test_merge_names_keys_that_are_there_twice() -> None:
    rows = [(1, "a"), (2, "b"), (2, "b"), (3, "c")]
    for size in (1, 2, 3, 4):
        merge = Merge(1, lambda a, b: a == b)
        found = {key for keys in merge.candidates(cut(rows, size), cut(rows, 4)) for key in keys}
        assert found == {(2,)}


def test_merge_refuses_a_stream_out_of_order() -> None:
    merge = Merge(1, lambda a, b: a == b)
    with pytest.raises(Unordered):
        list(merge.candidates([[("a", "")], [("B", "")]], [[("a", "")]]))


def test_merge_asks_about_columns_that_only_python_compares() -> None:
    merge = Merge(1, lambda old, new: old[0].lower() == new[0].lower())
    old, new = [(1, "t", "ANN"), (2, "t", "BOB")], [(1, "t", "Ann"), (2, "t", "Rob")]
    assert list(merge.candidates([old], [new])) == [[(2,)], []]


@given(
    old=st.dictionaries(st.integers(-9, 3_000), st.sampled_from(["", "x", "x,y"]), max_size=50), drop=st.integers(0, 9)
)
def test_lines_on_one_side_only_tell_their_keys(old: dict[int, str], drop: int) -> None:
    new = {key: text for index, (key, text) in enumerate(old.items()) if index != drop}
    lines = [[f"{key},{text}" for key, text in table.items()] for table in (old, new)]
    assert unlike_lines(*lines) == [(key,) for key in sorted(old.keys() - new.keys())]
