"""CSV: one inserted row is one difference, and nothing that was sent is lost on the way."""

from typing import Any

import pytest

from parity_checks.canonical.csv_body import read_csv
from parity_checks.canonical.decoding import MAX_VALUES, Unreadable
from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Observation, Reason
from strangler.plan.comparison import Compare
from strangler.stages import Side


def found(
    old: str, new: str, *rules: dict[str, Any], content_type: str = "text/csv"
) -> list[tuple[str, str, str | None, str | None]]:
    compiled = compile_rules("op", Compare.model_validate({"rules": [{"why": "because", **rule} for rule in rules]}))
    headers = (("content-type", content_type),)
    result = compare(
        Observation(Side.OLD, 200, headers, old.encode()), Observation(Side.NEW, 200, headers, new.encode()), compiled
    )
    assert isinstance(result, Comparison), result
    return [(d.kind.value, d.path, d.old, d.new) for d in result.differences]


def test_csv_rows_are_objects_where_there_is_a_header_row() -> None:
    assert read_csv('nino,amount\r\nAA1,"1,50"\r\n') == {
        "separator": ",",
        "columns": ["nino", "amount"],
        "rows": [{"nino": "AA1", "amount": "1,50"}],
    }


def test_csv_rows_are_lists_where_there_is_none() -> None:
    assert read_csv("1;2\n3;4\n") == {"separator": ";", "rows": [["1", "2"], ["3", "4"]]}
    assert read_csv("a,b\nc,d\n", header="absent") == {"separator": ",", "rows": [["a", "b"], ["c", "d"]]}
    assert read_csv("1,2\n3,4\n", header="present") == {
        "separator": ",",
        "columns": ["1", "2"],
        "rows": [{"1": "3", "2": "4"}],
    }


@pytest.mark.parametrize(
    ("text", "separator"), [("a\tb\n", "\t"), ("a|b\n", "|"), ('x;"a,b,c,d"\n', ";"), ("one\n", ",")]
)
def test_csv_separator_is_told_by_the_first_line_outside_of_quotes(text: str, separator: str) -> None:
    value = read_csv(text)
    assert isinstance(value, dict)
    assert value["separator"] == separator


def test_csv_numbers_stay_text() -> None:
    assert found("id,amount\n007,1.10\n", "id,amount\n7,1.1\n") == [
        ("value", "$.rows[0].id", "007", "7"),
        ("value", "$.rows[0].amount", "1.10", "1.1"),
    ]
    assert found("a\n1.10\n", "a\n1.1\n", {"path": "$.rows[*].a", "as": "number"}) == []


def test_csv_one_inserted_row_is_one_difference() -> None:
    rows = [f"{number},name {number}" for number in range(200)]
    old = "\n".join(["id,name", *rows])
    new = "\r\n".join(["id,name", *rows[:70], "999,x", *rows[70:]])
    assert found(old, new) == [("surplus", "$.rows[70]", None, '{"id":"999","name":"x"}')]


def test_csv_a_lost_header_row_is_no_match_although_no_row_differs() -> None:
    assert found("a,b\n", "a,c\n") == [("value", "$.columns[1]", "b", "c")]
    assert found("name,town\nA,B\n", "A,B\n") != []


def test_csv_another_separator_is_a_difference_of_its_own() -> None:
    assert found("a,b\n1,2\n", "a;b\n1;2\n") == [("value", "$.separator", ",", ";")]


def test_csv_a_row_of_another_length_stays_a_list() -> None:
    assert found("a,b\n1,2\n", "a,b\n1,2,3\n") == [("type", "$.rows[0]", '{"a":"1","b":"2"}', '["1","2","3"]')]


def test_csv_quotes_blank_lines_and_line_ends_make_no_difference() -> None:
    assert found('a,b\n"1",2\n', 'a,b\r\n\r\n1,"2"') == []


def test_csv_tab_separated_values_are_read_by_their_media_type() -> None:
    kind = "text/tab-separated-values"
    assert found("a,x\tb\n1\t2\n", "a,x\tb\n1\t3\n", content_type=kind) == [("value", "$.rows[0].b", "2", "3")]


def test_csv_columns_of_one_name_keep_every_cell() -> None:
    assert found("a,a\n1,2\n", "a,a\n1,3\n") == [("value", "$.rows[1][1]", "2", "3")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('a,"b', Reason.UNPARSABLE),
        ("a," + "b" * 200_000, Reason.UNPARSABLE),
        ("," * (MAX_VALUES + 1), Reason.TOO_LARGE),
        ("a\n" * (MAX_VALUES + 1), Reason.TOO_LARGE),
        ("a\r" * (MAX_VALUES + 1), Reason.TOO_LARGE),
    ],
)
def test_csv_beyond_its_bounds_is_refused(text: str, reason: Reason) -> None:
    with pytest.raises(Unreadable) as caught:
        read_csv(text)
    assert caught.value.reason is reason
