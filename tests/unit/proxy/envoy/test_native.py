import re

import pytest

from proxy.decide.table import move_of
from proxy.envoy.native import CLIMBING, head_predicates, key_place, places, share_of_new, speaks_alike
from strangler.plan.models import Key, Match, Operation
from strangler.rollout import rollout_from
from strangler.stages import Effect


@pytest.mark.parametrize("pattern", ["^/items/([^/?]+)", "/v[0-9]+/things", r"/a\.b/\d{2,4}", "/(?:a|b)/.*", "/x?y*z+"])
def test_plain_patterns_are_read_alike(pattern: str) -> None:
    assert speaks_alike(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)b", r"(a)\1", "a++", "a*?", r"\w+", r"\bitem", "(?P<n>a)", "(?i)a", "é", "[[:alpha:]]", "[a&&b]", "("],
)
def test_patterns_that_might_differ_are_not_left_to_envoy(pattern: str) -> None:
    assert not speaks_alike(pattern)


@pytest.mark.parametrize(
    ("shares", "buckets"),
    [
        ({"off": 100}, 0),
        ({"off": 40, "shadow": 60}, 0),
        ({"shadow": 78.0669, "live": 21.9331}, 219_331),
        ({"live": 70, "complete": 30}, 1_000_000),
        ({"off": 50, "complete": 50}, 500_000),
    ],
)
def test_the_share_of_new_counts_every_stage_that_new_answers(shares: dict[str, float], buckets: int) -> None:
    assert share_of_new(move_of(rollout_from(shares, Effect.READ))) == buckets


@pytest.mark.parametrize(
    ("match", "says_all"),
    [
        ({"path": {"value": "/a"}}, True),
        ({"method": "GET", "path": {"type": "PathPrefix", "value": "/"}}, True),
        ({"path": {"value": "/a"}, "soap_action": "GetThing"}, True),
        ({"path": {"value": "/a"}, "headers": [{"name": "X", "value": "y"}]}, True),
        ({"path": {"value": "/a"}, "headers": [{"name": "X", "type": "RegularExpression", "value": "y"}]}, False),
        ({"path": {"value": "/a"}, "headers": [{"name": "X", "value": "é"}]}, False),
        ({"path": {"value": "/a"}, "query": [{"name": "x", "value": "y"}]}, False),
        ({"path": {"value": "/a"}, "xpath": {"path": "//a", "value": "y"}}, False),
        ({"path": {"value": "/a"}, "json": {"path": "$.a", "value": "y"}}, False),
        ({"path": {"type": "RegularExpression", "value": r"/\w+"}}, False),
    ],
)
def test_envoy_decides_only_what_its_predicates_say_in_full(match: dict[str, object], *, says_all: bool) -> None:
    assert head_predicates(Match.model_validate(match))[1] is says_all


@pytest.mark.parametrize(
    ("key", "is_native"),
    [
        ({"header": "X-Citizen"}, True),
        ({"query": "id"}, True),
        ({"query": "a b"}, False),
        ({"path": "^/items/([^/?]+)"}, True),
        ({"path": "^/items/"}, False),
        ({"path": "^/o'neill/([^/]+)"}, False),
        ({"header": "X-Citizen", "case": "upper"}, False),
        ({"header": "X-Citizen", "drop_spaces": True}, False),
        ({"xpath": "//id"}, False),
        ({"json": "$.id"}, False),
        ({"form": "id"}, False),
    ],
)
def test_a_key_is_hashed_by_envoy_only_where_nothing_is_done_to_it(key: dict[str, object], *, is_native: bool) -> None:
    assert (key_place(Key.model_validate(key), 0) is not None) is is_native


def test_operations_with_the_same_place_share_a_header() -> None:
    def operation(key: dict[str, str]) -> Operation:
        match = {"path": {"value": "/a"}}
        return Operation.model_validate({"effect": "read", "match": match, "old": "a", "new": "b", "key": key})

    found = places(
        {"a.b": operation({"query": "id"}), "a.c": operation({"query": "id"}), "a.d": operation({"query": "no"})}
    )
    assert found["a.b"] == found["a.c"]
    assert found["a.b"].header != found["a.d"].header


@pytest.mark.parametrize("path", ["/a/../b", "/..", "/a/.", "/a/%2e%2E/b", "/a%2f..%2Fb", "/a\\b", "/a%5Cb", "/a/./b"])
def test_paths_that_climb_are_seen(path: str) -> None:
    assert re.fullmatch(CLIMBING, path)


@pytest.mark.parametrize("path", ["/a/b", "/a.b/..c", "/a/...", "/a/b.", "/.well-known/x", "/a%2Db"])
def test_paths_that_only_have_dots_are_left_alone(path: str) -> None:
    assert not re.fullmatch(CLIMBING, path)
