"""The quick look into two JSON values that are nearly the same: it tells all, or nothing."""

import copy
from typing import Any

import orjson
import pytest

from parity_checks.canonical.json_body import is_written_so
from parity_checks.compare.leafwise import leaves_of, made_equal
from parity_checks.rules.compiled import CompiledRules, compile_rules
from strangler.plan.comparison import Compare
from strangler.plan.rule_paths import Language

NO_RULES = compile_rules("a.read", Compare())


def look(old: Any, new: Any, rules: CompiledRules = NO_RULES) -> list[tuple[Any, Any]] | None:
    """What was found, once it is proved that there is nothing else; ``None`` where the careful walk must look."""
    text, other = orjson.dumps(old), copy.deepcopy(new)
    leaves = leaves_of(old, other, rules.start(Language.JSON), rules)
    if leaves is None:
        return None
    made_equal(leaves)
    return [(one, two) for _, one, two in leaves.found] if is_written_so(other, old, text) else None


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"a": 1, "b": [1, {"c": "x"}]}, {"a": 2, "b": [1, {"c": "y"}]}, [(1, 2), ("x", "y")]),
        ({"a": 1, "b": 2}, {"b": 3, "a": 1}, [(2, 3)]),
        ({"a": {"b": 1}}, {"a": [1]}, [({"b": 1}, [1])]),
        ([1, 2, 3], [1, 9, 3], [(2, 9)]),
        ({"a": None}, {"a": ""}, [(None, "")]),
    ],
)
def test_leaves_are_where_two_values_differ(old: Any, new: Any, found: list[tuple[Any, Any]]) -> None:
    assert look(old, new) == found


def test_elements_that_only_one_side_has_are_told_once_each() -> None:
    old, new = [{"n": n} for n in range(9)], [{"n": n} for n in range(9)]
    new[4:4] = [{"n": 77}, {"n": 78}]
    assert [two for _, two in look(old, new) or []] == [{"n": 77}, {"n": 78}]
    assert [one for one, _ in look(new, old) or []] == [{"n": 77}, {"n": 78}]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": True, "b": 1}, {"a": 1, "b": 2}),  # Python says that True is 1
        ({"a": True, "b": 1, "c": 5}, {"a": 1, "b": True, "c": 6}),  # and this would even out
        ({"a": [0, 7]}, {"a": [False, 8]}),
        ([1, 2, 3, 4], [1, 3, 2, 4]),  # moved, or changed
        ([1, 2, 3, 4], [1, 8, 9, 4]),  # side by side: which is which
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 1, "b": 1}),
        ([], [1]),
        ({"a": list(range(60))}, {"a": list(range(30))}),
        (1, 2),
    ],
)
def test_nothing_is_told_where_something_must_be_weighed(old: Any, new: Any) -> None:
    assert look(old, new) is None


def test_nothing_is_told_where_a_rule_has_a_say() -> None:
    rule = {"path": "$.a.b", "as": "number", "within": "1", "why": "rounding"}
    rules = compile_rules("a.read", Compare.model_validate({"rules": [rule]}))
    assert look({"a": {"b": 1, "c": 2}}, {"a": {"b": 2, "c": 2}}, rules) is None
    assert look({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, rules) == [(2, 3)]
