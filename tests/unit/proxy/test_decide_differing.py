"""Two tables held against each other: what both decide alike is no news, and nothing else is left out."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.decide import Table, compile_table, decide
from proxy.decide.differing import elsewhere
from strangler.exchange import Request
from strangler.plan.models import Plan
from strangler.rollout import rollout_from
from strangler.stages import Effect, Side, Stage


def operation(path: str = "/a", **changes: Any) -> dict[str, Any]:
    made = {"effect": "read", "match": {"path": {"value": path}}, "old": "old", "new": "new", "key": {"query": "id"}}
    return {**made, **changes}


def table(operations: dict[str, Any], shares: dict[str, int] | None = None, **systems: Any) -> Table:
    sides = {
        name: {"department": "d", "speaks": "http", "url": f"http://127.0.0.1:{port}", "build_header": "b"}
        for name, port in (("old", 1), ("new", 2), ("other", 3))
    }
    data = {"version": 1, "programme": "p", "systems": {**sides, **systems}, "operations": operations}
    rollout = rollout_from(shares or {"shadow": 100}, Effect.READ)
    return compile_table(Plan.model_validate(data), dict.fromkeys(operations, rollout))


def test_elsewhere_is_silent_where_nothing_changed() -> None:
    same = {"d.one": operation(), "d.two": operation("/b")}
    assert elsewhere(table(same), table(same), Request("GET", "/a?id=1")) is None


def test_elsewhere_names_both_routes() -> None:
    before = table({"d.one": operation()})
    after = table({"d.two": operation(new="other")}, {"live": 100})
    routes = elsewhere(before, after, Request("GET", "/a?id=1"))
    assert routes is not None
    assert [(route.operation, route.stage, route.side, route.system) for route in routes] == [
        ("d.one", Stage.SHADOW, Side.OLD, "old"),
        ("d.two", Stage.LIVE, Side.NEW, "other"),
    ]
    assert str(routes[0]) == "d.one in shadow, old answers, the other side is asked"


def test_elsewhere_sees_another_address_of_the_same_system() -> None:
    moved = {"department": "d", "speaks": "http", "url": "http://127.0.0.1:9", "build_header": "b"}
    routes = elsewhere(
        table({"d.one": operation()}), table({"d.one": operation()}, old=moved), Request("GET", "/a?id=1")
    )
    assert routes is not None
    assert [route.upstream for route in routes] == ["http://127.0.0.1:1", "http://127.0.0.1:9"]


def test_elsewhere_sees_requests_that_lose_their_operation() -> None:
    routes = elsewhere(table({"d.one": operation()}), table({"d.one": operation("/b")}), Request("GET", "/a?id=1"))
    assert routes is not None
    assert (routes[1].operation, routes[1].upstream, str(routes[1])) == (None, None, "no operation, nobody answers")


def test_elsewhere_does_not_mind_another_rule() -> None:
    rule = {"path": "$.at", "as": "ignore", "why": "a clock"}
    ruled = operation(compare={"rules": [rule]})
    assert elsewhere(table({"d.one": operation()}), table({"d.one": ruled}), Request("GET", "/a?id=1")) is None


PATHS = st.sampled_from(["/a", "/b", "/a/c", "/", "//a", "/%61", ""])
OPERATIONS = st.dictionaries(
    st.sampled_from(["d.one", "d.two", "d.three"]),
    st.builds(
        lambda path, kind, key, new, seed: operation(
            match={"path": {"type": kind, "value": path or "/"}}, key=key, new=new, seed=seed
        ),
        PATHS,
        st.sampled_from(["Exact", "PathPrefix"]),
        st.sampled_from([None, {"query": "id"}, {"header": "x-id"}, {"json": "$.id"}]),
        st.sampled_from(["new", "other"]),
        st.sampled_from([None, 1]),
    ),
    max_size=3,
)
SHARES = st.sampled_from([{"off": 100}, {"shadow": 90, "live": 10}, {"shadow": 50, "live": 50}, {"live": 100}])
REQUESTS = st.builds(
    lambda path, number, body: Request("GET", f"{path}?id={number}", (("x-id", str(number)),), body, len(body)),
    PATHS,
    st.integers(0, 40),
    st.sampled_from([b"", b'{"id": 7}', b'{"id": "8"}', b"{"]),
)


@given(OPERATIONS, OPERATIONS, SHARES, SHARES, REQUESTS)
def test_elsewhere_agrees_with_two_decisions(
    one: dict[str, Any], other: dict[str, Any], shares: dict[str, int], others: dict[str, int], request: Request
) -> None:
    before, after = table(one, shares), table(other, others)
    decisions = decide(before, request), decide(after, request)
    told = [(d.operation, d.stage, d.answers, d.system, d.upstream, d.asked_upstream) for d in decisions]
    assert (elsewhere(before, after, request) is not None) == (told[0] != told[1])
