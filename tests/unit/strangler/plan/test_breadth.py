from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.plan import LoadedPlan
from strangler.plan.breadth import check_breadth, covers
from strangler.plan.comparison import Compare
from strangler.plan.rule_paths import parse_path

IGNORE = {"as": "ignore"}
STRUCTURE = {"as": "ignore", "hides": "structure"}
NUMBER = {"as": "number"}


def complaints(*rules: dict[str, Any]) -> list[tuple[str, str, bool]]:
    compare = Compare.model_validate({"rules": [{"why": "because", **rule} for rule in rules]})
    found = check_breadth((), compare)
    return [(one.code, ".".join(map(str, one.path)), one.is_refusal) for one in found]


@pytest.mark.parametrize("path", ["$.citizen.*", "//citizen/*", "//citizen/@*", "$.payments[*]", "$..payments[*]"])
def test_ignoring_whatever_is_there_is_refused(path: str) -> None:
    assert complaints({"path": path, **IGNORE}) == [("ignores-all", "rules.0.path", True)]


@pytest.mark.parametrize("path", ["$.citizen", "$.payments[*].id", "//citizen", "$.*.id", "//*/@id", "headers.date"])
def test_ignoring_one_thing_is_allowed(path: str) -> None:
    assert complaints({"path": path, **IGNORE}) == []


@pytest.mark.parametrize("path", ["headers.date", "query.id", "//citizen/@id"])
def test_structure_where_there_is_none_is_refused(path: str) -> None:
    assert complaints({"path": path, **STRUCTURE}) == [("hides-structure", "rules.0.hides", True)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"as": "opaque", "like": ".*"}, [("no-form", "rules.0.like", True)]),
        ({"as": "opaque", "like": r"[\s\S]*"}, [("no-form", "rules.0.like", True)]),
        ({"as": "opaque", "like": "(?:.|\n){0,}"}, [("no-form", "rules.0.like", True)]),
        ({"as": "opaque"}, []),
        ({"as": "opaque", "like": "("}, []),
        ({"as": "text"}, [("idle-rule", "rules.0", False)]),
        ({"as": "text", "fold": "case"}, []),
        ({"as": "text", "fold": "case", "spaces": "drop", "form": "NFKC"}, [("broad-rule", "rules.0", False)]),
        ({"as": "number", "within": "0.01"}, []),
        ({"as": "number", "within": "1000"}, []),
        ({"as": "number", "within": "1000.5"}, [("wide-tolerance", "rules.0.within", False)]),
        ({"as": "datetime", "within_s": 86_400}, []),
        ({"as": "datetime", "within_s": 86_401}, [("wide-tolerance", "rules.0.within_s", False)]),
        ({"as": "code", "table": {}}, [("empty-table", "rules.0.table", True)]),
        ({"as": "code", "table": {"A": "B"}}, []),
        ({"as": "absence", "equal": ["null", "null"]}, [("idle-rule", "rules.0.equal", True)]),
        ({"as": "absence", "equal": ["null", "empty"]}, []),
    ],
)
def test_rule_that_hides_too_much_or_nothing(rule: dict[str, Any], expected: list[tuple[str, str, bool]]) -> None:
    assert complaints({"path": "$.a", **rule}) == expected


@pytest.mark.parametrize("path", ["$", "$..*", "//*"])
def test_rule_everywhere_is_told(path: str) -> None:
    rule = {"path": path, "as": "text", "fold": "case"}
    assert complaints(rule) == [("broad-rule", "rules.0.path", False)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"path": "$.a", **IGNORE}, {"path": "$.a", **NUMBER}, [("idle-rule", "rules.1", True)]),
        ({"path": "$.a", **NUMBER}, {"path": "$.a", **IGNORE}, [("idle-rule", "rules.0", True)]),
        ({"path": "$..a", **IGNORE}, {"path": "$.b.a", **NUMBER}, [("idle-rule", "rules.1", True)]),
        ({"path": "$.a", **IGNORE}, {"path": "$.a.b", **NUMBER}, []),
        ({"path": "$.a", **STRUCTURE}, {"path": "$.a.b", **NUMBER}, [("idle-rule", "rules.1", True)]),
        ({"path": "$.a", **STRUCTURE}, {"path": "$.a[*].b", **IGNORE}, [("idle-rule", "rules.1", False)]),
        ({"path": "$.a", **IGNORE}, {"path": "$.a", **STRUCTURE}, [("idle-rule", "rules.0", False)]),
        ({"path": "$.a", **IGNORE}, {"path": "$.a", "as": "set"}, []),
        ({"path": "$.a", **STRUCTURE}, {"path": "$.a", "as": "set"}, [("idle-rule", "rules.1", True)]),
        ({"path": "$.a", **NUMBER}, {"path": "$.a", **NUMBER}, [("idle-rule", "rules.1", False)]),
        ({"path": "//a", **NUMBER}, {"path": "/r/a", **NUMBER}, [("idle-rule", "rules.1", False)]),
        ({"path": "/r/a", **NUMBER}, {"path": "//a", **NUMBER}, [("idle-rule", "rules.0", False)]),
        ({"path": "//a", **NUMBER}, {"path": "/r/a", "as": "number", "within": "1"}, []),
        ({"path": "//a", **NUMBER}, {"path": "//b", **NUMBER}, []),
        ({"path": "//a", **NUMBER}, {"path": "$..a", **NUMBER}, []),
        ({"path": "$.a", **NUMBER}, {"path": "$.a", "as": "text", "trim": True}, []),
        ({"path": "headers.Date", **IGNORE}, {"path": "headers.date", **IGNORE}, [("idle-rule", "rules.1", False)]),
        ({"path": "$.a[", **NUMBER}, {"path": "$.a", **NUMBER}, []),
    ],
)
def test_rule_that_another_leaves_nothing_to_do(
    one: dict[str, Any], other: dict[str, Any], expected: list[tuple[str, str, bool]]
) -> None:
    assert complaints(one, other) == expected


@pytest.mark.parametrize(
    ("broad", "narrow", "expected"),
    [
        ("$.a", "$.a", True),
        ("$..a", "$.b[*].a", True),
        ("$..a", "$.b..a", True),
        ("$.b..a", "$..a", False),
        ("$.*", "$.a", True),
        ("$.a", "$.*", False),
        ("$.l[*].a", "$.l[3].a", True),
        ("$.l[3].a", "$.l[*].a", False),
        ("//*", "//@id", False),
        ("//@*", "//x/@id", True),
        ("$..a..b", "$.x.a.y.b", True),
        ("$..a..b", "$.b.a", False),
    ],
)
def test_path_covers_path(broad: str, narrow: str, expected: bool) -> None:
    assert covers(parse_path(broad), parse_path(narrow), below=False) is expected


steps = st.lists(st.sampled_from([".a", ".b", "..a", "..b", ".*", "[*]", "[1]"]), min_size=1, max_size=5)


@given(steps, steps, st.lists(st.sampled_from([".a", ".b", ".c", "[1]", "[2]"]), min_size=1, max_size=6))
def test_path_that_covers_names_every_place_of_the_other(broad: list[str], narrow: list[str], at: list[str]) -> None:
    one, other, place = (parse_path("$" + "".join(steps)) for steps in (broad, narrow, at))
    if covers(one, other, below=False) and covers(other, place, below=False):
        assert covers(one, place, below=False)


def test_lint_tells_of_breadth(load: Callable[..., LoadedPlan], good: str) -> None:
    loaded = load(good.replace("within_s: 5", "within_s: 500000"))
    key = "operations.pensions.get-entitlement.compare.rules[0].within_s"
    assert [(problem.code, problem.key) for problem in loaded.warnings] == [("wide-tolerance", key)]
