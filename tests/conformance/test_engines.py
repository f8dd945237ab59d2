"""Every engine does with every request what ``decide`` says, and journals it as such."""

from pathlib import Path
from typing import Any

import pytest

from proxy.decide import Decision, Table, compile_table, decide
from strangler.exchange import Exchange, Reason, Request
from strangler.plan import load_plan
from strangler.rollout import rollout_from
from strangler.stages import Effect, Side, Stage
from tests.conformance.cases import CASES, OPERATIONS, SCENARIOS, Case, Scenario
from tests.conformance.engines import CASE_FIELD, Surroundings, running


def table_of(plan_path: Path, scenario: Scenario) -> Table:
    plan = load_plan(plan_path, {}).plan
    rollouts = {name: rollout_from(shares, Effect(OPERATIONS[name])) for name, shares in scenario.rollouts().items()}
    return compile_table(plan, rollouts, scenario.held)


def request_of(number: int, case: Case) -> Request:
    """The case as it should be journaled: header values as bytes are, in ISO 8859-1; nothing forged."""
    fields = [("host", "shop.example"), (CASE_FIELD, str(number))]
    fields += [
        (name.lower(), value.strip().encode().decode("latin-1"))
        for name, value in case.fields
        if not name.lower().startswith("x-strangler-")
    ]
    if case.body:
        fields.append(("content-length", str(len(case.body))))
    return Request(case.method, case.target, tuple(sorted(fields)), case.body, len(case.body))


def expected_exchange(table: Table, decision: Decision, request: Request) -> dict[str, Any]:
    not_compared = None
    if decision.keyless and table.move(decision.operation or "").sole is not Stage.OFF:
        not_compared = Reason.UNPARSABLE if decision.unparsable else Reason.NOT_ASKED
    return {
        "operation": decision.operation,
        "effect": decision.effect,
        "key": decision.key,
        "stage": decision.stage,
        "asked": decision.asked,
        "entry": decision.entry,
        "not_compared": not_compared,
        "request": request,
        "answered_by": decision.answers,
        "answer": (200, decision.answers.value.encode()),
    }


def seen_exchange(exchange: Exchange) -> dict[str, Any]:
    request = exchange.request
    fields = tuple(sorted((name.lower(), value) for name, value in request.headers))
    return {
        "operation": exchange.operation,
        "effect": exchange.effect,
        "key": exchange.key,
        "stage": exchange.stage,
        "asked": exchange.asked,
        "entry": exchange.entry,
        "not_compared": exchange.not_compared,
        "request": Request(request.method, request.target, fields, request.body, request.body_bytes),
        "answered_by": exchange.answer.side,
        "answer": (exchange.answer.status, exchange.answer.body),
    }


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_an_engine_does_what_decide_says(kind: str, scenario: Scenario, tmp_path: Path) -> None:
    async with running(kind, tmp_path, scenario) as around:
        table = table_of(around.plan_path, scenario)
        requests = [request_of(number, case) for number, case in enumerate(CASES)]
        decisions = [decide(table, request) for request in requests]
        answers = [await around.ask(number, case) for number, case in enumerate(CASES)]

        assert [(answer.status, answer.body if answer.status == 200 else b"") for answer in answers] == [
            (404, b"") if decision.upstream is None else (200, decision.answers.value.encode())
            for decision in decisions
        ]
        expected = {
            number: expected_exchange(table, decision, requests[number])
            for number, decision in enumerate(decisions)
            if decision.operation is not None
        }
        exchanges = await around.journaled(len(expected))
        assert {number: seen_exchange(exchange) for number, exchange in exchanges.items()} == expected
        assert_told_no_more_than_due(around, exchanges, decisions)
    assert around.engine.capture.counters.lost == 0


def assert_told_no_more_than_due(
    around: Surroundings, exchanges: dict[int, Exchange], decisions: list[Decision]
) -> None:
    """Old systems are told nothing of ours; the new one the exchange, and an idempotency key for a write."""
    ours = {
        side: {
            number: {name: value for name, value in fields.items() if name.startswith(("x-strangler-", "idempotency"))}
            for number, fields in around.heard(side).items()
        }
        for side in Side
    }
    for number, exchange in exchanges.items():
        side = decisions[number].answers
        due = {}
        if side is Side.NEW:
            due["x-strangler-exchange"] = exchange.id
        own = exchange.request.header("idempotency-key")
        if own or (side is Side.NEW and exchange.effect is Effect.WRITE):
            due["idempotency-key"] = own or exchange.id
        assert ours[side][number] == due
    assert len({exchange.id for exchange in exchanges.values()}) == len(exchanges)


@pytest.mark.parametrize(("share", "side"), [(21.933, "old"), (21.9331, "new")])
async def test_a_known_key_is_in_its_known_bucket(kind: str, share: float, side: str, tmp_path: Path) -> None:
    """``C00002`` under seed 42 is in bucket 219,330 of a million, wherever that is computed."""
    scenario = Scenario("golden", {"shadow": round(100 - share, 4), "live": share})
    async with running(kind, tmp_path, scenario) as around:
        answer = await around.ask(0, Case("GET", "/items/C00002"))
    assert answer.body == side.encode()
