from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_checks.causes import Cause, likely_cause
from parity_checks.causes.cause import holds_for, read_back
from strangler.exchange import DifferenceKind
from strangler.plan.comparison import Compare

Samples = list[tuple[str | None, str | None]]


def cause(samples: Samples, kind: str = "value", path: str = "$.a", **more: Any) -> Cause | None:
    return likely_cause(DifferenceKind(kind), path, samples, **more)


def told(samples: Samples, kind: str = "value", **more: Any) -> tuple[str, dict[str, Any] | None]:
    found = cause(samples, kind, **more)
    assert found is not None
    rule = dict(found.rule) if found.rule is not None else None
    if rule is not None:
        assert (rule.pop("path"), rule.pop("why")) == ("$.a", "")
    return found.words, rule


TEXT, NUMBER, TIME = {"as": "text"}, {"as": "number"}, {"as": "datetime"}
LONDON = "Europe/London"


@pytest.mark.parametrize(
    ("samples", "words", "rule"),
    [
        # Case, white space, Unicode form
        ([("SMITH", "Smith"), ("O'NEILL", "O'Neill")], "case of letters", {**TEXT, "fold": "case"}),
        ([("AB   ", "AB"), ("ABCDE ", "ABCDE")], "around the text", {**TEXT, "trim": True}),
        ([("AB  ", "AB"), ("ABC ", "ABC")], "the old side fills up to 4 characters", {**TEXT, "trim": True}),
        ([("a  b", "a b")], "between words", {**TEXT, "spaces": "collapse"}),
        ([("QQ 12 34 56 A", "QQ123456A")], "within the text", {**TEXT, "spaces": "drop"}),
        ([("e\u0301", "\u00e9")], "Unicode form of the same", {**TEXT, "form": "NFC"}),
        ([("A\u2460", "A1")], "compatibility", {**TEXT, "form": "NFKC"}),
        ([("SMITH   ", "Smith")], "white space around the text and the case", {**TEXT, "fold": "case", "trim": True}),
        # Numbers
        ([("1.10", "1.1"), ("2.00", "2")], "written differently", NUMBER),
        (
            [("12.345", "12.35"), ("7.1", "7.10")],
            "the new side rounds half up to 2 places",
            {**NUMBER, "within": "0.005"},
        ),
        (
            [("12.345", "12.34"), ("12.355", "12.36")],
            "the new side rounds half to even to 2 places",
            {**NUMBER, "within": "0.005"},
        ),
        ([("12.344", "12.34"), ("1.236", "1.24")], "the new side rounds to 2 places", {**NUMBER, "within": "0.005"}),
        ([("12.35", "12.349")], "the old side rounds to 2 places", {**NUMBER, "within": "0.005"}),
        ([("12.349", "12.34"), ("5.999", "5.99")], "cuts numbers off, unrounded, to 2", {**NUMBER, "within": "0.01"}),
        ([("12.5", "12"), ("13.5", "14")], "rounds half to even to whole numbers", {**NUMBER, "within": "0.5"}),
        (
            [("0.13", "0.12"), ("2.35", "2.34"), ("9.07", "9.06")],
            "the old side rounds half up and the new one half to even, to 2 places",
            {**NUMBER, "within": "0.01"},
        ),
        ([("0.13", "0.12"), ("2.34", "2.35")], "round in different ways", {**NUMBER, "within": "0.01"}),
        ([("12.50", "1250"), ("0", "0.0")], "pence for pounds", {"as": "money", "old": "pounds", "new": "pence"}),
        ([("1250", "12.5"), ("199", "1.99")], "pounds for pence", {"as": "money", "old": "pence", "new": "pounds"}),
        ([("£1,234.50", "1234.5")], "same amounts of money", {"as": "money", "old": "pounds", "new": "pounds"}),
        ([("£1,234.50", "123450")], "old side writes pounds", {"as": "money", "old": "pounds", "new": "pence"}),
        ([("12", "12000"), ("3", "3000")], "larger by a factor of 1000", None),
        ([("00123", "123"), ("07", "7")], "the new side has lost leading zeros", None),
        ([("123", "00123")], "the old side has lost leading zeros", None),
        ([("12.5", "-12.5"), ("-3", "3")], "the sign is turned round", None),
        # Dates and times
        (
            [("14/03/1931", "1931-03-14"), ("01/02/2026", "2026-02-01")],
            "the old side writes dd/mm/yyyy, the new one ISO 8601",
            {**TIME, "formats": ["%d/%m/%Y"]},
        ),
        ([("2026-05-01T13:00:00+01:00", "2026-05-01T12:00:00Z")], "same points in time", TIME),
        (
            [("2026-07-01T12:00:00", "2026-07-01T11:00:00Z"), ("2026-01-01T12:00:00", "2026-01-01T12:00:00Z")],
            f"the old side's times name no zone and are local ({LONDON})",
            {**TIME, "zone": LONDON},
        ),
        ([("2026-07-01T12:00:00Z", "2026-07-01T12:00:00")], "the new side's times name no zone and are UTC", TIME),
        (
            [("2026-07-01T12:00:00", "2026-07-01T11:00:00")],
            "the old side's times are local (Europe/London), the new one's UTC: an hour apart in summer time",
            {**TIME, "old_zone": LONDON},
        ),
        (
            [("01/07/2026 11:00", "01/07/2026 12:00")],
            "the new side's times are local",
            {**TIME, "formats": ["%d/%m/%Y %H:%M"], "new_zone": LONDON},
        ),
        ([("2026-07-01T12:00:00Z", "2026-07-01T13:00:00Z")], "an hour later on the new side, in summer time", None),
        (
            [("2026-07-01T12:00:00Z", "2026-07-01T13:00:00Z"), ("2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z")],
            "1 hour later on the new side: perhaps another time zone",
            None,
        ),
        ([("2026-07-01T12:00:00Z", "2026-07-01T06:30:00Z")], "5.5 hours earlier", None),
        ([("2026-07-01", "2026-06-30"), ("2026-01-01", "2025-12-31")], "a day earlier on the new side", None),
        ([("01/07/2026", "2026-07-02")], "a day later on the new side", None),
        (
            [("2026-07-01T12:00:00.123456Z", "2026-07-01T12:00:00.123Z")],
            "the new side keeps 3 digits of a second only",
            {**TIME, "within_s": 0.001},
        ),
        (
            [("2026-07-01T12:00:00.900Z", "2026-07-01T12:00:00Z")],
            "the new side keeps whole seconds only",
            {**TIME, "within_s": 1.0},
        ),
        (
            [("2026-07-01T12:00:00Z", "2026-07-01T12:00:02Z"), ("2026-07-01T12:00:00Z", "2026-07-01T12:00:01Z")],
            "no more than seconds apart",
            {**TIME, "within_s": 2.0},
        ),
        ([("2026-02-01", "2026-01-02"), ("2026-05-03", "2026-03-05")], "day and month are swapped", None),
        ([("14/03/31", "1931-03-14"), ("01/02/29", "1929-02-01")], "a century apart", None),
        ([("2026-07-01T12:30:00Z", "2026-07-01")], "the new side has lost the time of day", None),
        # Charsets and cut ends
        ([("Siân", "SiÃ¢n"), ("Zoë", "ZoÃ«")], "the new side reads UTF-8 as cp1252", None),
        ([("O’Neill", "Oâ€™Neill")], "the new side reads UTF-8 as cp1252", None),
        ([("SiÃ¢n", "Siân")], "the old side reads UTF-8 as cp1252", None),
        ([("Siân", "SiÃƒÂ¢n")], "twice over", None),
        ([("Siân", "Si?n"), ("Zoë", "Zo\ufffd")], "has lost characters outside of its charset", None),
        ([("Siân", "Si??n")], "has lost characters outside of its charset", None),
        ([("Siân", "Sian"), ("Zoë", "Zoe")], "the new side has lost accents", None),
        ([("A & B", "A &amp; B")], "escapes markup once more", None),
        ([("Llanfairpwllgwyngyll", "Llanfairpw"), ("Aberystwyth Road", "Aberystwyt")], "texts off at 10", None),
        ([("Long Street 5", "Long Str"), ("High Street 12", "High Str"), ("Old Mill X", "Old Mill")], "at 8", None),
        ([("Long Stree", "Long Street 5")], "the old side cuts texts off at 10", None),
        # Order and codes
        ([("Smith, John", "John Smith"), ("DOE, Jane Ann", "Jane Ann Doe")], "surname first", None),
        (
            [("A", "active"), ("C", "closed"), ("A", "active"), ("C", "closed"), ("A", "active")],
            "other codes: A is active, C is closed",
            {"as": "code", "table": {"A": "active", "C": "closed"}},
        ),
        (
            [("Y", "true"), ("N", "false")],
            "N is false, Y is true",
            {"as": "code", "table": {"Y": "true", "N": "false"}},
        ),
        ([("1", "true")], "truth is spelled differently", {"as": "code", "table": {"1": "true"}}),
        (
            [("0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7")],
            "an id or token of its own",
            {"as": "opaque", "like": "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"},
        ),
        (
            [("1a2b3c4d5e6f7a8b", "9a8b7c6d5e4f3a2b")],
            "an id or token of its own",
            {"as": "opaque", "like": "[0-9a-fA-F]{16}"},
        ),
    ],
)
def test_cause_of_values(samples: Samples, words: str, rule: dict[str, Any] | None) -> None:
    found = told(samples)
    assert words in found[0]
    assert found[1] == rule


@pytest.mark.parametrize(
    "samples",
    [
        [("SMITH", "Smyth")],
        [("AB ", "AC")],
        [("12.345", "12.36")],
        [("12.34", "12.37")],
        [("12.50", "1251")],
        [("1250", "12.51")],
        [("0", "5")],
        [("2026-07-01", "2026-06-28"), ("2026-01-01", "2026-01-02")],
        [("2026-07-01T12:00:00Z", "2026-07-01T12:07:00Z")],
        [("2026-07-01T12:00:00", "2026-07-01T03:17:00")],
        [("Siân", "Sion")],
        [("Siân", "Si?on")],
        [("What?", "Why?")],
        [("Long Street", "Long Road")],
        [("ab", "a")],
        [("John Smith", "John Smythe")],
        [("A", "active"), ("C", "closed"), ("A", "closed"), ("C", "closed"), ("A", "active")],
        [("A", "active"), ("C", "closed"), ("A", "active"), ("C", "closed")],
        [("A", "x"), ("B", "y"), ("C", "z"), ("D", "w"), ("E", "v")],
        [("A", "x"), ("A", "x"), ("A", "x"), ("A", "x"), ("A", "x")],
        [("Y", "true"), ("N", "true")],
        [("Y", "true"), ("1", "true")],
        [("Y", "maybe")],
        [("0f8fad5b-d9cb-469f-a165-70867728950e", "deadbeef01")],
        [("x" * 50 + "…", "x" * 20)],
        [("", "x")],
        [("\ud800", "é")],
    ],
)
def test_near_miss_is_no_cause(samples: Samples) -> None:
    assert cause(samples) is None


def test_cause_of_most_samples_says_of_how_many_and_offers_no_rule() -> None:
    samples: Samples = [("SMITH", "Smith"), ("DOE", "Doe"), ("ROE", "Roe"), ("LEE", "Jones")]
    assert cause(samples) == Cause("in 3 of 4 samples: only the case of letters differs")
    assert cause([*samples, ("A", "B")]) is None
    assert cause(samples[1:]) is None


@pytest.mark.parametrize(
    ("kind", "samples", "words", "rule"),
    [
        ("missing", [("null", None)], "null is absent", {"as": "absence", "equal": ["absent", "null"]}),
        ("surplus", [(None, "")], "absent is empty", {"as": "absence", "equal": ["absent", "empty"]}),
        ("type", [("null", '""')], "null is empty", {"as": "absence", "equal": ["empty", "null"]}),
        ("type", [("nil", "<name/>")], "null is empty", {"as": "absence", "equal": ["empty", "null"]}),
        (
            "missing",
            [("[]", None), ("null", None)],
            "empty is absent, null is absent",
            {"as": "absence", "equal": ["absent", "empty", "null"]},
        ),
        ("type", [('"12"', "12"), ('"1.50"', "1.5")], "the old side writes numbers as texts", {"as": "number"}),
        ("type", [("12", '"12"')], "the new side writes numbers as texts", {"as": "number"}),
        (
            "type",
            [('"true"', "true")],
            "truth values as texts",
            {"as": "code", "table": {"true": "true", "false": "false"}},
        ),
        ("type", [('["x"]', '"x"')], "the old side has a list of one", None),
    ],
)
def test_cause_of_presence_and_type(kind: str, samples: Samples, words: str, rule: dict[str, Any] | None) -> None:
    found = told(samples, kind)
    assert words in found[0]
    assert found[1] == rule


@pytest.mark.parametrize(
    ("kind", "samples"),
    [
        ("missing", [("12", None)]),
        ("missing", [("null", None), ("x", None)]),
        ("type", [('"12"', "13")]),
        ("type", [('"x"', "12")]),
        ("type", [('"x"', "null")]),
        ("status", [("200", "404")]),
        ("value", []),
    ],
)
def test_presence_and_type_that_tell_nothing(kind: str, samples: Samples) -> None:
    assert cause(samples, kind) is None


@pytest.mark.parametrize(
    ("kind", "paths", "words"),
    [
        ("missing", ["$.l[10]", "$.l[11]", "$.l[12]"], "the new side's lists end after 10 elements"),
        ("missing", ["/r/x[11]", "/r/x[12]"], "the new side's lists end after 10 elements"),
        ("surplus", ["$.l[10]", "$.l[11]"], "the old side's lists end after 10 elements"),
        ("missing", ["$.l[4]", "$.l[4]"], "lack one element, number 5: perhaps their last"),
        ("missing", ["$.l[0]", "$.l[0]"], "lack their first element"),
        ("missing", ["$.l[3]", "$.l[9]"], None),
        ("missing", ["$.l[3]"], None),
        ("missing", ["$.l[3].x", "$.l[4].x"], None),
    ],
)
def test_cause_of_list_ends(kind: str, paths: list[str], words: str | None) -> None:
    samples: Samples = [("{}", None)] if kind == "missing" else [(None, "{}")]
    found = cause([(old and '{"a":1}', new and '{"a":1}') for old, new in samples], kind, paths=paths)
    assert (found is None) if words is None else (found is not None and words in found.words and found.rule is None)


def test_cause_of_order_is_a_set() -> None:
    assert told([], "order") == ("the same elements, in another order", {"as": "set"})


def test_code_that_the_table_lacks_is_told() -> None:
    rules = Compare.model_validate(
        {"rules": [{"path": "$..a", "as": "code", "table": {"A": "active"}, "why": "codes of the pensions department"}]}
    ).rules
    words, rule = told([("Z", "dead"), ("Z", "dead")], rules=rules)
    assert words == "the code table of $..a has no entry for Z"
    assert rule == {"as": "code", "table": {"A": "active", "Z": "dead"}}
    assert told([("Z", "dead"), ("Z", "gone")], rules=rules)[1] is None
    assert told([("Z", "dead"), ("A", "gone")], rules=rules)[1] is None
    assert cause([("A", "gone")], rules=rules) is None


def test_same_text_that_a_rule_parts_is_told() -> None:
    assert told([("5", "5"), ("1.50", "1.50")])[0].startswith("the same text on both sides")
    assert cause([("5", "5"), ("1", "7")]) is None


@pytest.mark.parametrize("path", ["effects.record $.a", "status"])
def test_rule_is_not_offered_where_none_can_stand(path: str) -> None:
    found = cause([("SMITH", "Smith")], path=path)
    assert found is not None
    assert found.rule is None


def test_header_has_causes_too() -> None:
    found = cause([("EN", "en")], "header", path="headers.content-language")
    assert found is not None
    assert found.rule == {"path": "headers.content-language", "as": "text", "fold": "case", "why": ""}


texts = st.one_of(
    st.text(max_size=20),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.datetimes().map(str),
    st.sampled_from(["null", "", "[]", "{}", '"x"', "<a>b</a>", "true", "Y", "29/02/2024", "1e999999", "…"]),
)


@given(
    st.sampled_from(list(DifferenceKind)),
    st.lists(st.tuples(st.one_of(st.none(), texts), st.one_of(st.none(), texts)), max_size=8),
)
def test_offered_rule_always_makes_all_samples_equal(kind: DifferenceKind, samples: Samples) -> None:
    found = likely_cause(kind, "$.a", samples)
    if found is not None and found.rule is not None and kind is not DifferenceKind.ORDER:
        quoted = kind is DifferenceKind.TYPE
        values = [(read_back(old, is_quoted=quoted), read_back(new, is_quoted=quoted)) for old, new in samples]
        assert holds_for(found.rule, values)
        Compare.model_validate({"rules": [{**found.rule, "why": "filled in"}]})
