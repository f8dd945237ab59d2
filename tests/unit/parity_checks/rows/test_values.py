"""Whether two values are the same: by type, then by rule."""

from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from parity_checks.rows.columns import Column, Form, Kind, form_of
from parity_checks.rows.values import are_equal, are_same, canonical_text, text_of
from parity_checks.rules.known import NOTHING_KNOWN
from strangler.plan.rows import ColumnRule

RULES = TypeAdapter(ColumnRule)


def same(form: Form, old: str | None, new: str | None, *rules: dict[str, object]) -> bool:
    made = [RULES.validate_python({"column": "c", "why": "for a test", **rule}) for rule in rules]
    return are_same(form, made, old, new, NOTHING_KNOWN)


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (Kind.NUMBER, "1.10", "1.1"),
        (Kind.NUMBER, "1e3", "1000"),
        (Kind.INTEGER, "7", "7.0"),
        (Kind.FLOAT, "1e+16", "10000000000000000"),
        (Kind.BOOLEAN, "true", "1"),
        (Kind.CHAR, "AB   ", "AB"),
        (Kind.UUID, "0F8FAD5B-D9CB-469F-A165-70867728950E", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        (Kind.MOMENT, "2024-01-05T10:00:00", "2024-01-05 10:00:00.000"),
        (Kind.MOMENT, "2024-01-05", "2024-01-05 00:00:00"),
        (Kind.AWARE, "2024-01-05 10:00:00+00:00", "2024-01-05 10:00:00"),
        (Kind.JSON, '{"a":1.10,"b":[]}', '{ "b": [], "a": 1.1 }'),
    ],
)
def test_values_equal_by_type(kind: Kind, old: str, new: str) -> None:
    assert are_equal(Form(kind), old, new)


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (Kind.NUMBER, "1.10", "1.11"),
        (Kind.NUMBER, "12345678901234567.89", "12345678901234568"),
        (Kind.FLOAT, "0.30000000000000004", "0.3"),
        (Kind.TEXT, "AB ", "AB"),
        (Kind.TEXT, "é", "e\u0301"),
        (Kind.TEXT, "O'Neill", "O\u2019Neill"),
        (Kind.CHAR, " AB", "AB"),
        (Kind.BOOLEAN, "2", "true"),
        (Kind.MOMENT, "2024-01-05 10:00:00.000001", "2024-01-05 10:00:00"),
        (Kind.TEXT, "", None),
        (Kind.NUMBER, "0", None),
        (Kind.DATE, "0000-00-00", None),
    ],
)
def test_values_not_equal_by_type(kind: Kind, old: str | None, new: str | None) -> None:
    assert not are_equal(Form(kind), old, new)
    assert not are_equal(Form(kind), new, old)


def test_values_are_cut_to_the_digits_that_both_can_hold() -> None:
    assert are_equal(Form(Kind.MOMENT, 0), "2024-01-05 10:00:00.999999", "2024-01-05 10:00:00")
    assert not are_equal(Form(Kind.MOMENT, 3), "2024-01-05 10:00:00.999", "2024-01-05 10:00:00")


@pytest.mark.parametrize(
    ("kind", "old", "new", "rule"),
    [
        (Kind.DATE, "0000-00-00", None, {"as": "absence", "equal": ["null", "empty"]}),
        (Kind.TEXT, "", None, {"as": "absence", "equal": ["null", "empty"]}),
        (Kind.TEXT, "Y", "true", {"as": "code", "table": {"Y": "true", "N": "false"}}),
        (Kind.TEXT, "O'NEILL", "O'Neill", {"as": "text", "fold": "case"}),
        (Kind.TEXT, "e\u0301", "é", {"as": "text", "form": "NFC"}),
        (Kind.FLOAT, "0.30000000000000004", "0.3", {"as": "number", "within": "0.001"}),
        (Kind.NUMBER, "12.50", "1250", {"as": "money", "old": "pounds", "new": "pence"}),
        (Kind.AWARE, "2024-07-05 11:00:00", "2024-07-05 10:00:00+00:00", {"as": "datetime", "zone": "Europe/London"}),
        (Kind.TEXT, "05/01/2024", "2024-01-05", {"as": "datetime", "formats": ["%d/%m/%Y"]}),
    ],
)
def test_values_same_only_by_rule(kind: Kind, old: str, new: str | None, rule: dict[str, object]) -> None:
    assert not same(Form(kind), old, new)
    assert same(Form(kind), old, new, rule)


def test_rule_keeps_equal_values_apart_where_they_mean_two_things() -> None:
    assert not same(Form(Kind.NUMBER), "5", "5.00", {"as": "money", "old": "pounds", "new": "pence"})
    assert not same(Form(Kind.TEXT), "1", "1", {"as": "code", "table": {"1": "2", "2": "1"}})
    assert same(Form(Kind.TEXT), "3", "3", {"as": "code", "table": {"1": "2", "2": "1"}})
    assert same(Form(Kind.NUMBER), "0", "0", {"as": "money", "old": "pounds", "new": "pence"})


@pytest.mark.parametrize(
    ("kind", "old", "new", "rule"),
    [
        (Kind.NUMBER, "5", "5", {"as": "money", "old": "pounds", "new": "pence"}),
        (Kind.NUMBER, "5.00", "5", {"as": "money", "old": "pounds", "new": "pence"}),
        (Kind.TEXT, "1", "1", {"as": "code", "table": {"1": "2", "2": "1"}}),
        (
            Kind.MOMENT,
            "2024-07-05 11:00:00",
            "2024-07-05 11:00:00",
            {"as": "datetime", "old_zone": "Europe/London", "new_zone": "UTC"},
        ),
    ],
)
def test_same_value_is_a_difference_where_a_rule_says_that_it_means_two_things(
    kind: Kind, old: str, new: str, rule: dict[str, object]
) -> None:
    assert same(Form(kind), old, new)
    assert not same(Form(kind), old, new, rule)


def test_rule_says_nothing_of_values_it_is_not_about() -> None:
    absence = {"as": "absence", "equal": ["null", "empty"]}
    assert not same(Form(Kind.TEXT), "x", None, absence)
    assert not same(Form(Kind.TEXT), "Y", "false", {"as": "code", "table": {"Y": "true", "N": "false"}})


@pytest.mark.parametrize(
    ("old", "new", "form"),
    [
        (Column("c", Kind.INTEGER), Column("c", Kind.INTEGER), Form(Kind.INTEGER)),
        (Column("c", Kind.NUMBER, 2), Column("c", Kind.NUMBER, 2), Form(Kind.NUMBER, 2)),
        (Column("c", Kind.NUMBER, 2), Column("c", Kind.NUMBER, 4), Form(Kind.NUMBER)),
        (Column("c", Kind.CHAR), Column("c", Kind.TEXT), Form(Kind.CHAR)),
        (Column("c", Kind.MOMENT, 0), Column("c", Kind.MOMENT, 6), Form(Kind.MOMENT, 0)),
        (Column("c", Kind.DATE), Column("c", Kind.MOMENT, 3), Form(Kind.MOMENT, 3)),
        (Column("c", Kind.DATE), Column("c", Kind.DATE), Form(Kind.DATE)),
        (Column("c", Kind.AWARE, 6), Column("c", Kind.MOMENT, 6), Form(Kind.AWARE, 6)),
        (Column("c", Kind.BOOLEAN), Column("c", Kind.INTEGER), Form(Kind.BOOLEAN)),
        (Column("c", Kind.UNKNOWN), Column("c", Kind.NUMBER, 2), Form(Kind.NUMBER)),
        (Column("c", Kind.TEXT), Column("c", Kind.INTEGER), Form(Kind.TEXT)),
        (Column("c", Kind.FLOAT), Column("c", Kind.NUMBER, 2), Form(Kind.FLOAT)),
    ],
)
def test_form_of_two_columns(old: Column, new: Column, form: Form) -> None:
    assert form_of(old, new) == form


def test_canonical_text_is_what_sql_writes() -> None:
    assert canonical_text(Form(Kind.NUMBER), Decimal("100.50")) == "100.5"
    assert canonical_text(Form(Kind.NUMBER), 1e15) == "1000000000000000"
    assert canonical_text(Form(Kind.MOMENT), "2024-01-05T10:00:00.120") == "2024-01-05 10:00:00.12"
    assert canonical_text(Form(Kind.CHAR), "AB  ") == "AB"
    assert canonical_text(Form(Kind.TEXT), None) is None
    assert text_of(b"\x00\xff") == "00ff"
