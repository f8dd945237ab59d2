import pytest

from parity_checks.rows.merge import Merge, Row


@pytest.mark.parametrize(("may_part", "expected"), [(False, []), (True, [("2",)])])
def test_merge_asks_about_equal_rows_only_where_a_rule_may_part_them(may_part: bool, expected: list[object]) -> None:
    rows: list[list[Row]] = [[("1", "x", "0"), ("2", "x", "5"), ("3", "x", "0")]]
    merge = Merge(1, lambda old, new: old == new == ("0",), may_part=may_part)
    assert [key for found in merge.candidates(iter(rows), iter(rows)) for key in found] == expected
