"""The addon by itself: flows in, exchanges and losses out, and never an exception."""

import json
from dataclasses import replace

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from proxy.decide import compile_table
from proxy.mitm.addon import Passing, decide_headlong, upstream_of
from proxy.mitm.breaker import Breaker
from proxy.mitm.capture import Capture
from proxy.mitm.tables import BuildSource, Switch, Tables
from strangler.builds import BuildSource as SharedSource
from strangler.exchange import Exchange, Failure, Reason, Request
from strangler.journal import Loss
from strangler.plan.models import Plan
from strangler.rollout import rollout_from
from strangler.stages import Effect, Side

PLAN = Plan.model_validate(
    {
        "version": 1,
        "programme": "p",
        "systems": {
            "old": {"department": "d", "speaks": "http", "url": "http://old.example:81/base", "timeout_s": 7},
            "new": {"department": "d", "speaks": "http", "url": "https://new.example", "build": "9"},
        },
        "operations": {
            "shop.soap": {
                "effect": "read",
                "match": {"path": {"value": "/soap"}, "xpath": {"path": "//kind", "value": "a"}},
                "old": "old",
                "new": "new",
            },
            "shop.get": {"effect": "read", "match": {"path": {"value": "/items"}}, "old": "old", "new": "new"},
        },
    }
)


class Kept:
    """A journal in memory."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.losses: list[Loss] = []

    def append(self, exchanges: object) -> None:
        self.exchanges += exchanges  # type: ignore[operator]

    def record_losses(self, losses: list[Loss]) -> None:
        self.losses += losses


class Rig:
    """An addon whose journal can be looked at."""

    def __init__(self, **rollouts: str) -> None:
        moved = {f"shop.{name}": rollout_from({stage: 100}, Effect.READ) for name, stage in rollouts.items()}
        table = compile_table(PLAN, moved)
        self.journal = Kept()
        self.capture = Capture(self.journal, None, 100)
        self.addon = Passing(
            Switch(Tables(PLAN, "d", 1, moved, frozenset(), table, {})), self.capture, Breaker(), clock=lambda: 12.5
        )

    def told(self) -> "Kept":
        self.capture.start()
        self.capture.stop()
        return self.journal


def flow(path: bytes = b"/items", body: bytes = b"") -> http.HTTPFlow:
    made = tflow.tflow()
    made.request.data.path = path
    made.request.data.content = body
    return made


def test_a_flow_is_aimed_at_its_system_and_journaled() -> None:
    rig, one = Rig(), flow()
    rig.addon.requestheaders(one)
    rig.addon.request(one)
    assert (one.request.host, one.request.port, one.request.path) == ("old.example", 81, "/base/items")
    assert rig.addon.timeout_s(one) == 7
    one.response = http.Response.make(200, b"ok")
    rig.addon.responseheaders(one)
    rig.addon.response(one, 0, b"ok", 2)
    (exchange,) = rig.told().exchanges
    assert (exchange.id, exchange.operation, exchange.at) == (one.id, "shop.get", 12.5)
    assert (exchange.request.target, exchange.answer.body) == ("/items", b"ok")


def test_a_decision_that_fails_is_a_problem_and_not_an_exception() -> None:
    rig, one = Rig(), flow()
    rig.addon.requestheaders(one)
    one.metadata["strangler"].tables = None
    rig.addon.request(one)
    assert one.response is not None
    assert (one.response.status_code, json.loads(one.response.content or b"")["status"]) == (500, 500)
    assert b"Traceback" not in (one.response.content or b"")


def test_an_answer_that_cannot_be_observed_is_a_loss_and_not_an_exception() -> None:
    rig, one = Rig(), flow()
    rig.addon.requestheaders(one)
    rig.addon.request(one)
    one.response = http.Response.make(200, b"ok")
    one.metadata["strangler"].request = object()
    rig.addon.response(one, 0, b"ok", 2)
    journal = rig.told()
    assert journal.exchanges == []
    assert [(loss.operation, loss.reason, loss.count) for loss in journal.losses] == [
        ("shop.get", Reason.NOT_JOURNALED, 1)
    ]


@pytest.mark.parametrize(
    ("failure", "status"), [(Failure.UNREACHABLE, 502), (Failure.TIMEOUT, 504), (Failure.RESET, 502)]
)
def test_a_failed_system_is_journaled_as_such(failure: Failure, status: int) -> None:
    rig, one = Rig(get="live"), flow()
    rig.addon.requestheaders(one)
    rig.addon.request(one)
    assert rig.addon.failed(one, failure, 0).status == status
    (exchange,) = rig.told().exchanges
    assert (exchange.answer.side, exchange.answer.failure, exchange.answer.has_failed) == (Side.NEW, failure, True)


def test_a_request_matched_by_a_body_too_large_to_hold_goes_to_old() -> None:
    decision = decide_headlong(compile_table(PLAN, {}), Request("POST", "/soap", (), None))
    assert (decision.operation, decision.answers, decision.key, decision.keyless) == ("shop.soap", Side.OLD, None, True)
    assert decide_headlong(compile_table(PLAN, {}), Request("POST", "/nobody", (), None)).upstream is None


def test_a_base_url_is_taken_apart() -> None:
    old, new = upstream_of("http://old.example:81/base"), upstream_of("https://new.example")
    assert (old.host, old.port, old.authority, old.prefix, old.is_tls) == (
        "old.example",
        81,
        b"old.example:81",
        b"/base",
        False,
    )
    assert (new.port, new.authority, new.is_tls) == (443, b"new.example", True)


@pytest.mark.parametrize(
    ("header", "declared", "fields", "build"),
    [
        (b"x-build-id", "9", ((b"X-Build-Id", b"r2"),), "r2"),
        (b"x-build-id", "9", ((b"X-Build-Id", b""),), None),
        (b"x-build-id", "9", (), None),
        (None, "9", (), "9"),
        (None, None, (), "unknown"),
    ],
)
def test_the_engine_names_a_build_as_every_other_room_does(
    header: bytes | None, declared: str | None, fields: tuple[tuple[bytes, bytes], ...], build: str | None
) -> None:
    rig, one = Rig(), flow()
    rig.addon.requestheaders(one)
    passage = one.metadata["strangler"]
    passage.tables = replace(passage.tables, builds={("shop.get", Side.OLD): BuildSource(header, declared)})
    rig.addon.request(one)
    one.response = http.Response.make(404, b"no", http.Headers(fields))
    rig.addon.responseheaders(one)
    rig.addon.response(one, 0, b"no", 2)
    assert [exchange.answer.build for exchange in rig.told().exchanges] == [build]
    told = fields[0][1].decode() if fields else None
    assert SharedSource(header.decode() if header else None, declared).name(told) == build
