import pytest

from strangler.plan.hiding import hidden_matches
from strangler.plan.models import Plan


def _hidden(*matches: dict[str, object]) -> list[tuple[str, str]]:
    """Pairs of the hidden operation and the one that hides it, by position."""
    operations = {
        f"a.m{index}": {"effect": "read", "match": match, "old": "old", "new": "new"}
        for index, match in enumerate(matches)
    }
    system = {"department": "d", "speaks": "http", "url": "http://h"}
    plan = Plan.model_validate(
        {"version": 1, "programme": "p", "systems": {"old": system, "new": system}, "operations": operations}
    )
    return [(str(found.path[1])[3:], found.message.split(": ")[1].split(" ")[0][3:]) for found in hidden_matches(plan)]


def _path(kind: str, value: str, **more: object) -> dict[str, object]:
    return {"path": {"type": kind, "value": value}, **more}


def _header(name: str, value: str, kind: str = "Exact") -> dict[str, str]:
    return {"name": name, "value": value, "type": kind}


EXACT, PREFIX, REGEX = "Exact", "PathPrefix", "RegularExpression"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (_path(EXACT, "/a"), _path(EXACT, "/a"), [("1", "0")]),
        (_path(EXACT, "/a"), _path(EXACT, "/b"), []),
        (_path(EXACT, "/a"), _path(EXACT, "/a", method="GET"), []),
        (_path(EXACT, "/a", soap_action="X"), _path(EXACT, "/a", soap_action='"X"'), [("1", "0")]),
        (_path(EXACT, "/a", soap_action="X"), _path(EXACT, "/a", soap_action="Y"), []),
        (_path(PREFIX, "/a"), _path(PREFIX, "/a/"), [("1", "0")]),
        (_path(PREFIX, "/a"), _path(PREFIX, "/a/b"), []),
        (_path(PREFIX, "/a"), _path(EXACT, "/a"), []),
        (_path(PREFIX, "/a"), _path(REGEX, "/a/[0-9]+"), [("1", "0")]),
        (_path(REGEX, "/a/[0-9]+"), _path(PREFIX, "/a"), [("0", "1")]),
        (_path(PREFIX, "/a", method="GET"), _path(REGEX, "/a/[0-9]+"), []),
        (_path(PREFIX, "/a"), _path(REGEX, "/a[0-9]+"), []),
        (_path(PREFIX, "/a"), _path(REGEX, "/a/x|/b"), []),
        (_path(PREFIX, "/"), _path(REGEX, "/.*x"), [("1", "0")]),
        (_path(EXACT, "/a"), _path(REGEX, "^/a$"), [("1", "0")]),
        (_path(EXACT, "/a"), _path(REGEX, "/a."), []),
        (_path(REGEX, "/.*"), _path(REGEX, "/b[0-9]"), [("1", "0")]),
        (_path(REGEX, "/b[0-9]"), _path(REGEX, "/.*"), []),
        (
            _path(EXACT, "/a", headers=[_header("X-A", "1")]),
            _path(EXACT, "/a", headers=[_header("x-a", "1")]),
            [("1", "0")],
        ),
        (_path(EXACT, "/a", headers=[_header("x-a", "1")]), _path(EXACT, "/a", headers=[_header("x-a", "2")]), []),
        (
            _path(EXACT, "/a", headers=[_header("x-a", ".*", REGEX)]),
            _path(EXACT, "/a", headers=[_header("x-a", "2")]),
            [("1", "0")],
        ),
        (_path(EXACT, "/a", query=[_header("Q", "1")]), _path(EXACT, "/a", query=[_header("q", "1")]), []),
        (
            _path(EXACT, "/a", xpath={"path": "//a", "value": "1"}),
            _path(EXACT, "/a", xpath={"path": "//a", "value": "1"}),
            [("1", "0")],
        ),
        (
            _path(EXACT, "/a", json={"path": "$.a", "value": "1"}),
            _path(EXACT, "/a", json={"path": "$.a", "value": "2"}),
            [],
        ),
    ],
)
def test_hidden_matches_names_the_operation_that_always_comes_first(
    first: dict[str, object], second: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert _hidden(first, second) == expected


def test_hidden_matches_is_quick_with_ten_thousand_operations_on_one_path() -> None:
    assert _hidden(*(_path(EXACT, "/soap", soap_action=f"Do{index}") for index in range(10_000))) == []
