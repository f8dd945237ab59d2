"""The old estate on both sides: whatever differs then is noise or a race, and never a mismatch."""

# ruff: noqa: ASYNC110  the journal is watched from outside, as an operator would

import asyncio
import itertools
import time
from collections import Counter

import httpx
import pytest
import uvicorn

from examples.elderly_care.population import citizens
from legacy_adapters.gateway import create_app
from parity_checks.ask import Worker
from parity_checks.ask.client import Client
from parity_checks.ask.entries import Entries
from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Observation, OutcomeKind, Request
from strangler.journal import Journal
from strangler.plan.loader import load_plan
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage

CITIZENS = 100
"""Five reads of each."""


def old_on_both_sides(plan: Plan, *, with_rules: bool) -> Plan:
    """The plan with the old system of each operation as its new one, patient, and where asked for without any rule."""
    changed = {}
    for name, entry in plan.operations.items():
        compare = entry.compare if with_rules else entry.compare.model_copy(update={"rules": ()})
        compare = compare.model_copy(update={"settle": compare.settle.model_copy(update={"after_s": 0.05})})
        changed[name] = entry.model_copy(update={"new": entry.old, "compare": compare})
    patient = {name: system.model_copy(update={"timeout_s": 60.0}) for name, system in plan.systems.items()}
    return plan.model_copy(update={"operations": changed, "systems": patient})


@pytest.fixture(params=[True, False], ids=["rules", "no rules"])
async def plan(request, old_estate, plan_file, free_port):
    """The plan with old on both sides, and a gateway for it; the new services are not even there."""
    port = free_port()
    nowhere = {
        f"{name}_URL": "http://127.0.0.1:9" for name in ("CITIZEN_RECORD", "ENTITLEMENT", "CARE_PLAN", "ASSESSMENT")
    }
    environ = nowhere | old_estate | {"GATEWAY_URL": f"http://127.0.0.1:{port}"}
    made = old_on_both_sides(load_plan(plan_file, environ).plan, with_rules=request.param)
    server = uvicorn.Server(uvicorn.Config(create_app(made, environ), port=port, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield made
    server.should_exit = True
    await serving


async def recorded(plan: Plan, requests) -> list[Exchange]:
    """What callers were answered by the old estate, one after another."""
    numbers = itertools.count()
    made = []
    async with httpx.AsyncClient(timeout=10) as client:
        for key, asked in requests:
            entry = plan.operations[asked.operation]
            base = f"{plan.gateway}/old/{asked.operation}" if entry.old.adapter else plan.systems["pensions"].wsdl[:-14]
            answer = await client.request(asked.method, base + asked.target, headers=asked.headers, content=asked.body)
            seen = Observation(
                Side.OLD, answer.status_code, tuple(answer.headers.items()), answer.content, len(answer.content), at=1.0
            )
            request = Request(asked.method, asked.target, tuple(asked.headers.items()), asked.body, len(asked.body))
            made.append(
                Exchange(
                    id=f"x{next(numbers)}",
                    operation=asked.operation,
                    effect=Effect.READ,
                    key=key,
                    cohort=None,
                    stage=Stage.SHADOW,
                    request=request,
                    answer=seen,
                    asked=Side.NEW,
                    entry=entry_digest(plan, asked.operation),
                    at=time.time(),
                )
            )
    return made


async def test_old_against_old_is_never_a_mismatch(plan, ask, tmp_path):
    """Random ids, clocks and unstable order are in these answers; rules that know them may be there or not."""
    requests = [(one.nino, asked) for one in citizens(CITIZENS) for asked in ask.reads(one)]
    exchanges = await recorded(plan, requests)
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
        journal.append(exchanges)
        stop = asyncio.Event()
        async with Client(body_bytes=plan.capture.body_bytes) as client:
            running = asyncio.ensure_future(Worker(journal, Entries(plan), client).run(stop))
            async with asyncio.timeout(90):
                while journal.depth():
                    await asyncio.sleep(0.05)
            stop.set()
            await running
        found = Counter(row.kind for row in journal.outcomes_count() for _ in range(row.count))
        findings = [(one.operation, one.general_path, one.old, one.new) for one in journal.findings()]
    assert findings == []
    assert sum(found.values()) == len(requests)
    assert set(found) <= {OutcomeKind.MATCH, OutcomeKind.NOISE}, found
