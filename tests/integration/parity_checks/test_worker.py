# ruff: noqa: ASYNC110, ASYNC240  the journal is watched from outside, as an operator would
"""The worker against real servers on loopback and a real journal."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from parity_checks.ask import Worker, run_worker
from parity_checks.ask.client import Client
from parity_checks.ask.entries import Entries
from parity_checks.ask.judge import Entry
from strangler.builds import builds_in_force
from strangler.evidence import Builds, entry_digest, fingerprint
from strangler.exchange import Exchange, Failure, Observation, Outcome, OutcomeKind, Reason, Request
from strangler.journal import Journal
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage
from strangler.state import StateFolder

KEY = b"k" * 32
JSON = (("Content-Type", "application/json"),)
_numbers = itertools.count()


@dataclass
class Served:
    """One system on loopback; ``seen`` is what it was asked, in order."""

    answer: Callable[[web.Request, int], Awaitable[web.StreamResponse]]
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append((request.method, str(request.rel_url), dict(request.headers), body))
        return await self.answer(request, len(self.seen))


@asynccontextmanager
async def serving(answer: Callable[[web.Request, int], Awaitable[web.StreamResponse]]) -> AsyncIterator[Served]:
    served = Served(answer)
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", served.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield served
    finally:
        await runner.cleanup()


def saying(body: str, status: int = 200, **headers: str) -> Callable[[web.Request, int], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request, __: int) -> web.StreamResponse:
        return web.Response(
            text=body, status=status, content_type="application/json", headers={"x-build-id": "b1", **headers}
        )

    return answer


def plan_for(old: str, new: str, **operation: Any) -> Plan:
    system = {"department": "d", "speaks": "http", "timeout_s": 1.0, "build_header": "x-build-id"}
    common = {
        "match": {"path": {"value": "/people"}},
        "old": "old",
        "new": "new",
        "compare": {"settle": {"attempts": 2, "after_s": 0.01}},
    }
    return Plan.model_validate(
        {
            "version": 1,
            "programme": "p",
            "systems": {"old": {**system, "url": old}, "new": {**system, "url": new}},
            "operations": {
                "a.read": {"effect": "read", **common, **operation},
                "a.write": {
                    "effect": "write",
                    **common,
                    "writes": {"policy": "dual", "idempotency_header": "Idempotency-Key"},
                    **operation,
                },
            },
        }
    )


def exchange(plan: Plan, body: str = '{"a":1}', *, operation: str = "a.read", **changes: Any) -> Exchange:
    number = next(_numbers)
    made = Exchange(
        id=f"x{number}",
        operation=operation,
        effect=Effect.READ if operation == "a.read" else Effect.WRITE,
        key=f"k{number}",
        cohort=None,
        stage=Stage.SHADOW,
        request=Request("POST", "/people?id=%2F1", (("Host", "caller"), ("X-Mine", "1"), *JSON), b"{}", 2),
        answer=Observation(Side.OLD, 200, JSON, body.encode(), len(body), at=1.0, build="b1"),
        asked=Side.NEW,
        entry=entry_digest(plan, operation),
        at=time.time() + number / 1000,
    )
    return replace(made, **changes)


async def outcomes(
    plan: Plan, exchanges: list[Exchange], tmp_path: Path, within_s: float = 8, entries: Entries | None = None
) -> list[Outcome]:
    """Every exchange's outcome, once a worker has judged them all."""
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=KEY) as journal:
        journal.append(exchanges)
        stop = asyncio.Event()
        async with Client(body_bytes=plan.capture.body_bytes) as client:
            running = asyncio.ensure_future(Worker(journal, entries or Entries(plan), client).run(stop))
            async with asyncio.timeout(within_s):
                while journal.depth():
                    await asyncio.sleep(0.02)
            stop.set()
            await running
        found = [journal.exchange(one.id)[2] for one in exchanges]
    assert None not in found
    return [one for one in found if one is not None]


async def test_worker_asks_the_other_side_what_the_caller_asked(tmp_path: Path) -> None:
    async with serving(saying('{"a": 1}')) as old, serving(saying('{"a": 1}')) as new:
        plan = plan_for(old.url, new.url)
        one = exchange(plan)
        (outcome,) = await outcomes(plan, [one], tmp_path)
    assert outcome.kind is OutcomeKind.MATCH
    assert outcome.fingerprint == fingerprint(one.entry, Builds("b1", "b1"))
    ((method, target, headers, body),) = new.seen
    assert (method, target, body) == ("POST", "/people?id=%2F1", b"{}")
    assert headers["X-Mine"] == "1"
    assert headers["x-strangler-exchange"] == one.id
    assert headers["x-strangler-role"] == "asked"
    assert "User-Agent" not in headers
    assert old.seen == []


async def test_worker_mismatch_stays_after_settling(tmp_path: Path) -> None:
    async with serving(saying('{"a":1}')) as old, serving(saying('{"a":2}')) as new:
        plan = plan_for(old.url, new.url)
        (outcome,) = await outcomes(plan, [exchange(plan)], tmp_path)
    assert (outcome.kind, outcome.settled) == (OutcomeKind.MISMATCH, 0)
    assert [(d.path, d.old, d.new) for d in outcome.differences] == [("$.a", "1", "2")]
    assert (len(old.seen), len(new.seen)) == (2 + 3, 3)  # settled twice; then old alone, whether it wavers
    assert "x-strangler-exchange" not in old.seen[0][2]


async def test_worker_race_settles(tmp_path: Path) -> None:
    async def late(_: web.Request, count: int) -> web.StreamResponse:
        return web.json_response({"a": 1 if count > 2 else 0})

    async with serving(saying('{"a":1}')) as old, serving(late) as new:
        plan = plan_for(old.url, new.url)
        (outcome,) = await outcomes(plan, [exchange(plan)], tmp_path)
    assert (outcome.kind, outcome.settled) == (OutcomeKind.MATCH, 2)


async def test_worker_failures_of_each_side_have_their_names(tmp_path: Path) -> None:
    failed = Observation(Side.OLD, 503, (), b"busy", 4)
    async with serving(saying("{}", 503)) as new:
        plan = plan_for("http://127.0.0.1:9", new.url)
        result = await outcomes(
            plan,
            [
                exchange(plan),
                exchange(plan, answer=failed),
                exchange(plan, asked=Side.OLD, stage=Stage.LIVE, answer=Observation(Side.NEW, 200, JSON, b"{}", 2)),
                exchange(plan, fell_back=Observation(Side.NEW, None, failure=Failure.TIMEOUT)),
                exchange(plan, answer=Observation(Side.OLD, 200, JSON, b"{", 1)),
                exchange(plan, operation="a.write", answer=Observation(Side.OLD, 400, JSON, b"{}", 2)),
            ],
            tmp_path,
        )
    assert [(outcome.kind.value, outcome.reason) for outcome in result] == [
        ("new_failed", None),
        ("not_compared", Reason.OLD_FAILED),
        ("not_compared", Reason.OLD_FAILED),
        ("new_failed", None),
        ("new_failed", None),
        ("not_compared", Reason.NOT_ASKED),
    ]


async def test_worker_unparsable_and_too_large_are_counted(tmp_path: Path) -> None:
    async def large(_: web.Request, __: int) -> web.StreamResponse:
        return web.Response(body=b"[" + b"1," * 4000 + b"1]", content_type="application/json")

    async with serving(large) as new, serving(saying("{")) as broken:
        plan = plan_for("http://127.0.0.1:9", new.url).model_copy(update={})
        small = plan.model_copy(update={"capture": plan.capture.model_copy(update={"body_bytes": 1024})})
        too_large = await outcomes(small, [exchange(plan)], tmp_path)
        both = plan_for("http://127.0.0.1:9", broken.url)
        unparsable = await outcomes(both, [exchange(both, "{[")], tmp_path)
    assert [outcome.reason for outcome in too_large + unparsable] == [Reason.TOO_LARGE, Reason.UNPARSABLE]


async def test_worker_redirect_is_an_answer(tmp_path: Path) -> None:
    async with serving(saying("{}", 302, Location="/elsewhere")) as new, serving(saying("{}")) as old:
        plan = plan_for(old.url, new.url)
        (outcome,) = await outcomes(plan, [exchange(plan, "{}")], tmp_path)
    assert [(d.kind.value, d.path) for d in outcome.differences] == [
        ("status", "status"),
        ("header", "headers.location"),
    ]
    assert {target for _, target, _, _ in new.seen} == {"/people?id=%2F1"}


async def test_worker_write_carries_the_idempotency_key_and_keeps_order(tmp_path: Path) -> None:
    async def slow_first(_: web.Request, count: int) -> web.StreamResponse:
        await asyncio.sleep(0.1 if count == 1 else 0)
        return web.json_response({"a": 1})

    async with serving(slow_first) as new:
        plan = plan_for("http://127.0.0.1:9", new.url)
        same = [exchange(plan, operation=name, key="K") for name in ("a.write", "a.read", "a.write", "a.read")]
        result = await outcomes(plan, same, tmp_path)
    assert [outcome.kind.value for outcome in result] == ["match"] * 4
    assert [headers["x-strangler-exchange"] for _, _, headers, _ in new.seen] == [one.id for one in same]
    assert [headers.get("Idempotency-Key") for _, _, headers, _ in new.seen] == [same[0].id, None, same[2].id, None]


async def test_worker_write_to_old_is_never_sent_twice(tmp_path: Path) -> None:
    async def cut_off(request: web.Request, _: int) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    answer = Observation(Side.NEW, 200, JSON, b'{"a":1}', 7, build="b1")
    async with serving(cut_off) as old:
        plan = plan_for(old.url, "http://127.0.0.1:9")
        (outcome,) = await outcomes(
            plan, [exchange(plan, operation="a.write", stage=Stage.LIVE, answer=answer, asked=Side.OLD)], tmp_path
        )
    assert (outcome.reason, len(old.seen)) == (Reason.WRITE_UNCERTAIN, 1)


async def test_worker_write_to_old_claimed_before_is_uncertain(tmp_path: Path) -> None:
    answer = Observation(Side.NEW, 200, JSON, b'{"a":1}', 7, build="b1")
    async with serving(saying('{"a":1}')) as old:
        plan = plan_for(old.url, "http://127.0.0.1:9")
        one = exchange(plan, operation="a.write", stage=Stage.LIVE, answer=answer, asked=Side.OLD)
        with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=KEY) as journal:
            journal.append([one])
            journal.claim("one that died", 1, 1.0, 10.0)
        (outcome,) = await outcomes(plan, [one], tmp_path)
    assert (outcome.reason, old.seen) == (Reason.WRITE_UNCERTAIN, [])


async def test_worker_write_policy_never_asks_nobody(tmp_path: Path) -> None:
    async with serving(saying("{}")) as new:
        plan = plan_for("http://127.0.0.1:9", new.url)
        never = plan.operations["a.write"].writes.model_copy(update={"policy": "never"})  # type: ignore[union-attr]
        operation = plan.operations["a.write"].model_copy(update={"writes": never})
        plan = plan.model_copy(update={"operations": {**plan.operations, "a.write": operation}})
        (outcome,) = await outcomes(plan, [exchange(plan, operation="a.write")], tmp_path)
    assert (outcome.reason, new.seen) == (Reason.NOT_ASKED, [])


async def test_worker_hanging_system_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async def hang(_: web.Request, __: int) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(hang) as hanging, serving(saying('{"a":1}')) as new:
        plan = plan_for("http://127.0.0.1:9", hanging.url)
        other = plan.systems["new"].model_copy(update={"url": new.url})
        operation = plan.operations["a.read"]
        other_operation = operation.model_copy(update={"new": operation.new.model_copy(update={"system": "other"})})
        plan = plan.model_copy(
            update={
                "systems": {**plan.systems, "other": other},
                "operations": {**plan.operations, "b.read": other_operation},
            }
        )
        hung = [exchange(plan) for _ in range(60)]
        fine = [
            exchange(plan, operation="b.read", effect=Effect.READ, entry=entry_digest(plan, "b.read"))
            for _ in range(60)
        ]
        result = await outcomes(plan, [*hung, *fine], tmp_path, within_s=20)
    assert [outcome.kind.value for outcome in result] == ["new_failed"] * 60 + ["match"] * 60
    assert {outcome.detail for outcome in result[:60]} == {"timeout", "breaker_open"}
    assert len(hanging.seen) < 60


async def test_worker_comparer_fault_is_an_outcome_of_its_own(tmp_path: Path) -> None:
    async with serving(saying('{"a":1}')) as new:
        plan = plan_for("http://127.0.0.1:9", new.url)
        odd = Observation(Side.OLD, 200, JSON, "text, not bytes", 1)  # type: ignore[arg-type]
        from parity_checks.ask.judge import Judge

        entry = Entries(plan).in_force("a.read")
        outcome = Judge(entry, Builds("a", "b"), "i").judge(odd, replace(odd, side=Side.NEW, body=b"{}"))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.NOT_COMPARED, Reason.COMPARER_FAILED)


async def test_worker_entry_that_is_gone_is_not_compared(tmp_path: Path) -> None:
    async with serving(saying('{"a":1}')) as new:
        plan = plan_for("http://127.0.0.1:9", new.url)
        (outcome,) = await outcomes(plan, [exchange(plan, entry="another")], tmp_path)
    assert outcome.reason is Reason.EXPIRED


async def test_worker_stops_and_gives_claims_back(tmp_path: Path) -> None:
    async def slow(_: web.Request, __: int) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return web.json_response({"a": 1})

    async with serving(slow) as new:
        plan = plan_for("http://127.0.0.1:9", new.url)
        with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=KEY) as journal:
            journal.append([exchange(plan, key="same") for _ in range(20)])
            stop = asyncio.Event()
            async with Client(body_bytes=1000) as client:
                running = asyncio.ensure_future(Worker(journal, Entries(plan), client).run(stop))
                while not new.seen:
                    await asyncio.sleep(0.01)
                stop.set()
                await running
            assert journal.depth() == 19
            assert len(journal.claim("another", 100, 1.0, time.time() + 10)) == 19


async def test_worker_failed_answer_without_a_build_counts_under_the_present_evidence(tmp_path: Path) -> None:
    async def fails_the_third(request: web.Request, count: int) -> web.StreamResponse:
        return await saying('{"a":1}')(request, count) if count < 3 else web.Response(status=503)

    async with serving(fails_the_third) as new:
        plan = plan_for("http://127.0.0.1:9", new.url)
        await outcomes(plan, [exchange(plan, key="same") for _ in range(3)], tmp_path)
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=KEY) as journal:
        present = fingerprint(
            entry_digest(plan, "a.read"), builds_in_force(plan, "a.read", journal.last_builds("a.read"))
        )
        evidence = journal.parity("a.read", present, time.time())
    assert present == fingerprint(entry_digest(plan, "a.read"), Builds("b1", "b1"))
    assert evidence.exchanges.by_kind == {OutcomeKind.MATCH: 2, OutcomeKind.NEW_FAILED: 1}
    assert evidence.other_fingerprints == 0


async def test_worker_answer_without_its_build_header_counts_under_the_build_last_seen(tmp_path: Path) -> None:
    async def hides_the_third(request: web.Request, count: int) -> web.StreamResponse:
        return await saying('{"a":1}')(request, count) if count < 3 else web.json_response({}, status=404)

    async with serving(hides_the_third) as new:
        plan = plan_for("http://127.0.0.1:9", new.url, compare={"settle": {"attempts": 0}})
        await outcomes(plan, [exchange(plan, key="same") for _ in range(3)], tmp_path)
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=KEY) as journal:
        evidence = journal.parity("a.read", fingerprint(entry_digest(plan, "a.read"), Builds("b1", "b1")), time.time())
        assert journal.last_builds("a.read") == {Side.OLD: "b1", Side.NEW: "b1"}
    assert evidence.exchanges.by_kind == {OutcomeKind.MATCH: 2, OutcomeKind.MISMATCH: 1}
    assert evidence.other_fingerprints == 0


async def test_worker_tells_matches_in_which_both_sides_refused(tmp_path: Path) -> None:
    fault = "<Envelope><Body><Fault>no</Fault></Body></Envelope>"

    async def refusing(_: web.Request, __: int) -> web.StreamResponse:
        return web.Response(text="{}", status=404, content_type="application/json", headers={"x-build-id": "b1"})

    async with serving(refusing) as new:
        plan = plan_for("http://127.0.0.1:9", new.url)
        (outcome,) = await outcomes(
            plan, [exchange(plan, answer=Observation(Side.OLD, 404, JSON, b"{}", 2, build="b1"))], tmp_path
        )
    assert (outcome.kind, outcome.reason) == (OutcomeKind.MATCH, Reason.BOTH_REFUSED)
    assert [Observation(Side.OLD, *said).has_refused for said in ((500, (), fault.encode()), (302,), (None,))] == [
        True,
        False,
        False,
    ]


async def test_worker_new_side_that_never_answered_counts_under_the_present_evidence(tmp_path: Path) -> None:
    plan = plan_for("http://127.0.0.1:9", "http://127.0.0.1:9")
    (outcome,) = await outcomes(plan, [exchange(plan)], tmp_path)
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=KEY) as journal:
        builds = builds_in_force(plan, "a.read", journal.last_builds("a.read"))
    assert builds == Builds("b1", "unknown")
    assert outcome.fingerprint == fingerprint(entry_digest(plan, "a.read"), builds)


async def test_worker_fault_of_its_own_counts_against_the_evidence_of_its_time(tmp_path: Path) -> None:
    class Faulty(Entries):
        def find(self, operation: str, digest: str) -> Entry | None:
            raise RuntimeError("a fault")

    async with serving(saying('{"a":1}')) as new:
        plan = plan_for("http://127.0.0.1:9", new.url)
        good, bad = (
            await outcomes(plan, [exchange(plan)], tmp_path),
            await outcomes(plan, [exchange(plan), exchange(plan, operation="a.write")], tmp_path, entries=Faulty(plan)),
        )
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=KEY) as journal:
        evidence = journal.parity("a.read", good[0].fingerprint, time.time())
        gaps = journal.gaps()
    assert [(one.reason, one.fingerprint) for one in bad] == [(Reason.COMPARER_FAILED, "")] * 2
    assert evidence.exchanges.not_compared == {Reason.COMPARER_FAILED: 1}
    assert [gap.operation for gap in gaps] == ["a.write"]


async def test_worker_drops_bodies_that_the_plan_keeps_no_longer(tmp_path: Path) -> None:
    async with serving(saying('{"a":1}')) as new:
        plan = plan_for("http://127.0.0.1:9", new.url)
        plan = plan.model_copy(update={"capture": plan.capture.model_copy(update={"retention_h": 1})})
        with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=KEY) as journal:
            journal.append([exchange(plan, asked=None, at=time.time() - 3700)])
            stop = asyncio.Event()
            async with Client(body_bytes=1000) as client:
                worker = Worker(journal, Entries(plan), client, purge_every_s=0.05)
                running = asyncio.ensure_future(worker.run(stop))
                async with asyncio.timeout(8):
                    while not worker.purged:
                        await asyncio.sleep(0.02)
                    journal.append([exchange(plan, asked=None, at=time.time() - 3700), exchange(plan, asked=None)])
                    while worker.purged < 2:
                        await asyncio.sleep(0.02)
                stop.set()
                await running
            assert len(list(journal.requests())) == 1


LIVE = {"stage": Stage.LIVE, "asked": Side.OLD}
UNSURE = "the answering side may have done it: {} after it was sent"


def failed(side: Side, failure: Failure) -> Observation:
    return Observation(side, None, failure=failure)


@pytest.mark.parametrize(
    ("policy", "status", "changes", "why"),
    [
        ("dual", 200, {}, None),
        ("dual", 503, {}, "the new side answered status 503"),
        ("dual", 409, {}, "the new side answered status 409"),
        ("dual", None, {}, "the new side answered unreachable"),
        ("sandbox", 503, {}, None),
        ("dual", 503, {"effect": Effect.READ}, None),
        ("dual", 503, {"answer": Observation(Side.OLD, 422, JSON, b"{}", 2)}, None),
        ("dual", 200, {"not_compared": Reason.TOO_LARGE}, None),
        ("dual", 503, {"not_compared": Reason.TOO_LARGE}, "the new side answered status 503"),
        ("dual", 200, {"request": Request("POST", "/p", JSON, None, 9_000_000)}, "the request body was not captured"),
        (
            "dual",
            503,
            {**LIVE, "answer": Observation(Side.NEW, 200, JSON, b"{}", 2)},
            "the old side answered status 503",
        ),
        ("dual", 200, {"answer": failed(Side.OLD, Failure.TIMEOUT)}, UNSURE.format("timeout")),
        ("dual", 200, {"answer": failed(Side.OLD, Failure.PROTOCOL)}, UNSURE.format("protocol")),
        ("dual", 200, {"answer": Observation(Side.OLD, 504, JSON, b"{}", 2)}, UNSURE.format("status 504")),
        ("dual", 200, {"answer": failed(Side.OLD, Failure.UNREACHABLE)}, None),
        ("dual", 200, {"answer": failed(Side.OLD, Failure.BREAKER_OPEN)}, None),
        ("dual", 200, {"effect": Effect.READ, "answer": failed(Side.OLD, Failure.TIMEOUT)}, None),
        ("sandbox", 200, {"answer": failed(Side.OLD, Failure.TIMEOUT)}, None),
        ("dual", 200, {**LIVE, "answer": failed(Side.NEW, Failure.RESET)}, UNSURE.format("reset")),
        ("dual", 503, {"entry": "gone"}, "the new side answered status 503"),
        ("dual", 503, {"operation": "a.gone"}, "the operation is no longer in the plan"),
    ],
)
async def test_worker_write_that_the_other_side_did_not_take_leaves_a_gap(
    tmp_path: Path, policy: str, status: int | None, changes: dict[str, Any], why: str | None
) -> None:
    async with serving(saying("{}", status or 200)) as other:
        url = other.url if status else "http://127.0.0.1:9"
        plan = plan_for(url, url)
        writes = plan.operations["a.write"].writes.model_copy(  # type: ignore[union-attr]
            update={"policy": policy, "sandbox": "copy"}
        )
        operation = plan.operations["a.write"].model_copy(update={"writes": writes})
        plan = plan.model_copy(
            update={
                "operations": {**plan.operations, "a.write": operation},
                "systems": {**plan.systems, "copy": plan.systems["new"]},
            }
        )
        one = exchange(plan, "{}", operation="a.write")
        await outcomes(plan, [replace(one, **changes)], tmp_path)
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=KEY) as journal:
        gaps = journal.gaps()
    assert [(gap.key, gap.why) for gap in gaps] == ([(one.key, f"exchange {one.id}: {why}")] if why else [])


@pytest.mark.parametrize("is_good", [True, False])
async def test_run_worker_takes_up_a_changed_plan(tmp_path: Path, is_good: bool) -> None:
    text = """
version: 1
programme: p
systems:
  old: {department: d, speaks: http, url: "http://127.0.0.1:9"}
  new: {department: d, speaks: http, url: "%s"}
operations:
  a.read:
    effect: read
    match: {path: {value: /people}}
    old: old
    new: new
    key: {header: x-mine}
    compare: {settle: {attempts: 0}%s}
"""
    rules = ', rules: [{path: "$.a", as: ignore, why: "a reason"}]'
    async with serving(saying('{"a":2}')) as new:
        path = tmp_path / "migration.yaml"
        path.write_text(text % (new.url, ""))
        state = StateFolder(tmp_path / "state")
        stop = asyncio.Event()
        running = asyncio.ensure_future(run_worker(path, state, stop=stop))
        while not Path(tmp_path / "state" / "journal.db").exists():
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        from strangler.plan import load_plan

        path.write_text(text % (new.url, rules) if is_good else "version: [")
        plan = load_plan(path, {}).plan if is_good else None
        entry = entry_digest(plan, "a.read") if plan else "the bad one"
        one = exchange(plan_for("http://127.0.0.1:9", new.url), entry=entry)
        with Journal.open(state.journal_url, key=state.journal_key()) as journal:
            journal.append([one])
            async with asyncio.timeout(8):
                while journal.depth():
                    await asyncio.sleep(0.02)
            outcome = journal.exchange(one.id)[2]
        stop.set()
        await running
    assert outcome is not None
    assert (outcome.kind, outcome.reason) == (
        (OutcomeKind.MATCH, None) if is_good else (OutcomeKind.NOT_COMPARED, Reason.EXPIRED)
    )
