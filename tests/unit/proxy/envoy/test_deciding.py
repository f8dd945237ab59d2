from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.envoy.deciding import Deciding, Decisions
from proxy.envoy.messages import GoOn, Head, Piece, Refuse
from proxy.mitm.tables import Sources, Tables
from strangler.state import StateFolder
from tests.conformance.cases import PLAN


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    plan = tmp_path / "migration.yaml"
    plan.write_text(PLAN.format(old=1, new=2))
    return Sources(plan, StateFolder(tmp_path / "state", {}), {}).load()


def head(method: str, path: str, *, is_end: bool = True, **fields: str) -> Head:
    pseudo = ((":method", method), (":path", path), ("x-strangler-exchange", "id"), *fields.items())
    return Head(is_request=True, fields=tuple((n, v.encode()) for n, v in pseudo), is_end=is_end, attributes={})


async def replies(tables: Tables, *messages: Head | Piece) -> tuple[list[GoOn | Refuse], Decisions, Counter[str]]:
    async def told() -> AsyncIterator[Head | Piece]:
        for message in messages:
            yield message

    decisions, counts = Decisions(), Counter[str]()
    return [reply async for reply in Deciding(lambda: tables, decisions, counts).process(told())], decisions, counts


async def test_a_head_that_tells_all_is_decided_at_once(tables: Tables) -> None:
    asked = head("GET", "/items/7")
    found, decisions, _ = await replies(tables, asked)
    assert found == [GoOn(asked, route="old|shop.get-item")]
    decided = decisions.take("id")
    assert decided is not None
    assert decided.decision.key == "7"
    assert decisions.take("id") is None


async def test_the_body_is_asked_for_only_where_it_is_needed(tables: Tables) -> None:
    asked, body = head("POST", "/pay", is_end=False), Piece(is_request=True, body=b"who=W1", is_end=True)
    found, decisions, _ = await replies(tables, asked, body)
    assert found == [GoOn(asked, wants_body=True), GoOn(body, route="old|shop.pay-by-form")]
    decided = decisions.take("id")
    assert decided is not None
    assert decided.decision.key == "W1"


async def test_a_body_that_is_too_large_leaves_the_request_where_it_stands(tables: Tables) -> None:
    asked, part = head("POST", "/pay", is_end=False), Piece(is_request=True, body=b"who=W1", is_end=False)
    found, decisions, counts = await replies(tables, asked, part)
    assert found[1] == GoOn(part)
    assert decisions.take("id") is None
    assert counts["too_large_to_decide"] == 1


async def test_a_request_that_nobody_serves_is_refused_with_a_problem(tables: Tables) -> None:
    (reply,), _, _ = await replies(tables, head("GET", "/nowhere"))
    assert isinstance(reply, Refuse)
    assert reply.status == 404
    assert b"no operation matches" in reply.body


async def test_a_path_that_a_system_serves_goes_there(tables: Tables) -> None:
    asked = head("GET", "/files/1")
    found, _, _ = await replies(tables, asked)
    assert found == [GoOn(asked, route="served|old-shop")]


def test_decisions_are_bounded() -> None:
    decisions = Decisions(limit=2)
    for name in "abc":
        decisions.remember(name, None)  # type: ignore[arg-type]
    assert list(decisions._decided) == ["b", "c"]
