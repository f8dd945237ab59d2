from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Difference, Observation
from strangler.plan.comparison import Compare
from strangler.stages import Side

MONEY = {"as": "money", "old": "pounds", "new": "pence"}
CODE = {"as": "code", "table": {"1": "2", "2": "1", "A": "active"}}
ZONE = {"as": "datetime", "old_zone": "Europe/London"}


def differences(
    old: str, new: str, *rules: dict[str, Any], content_type: str = "application/json"
) -> tuple[Difference, ...]:
    compiled = compile_rules("op.x", Compare.model_validate({"rules": [{"why": "because", **rule} for rule in rules]}))
    headers = (("content-type", content_type),)
    sides = zip(Side, (old, new), strict=True)
    result = compare(*(Observation(side, 200, headers, body.encode()) for side, body in sides), compiled)
    assert isinstance(result, Comparison)
    return result.differences


def told(*arguments: Any, **more: Any) -> list[tuple[str, str, str | None, str | None]]:
    return [(one.kind.value, one.path, one.old, one.new) for one in differences(*arguments, **more)]


@pytest.mark.parametrize(
    ("rule", "value", "is_told"),
    [
        (MONEY, "5", True),
        (MONEY, '"5.00"', True),
        (MONEY, "0", False),
        (MONEY, '"unknown"', False),
        ({"as": "money"}, "5", False),
        (CODE, '"1"', True),
        (CODE, '"A"', True),
        (CODE, '"active"', True),
        (CODE, '"B"', False),
        (CODE, "1", True),
        (ZONE, '"2026-07-01T12:00:00"', True),
        (ZONE, '"2026-01-01T12:00:00"', False),
        (ZONE, '"2026-07-01T12:00:00Z"', False),
        (ZONE, '"2026-07-01"', False),
        (ZONE, '"soon"', False),
        ({"as": "datetime", "zone": "Europe/London"}, '"2026-07-01T12:00:00"', False),
        ({"as": "number"}, "5", False),
    ],
)
def test_same_text_that_means_two_things_is_told(rule: dict[str, Any], value: str, is_told: bool) -> None:
    body = f'{{"v":{value},"w":"1"}}'
    said = value.strip('"')
    expected = [("value", "$.v", said, said)] if is_told else []
    assert told(body, body, {"path": "$.v", **rule}) == expected
    assert told(body, body.replace('"w":"1"', '"w":"2"'), {"path": "$.v", **rule}) == [
        *expected,
        ("value", "$.w", "1", "2"),
    ]


def test_rule_goes_on_making_different_texts_equal() -> None:
    assert told('{"v":5}', '{"v":500}', {"path": "$.v", **MONEY}) == []
    assert told('{"v":"1"}', '{"v":"2"}', {"path": "$.v", **CODE}) == []
    assert told('{"v":"1"}', '{"v":"3"}', {"path": "$.v", **CODE}) == [("value", "$.v", "1", "3")]


def test_same_text_in_lists_is_told_element_by_element() -> None:
    old = '{"l":[{"id":1,"p":1.5},{"id":2,"p":2},{"id":3,"p":0}]}'
    new = '{"l":[{"id":1,"p":150},{"id":2,"p":2},{"id":3,"p":0}]}'
    rule = {"path": "$.l[*].p", **MONEY}
    assert told(old, new, rule) == [("value", "$.l[1].p", "2", "2")]
    moved = '{"l":[{"id":3,"p":0},{"id":2,"p":200},{"id":1,"p":150}]}'
    assert told(old, moved, rule, {"path": "$.l", "as": "set"}) == []
    assert told('["1","1","2"]', '["2","2","1"]', {"path": "$[*]", **CODE}) == []


def test_same_text_in_xml_is_told() -> None:
    old = '<r><p unit="1">5.00</p><p unit="9">0</p></r>'
    rules = ({"path": "//p", **MONEY}, {"path": "//p/@unit", **CODE})
    assert told(old, old, *rules, content_type="text/xml") == [
        ("value", "/r/p[1]/@unit", "1", "1"),
        ("value", "/r/p[1]", "5.00", "5.00"),
    ]
    right = old.replace("5.00", "500").replace('unit="1"', 'unit="2"')
    assert told(old, right, *rules, content_type="text/xml") == []


def test_what_only_new_has_is_shown_as_it_was_said() -> None:
    assert told('{"l":[]}', '{"l":[{"v":5}]}', {"path": "$..v", **MONEY}) == [("surplus", "$.l[0]", None, '{"v":5}')]
    rule = {"path": "//v", **MONEY}
    assert told("<r/>", "<r><l><v>5</v></l></r>", rule, content_type="text/xml")[0][3] == "<l><v>5</v></l>"


def test_same_text_under_another_name_is_told() -> None:
    rules = ({"path": "$.v", **MONEY}, {"path": "$.v", "as": "rename", "to": "amount"})
    assert [one[0] for one in told('{"v":5}', '{"amount":5}', *rules)] == ["value"]
    assert told('{"v":5}', '{"amount":500}', *rules) == []


def test_identical_bodies_are_looked_into_and_unreadable_ones_stay_so() -> None:
    compiled = compile_rules("op.x", Compare.model_validate({"rules": [{"why": "because", "path": "$.v", **MONEY}]}))
    headers = (("content-type", "application/json"),)
    result = compare(Observation(Side.OLD, 200, headers, b"{"), Observation(Side.NEW, 200, headers, b"{"), compiled)
    assert not isinstance(result, Comparison)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5).map(str), st.sampled_from(["1", "2", "A", "b"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(json_values)
def test_body_put_into_the_other_sides_codes_is_equal(value: Any) -> None:
    import orjson

    table = {"1": "2", "2": "1", "A": "active"}

    def coded(one: Any) -> Any:
        if isinstance(one, dict):
            return {name: coded(member) for name, member in one.items()}
        if isinstance(one, list):
            return [coded(member) for member in one]
        return table.get(one, one) if isinstance(one, str) else one

    body = orjson.dumps({"v": value}).decode()
    rules = ({"path": "$..*", "as": "code", "table": table},)
    assert told(body, orjson.dumps({"v": coded(value)}).decode(), *rules) == []


class _Crossed:
    """5 is the new side's 6, and 6 its 5, as where two creates arrived in another order."""

    def new_of(self, name: str, old: str) -> str | None:
        return {"5": "6", "6": "5"}.get(old)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ('{"a":{"id":6},"b":{"id":"5"}}', []),
        ('{"a":{"id":5},"b":{"id":"6"}}', [("$.a.id", "5", "5 (is 6)"), ("$.b.id", "6", "6 (is 5)")]),
        ('{"a":{"id":6},"b":{"id":"6"}}', [("$.b.id", "6", "6 (is 5)")]),
    ],
)
def test_ids_of_old_in_new_are_told_although_new_has_them_too(new: str, expected: list[tuple[str, str, str]]) -> None:
    rule = {"path": "$..id", "as": "id", "of": "thing", "why": "each side makes its own"}
    compiled = compile_rules("op.x", Compare.model_validate({"rules": [rule]})).knowing(_Crossed())
    old = Observation(Side.OLD, 200, (("content-type", "application/json"),), b'{"a":{"id":5},"b":{"id":"6"}}')
    result = compare(old, Observation(Side.NEW, 200, old.headers, new.encode()), compiled)
    assert isinstance(result, Comparison)
    assert [(one.path, one.old, one.new) for one in result.differences] == expected
    assert {one.kind.value for one in result.differences} <= {"identity"}
