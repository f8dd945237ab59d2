from typing import Any

import pytest

from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Observation
from strangler.plan.comparison import Compare
from strangler.stages import Side


def outcome(
    old: str, new: str, *rules: dict[str, Any], content_type: str = "application/json"
) -> tuple[list[str], tuple[int, ...]]:
    compiled = compile_rules("op.x", Compare.model_validate({"rules": [{"why": "because", **rule} for rule in rules]}))
    headers = (("content-type", content_type),)
    result = compare(
        Observation(Side.OLD, 200, headers, old.encode()), Observation(Side.NEW, 200, headers, new.encode()), compiled
    )
    assert isinstance(result, Comparison)
    return [f"{difference.kind} {difference.path}" for difference in result.differences], result.hidden


@pytest.mark.parametrize(
    ("rule", "old", "new", "is_equal"),
    [
        ({"as": "ignore"}, "1", '"x"', True),
        ({"as": "opaque", "like": "[0-9]{3}"}, '"123"', '"456"', True),
        ({"as": "opaque", "like": "[0-9]{3}"}, '"123"', '"45"', False),
        ({"as": "opaque"}, '"123"', "null", False),
        ({"as": "datetime"}, '"2026-05-01T12:00:00+01:00"', '"2026-05-01T11:00:00Z"', True),
        ({"as": "datetime", "within_s": 5}, '"2026-05-01T12:00:00Z"', '"2026-05-01T12:00:05Z"', True),
        ({"as": "datetime", "within_s": 5}, '"2026-05-01T12:00:00Z"', '"2026-05-01T12:00:06Z"', False),
        ({"as": "datetime", "zone": "Europe/London"}, '"2026-07-01T12:00:00"', '"2026-07-01T11:00:00Z"', True),
        ({"as": "datetime", "formats": ["%d/%m/%Y"]}, '"01/02/2026"', '"2026-02-01"', True),
        ({"as": "datetime", "formats": ["%d/%m/%Y"]}, '"01/02/2026"', '"2026-01-02"', False),
        ({"as": "datetime"}, '"nonsense"', '"2026-01-02"', False),
        ({"as": "number"}, '"1.10"', "1.1", True),
        ({"as": "number"}, '"1.10"', "1.11", False),
        ({"as": "number", "within": "0.01"}, "1.10", "1.11", True),
        ({"as": "number", "within": "0.01"}, "1.10", "1.1100000001", False),
        ({"as": "money", "old": "pounds", "new": "pence"}, '"£1,234.50"', "123450", True),
        ({"as": "money", "old": "pounds", "new": "pence"}, "0.29", "29", True),
        ({"as": "money", "old": "pounds", "new": "pence"}, "0.295", "29", False),
        ({"as": "money", "old": "pounds", "new": "pence"}, "-5.00", "-500", True),
        ({"as": "money", "old": "pounds", "new": "pence"}, "9007199254740993.01", "900719925474099301", True),
        ({"as": "money", "old": "pounds", "new": "pence"}, "9007199254740993.01", "900719925474099302", False),
        ({"as": "money"}, '"12.00-"', '"-12.00"', True),
        ({"as": "money"}, '"-12.00-"', '"12.00"', False),
        ({"as": "money"}, '"£-1,234.5"', '"-£1234.50"', True),
        ({"as": "money"}, '"1,23.50"', '"123.50"', False),
        ({"as": "number"}, '"1e3"', "1000.0", True),
        ({"as": "number", "within": "0.1"}, '"NaN"', '"NaN "', False),
        ({"as": "number", "within": "1"}, "1e99999", "1e99998", False),
        ({"as": "number", "within": "1"}, "1e-99999", "1", True),
        ({"as": "number", "within": "0.005"}, "9007199254740993.005", "9007199254740993.01", True),
        ({"as": "number", "within": "0.005"}, "9007199254740993.004", "9007199254740993.01", False),
        ({"as": "text", "fold": "case"}, '"STRASSE"', '"stra\u00dfe"', True),
        ({"as": "text", "fold": "case", "form": "NFC"}, '"\u1fb4"', '"\u1fbc\u0301"', True),
        ({"as": "text", "form": "NFC"}, '"\ufb01x"', '"fix"', False),
        ({"as": "text", "form": "NFKC"}, '"\ufb01x"', '"fix"', True),
        ({"as": "text", "trim": True}, '"AB\u00a0"', '"AB"', True),
        ({"as": "text", "trim": True}, '"A B"', '"AB"', False),
        ({"as": "text", "fold": "case"}, '"O\'NEILL"', '"O\'Neill"', True),
        ({"as": "text", "trim": True}, '"AB   "', '"AB"', True),
        ({"as": "text", "trim": True}, '"AB   "', '"Ab"', False),
        ({"as": "text", "spaces": "drop"}, '"QQ 12 34 56 A"', '"QQ123456A"', True),
        ({"as": "text", "spaces": "collapse"}, '"a  b"', '"a b"', True),
        ({"as": "text", "form": "NFC"}, '"e\\u0301"', '"\\u00e9"', True),
        ({"as": "code", "table": {"A": "active"}}, '"A"', '"active"', True),
        ({"as": "code", "table": {"A": "active"}}, '"A"', '"dead"', False),
        ({"as": "code", "table": {"A": "active"}}, '"Z"', '"Z2"', False),
        ({"as": "absence", "equal": ["null", "empty"]}, "null", '""', True),
        ({"as": "absence", "equal": ["null", "absent"]}, "null", '""', False),
        ({"as": "absence", "equal": ["absent", "empty"]}, "[]", "null", False),
    ],
)
def test_rule_decides_equality(rule: dict[str, Any], old: str, new: str, is_equal: bool) -> None:
    expected = ([], (1,)) if is_equal else (1, (0,))
    differences, hidden = outcome(f'{{"v":{old},"w":1}}', f'{{"v":{new},"w":1}}', {"path": "$.v", **rule})
    assert ((differences, hidden) if is_equal else (len(differences), hidden)) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [("1.10", "1.1"), ("1.0", "1"), ("1e2", "100"), ("1.0e1", "10"), ("-0", "0"), ("1E2", "1e+2"), ("0.10e1", "1.0")],
)
@pytest.mark.parametrize(
    ("form", "path"), [("{%s}", "$.v"), ('{"w":[{%s},1.50,2]}', "$.w[0].v"), ("[[],{%s}]", "$[1].v")]
)
def test_text_rule_compares_numbers_as_they_are_written(old: str, new: str, form: str, path: str) -> None:
    text = {"path": "$..v", "as": "text"}
    before, after = (form % f'"v":{number}' for number in (old, new))
    assert outcome(before, after) == ([], ())
    assert outcome(before, after, text) == ([f"value {path}"], (0,))
    assert outcome(after, before, text) == ([f"value {path}"], (0,))
    assert outcome(before, before + " ", text) == ([], (0,))
    assert outcome(before, after, {"path": "$.other", "as": "text"}) == ([], (0,))


def test_text_rule_folds_how_numbers_are_written() -> None:
    rule = {"path": "$.v", "as": "text", "fold": "case"}
    assert outcome('{"v":1E2}', '{"v":1e2}', rule) == ([], (1,))


def test_ignore_hides_only_its_subtree_and_counts() -> None:
    old, new = '{"a":{"b":1,"c":[1,2]},"d":1}', '{"a":{"b":2,"c":[1,3]},"d":2}'
    rule = {"path": "$.a", "as": "ignore"}
    assert outcome(old, new, {**rule, "hides": "structure"}) == (["value $.d"], (2,))
    assert outcome(old, new, rule) == (["value $.a.b", "value $.a.c[1]", "value $.d"], (0,))


def test_ignore_hides_missing_and_surplus() -> None:
    assert outcome(
        '{"a":1}',
        '{"b":{"c":1}}',
        {"path": "$.a", "as": "ignore"},
        {"path": "$.b", "as": "ignore", "hides": "structure"},
    ) == (
        [],
        (1, 1),
    )


def test_idle_rule_has_hidden_nothing() -> None:
    assert outcome('{"a":1}', '{"a":2}', {"path": "$.zzz", "as": "ignore"}) == (["value $.a"], (0,))


def test_absence_of_a_whole_list() -> None:
    rule = {"path": "$.l", "as": "absence", "equal": ["absent", "empty", "null"]}
    assert outcome('{"l":[]}', "{}", rule) == ([], (1,))
    assert outcome('{"l":[1]}', "{}", rule) == (["missing $.l"], (0,))


def test_rule_by_descendant_and_by_every_element() -> None:
    old, new = '{"l":[{"x":1},{"x":2}]}', '{"l":[{"x":3},{"x":4}]}'
    assert outcome(old, new, {"path": "$..x", "as": "ignore"}) == ([], (2,))
    assert outcome(old, new, {"path": "$.l[*].x", "as": "ignore"}) == ([], (2,))
    assert outcome(old, new, {"path": "$.l[0].x", "as": "ignore"}) == (["value $.l[1].x"], (1,))
    assert outcome(old, new, {"path": "$.l.x", "as": "ignore"})[1] == (0,)


def test_xml_rules_match_by_local_name_and_attribute() -> None:
    old = '<p:r xmlns:p="urn:x"><p:name id="1">SMITH</p:name></p:r>'
    new = '<r xmlns="urn:x"><name id="2">Smith</name></r>'
    rules = ({"path": "//name", "as": "text", "fold": "case"}, {"path": "/r/name/@id", "as": "opaque"})
    assert outcome(old, new, *rules, content_type="text/xml") == ([], (1, 1))


def test_rule_on_a_header_can_ignore_it() -> None:
    assert outcome("{}", "{}", {"path": "headers.content-type", "as": "ignore"}) == ([], (0,))


def test_unknown_zone_and_bad_expression_are_refused() -> None:
    with pytest.raises(ValueError, match="Europe/London"):
        outcome("1", "1", {"path": "$.a", "as": "datetime", "zone": "Mars/Base"})
    with pytest.raises(ValueError, match="no regular expression"):
        outcome("1", "1", {"path": "$.a", "as": "opaque", "like": "("})


def test_ignored_members_do_not_keep_list_elements_apart() -> None:
    old = '{"l":[{"x":1,"t":"a"},{"x":2,"t":"b"},{"x":3,"t":"c"}]}'
    new = '{"l":[{"x":1,"t":"d"},{"x":9,"t":"e"},{"x":2,"t":"f"},{"x":3,"t":"g"}]}'
    assert outcome(old, new, {"path": "$.l[*].t", "as": "ignore"}) == (["surplus $.l[1]"], (3,))


def test_absent_members_do_not_keep_set_elements_apart() -> None:
    old, new = '{"l":[{"x":1,"t":null},{"x":2}]}', '{"l":[{"x":2,"t":""},{"x":1}]}'
    rules = ({"path": "$.l", "as": "set"}, {"path": "$.l[*].t", "as": "absence", "equal": ["null", "absent", "empty"]})
    assert outcome(old, new, *rules) == ([], (0, 2))


def test_list_elements_equal_within_a_tolerance_align() -> None:
    old = '{"l":[{"x":1,"at":"2026-01-01T00:00:00Z"},{"x":2,"at":"2026-01-02T00:00:00Z"}]}'
    new = '{"l":[{"x":2,"at":"2026-01-02T00:00:03Z"}]}'
    rule = {"path": "$.l[*].at", "as": "datetime", "within_s": 5}
    assert outcome(old, new, rule) == (["missing $.l[0]"], (1,))
