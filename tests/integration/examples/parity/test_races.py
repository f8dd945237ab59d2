"""A read that races its own write is no finding: the worker asks both sides again, and they agree."""

# ruff: noqa: ASYNC110  the journal is watched from outside, as an operator would

import asyncio
import itertools
import time
from dataclasses import replace

import httpx
import pytest
import uvicorn

from legacy_adapters.gateway import create_app
from parity_checks.ask import Worker
from parity_checks.ask.client import Client
from parity_checks.ask.entries import Entries
from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Observation, OutcomeKind, Request
from strangler.journal import Journal
from strangler.plan.loader import load_plan
from strangler.stages import Side, Stage

_numbers = itertools.count()


@pytest.fixture
async def plan(release_2, plan_file, free_port):
    """The example's plan, with a gateway that can be asked over HTTP as the worker does."""
    port = free_port()
    environ = release_2.environ | {"GATEWAY_URL": f"http://127.0.0.1:{port}"}
    plan = load_plan(plan_file, environ).plan
    server = uvicorn.Server(uvicorn.Config(create_app(plan, environ), port=port, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield plan
    server.should_exit = True
    await serving


async def heard_from_old(plan, client, asked, at):
    """The exchange as the engine journals it: answered by the old side now, begun at ``at``."""
    entry = plan.operations[asked.operation]
    base = f"{plan.gateway}/old/{asked.operation}" if entry.old.adapter else plan.systems["pensions"].wsdl[:-14]
    answer = await client.request(asked.method, base + asked.target, headers=asked.headers, content=asked.body)
    headers = tuple(answer.headers.items())
    return Exchange(
        id=f"x{next(_numbers)}",
        operation=asked.operation,
        effect=entry.effect,
        key="one citizen",
        cohort=None,
        stage=Stage.SHADOW,
        request=Request(asked.method, asked.target, tuple(asked.headers.items()), asked.body, len(asked.body)),
        answer=Observation(Side.OLD, answer.status_code, headers, answer.content, len(answer.content), at=at),
        asked=Side.NEW,
        entry=entry_digest(plan, asked.operation),
        at=at,
    )


async def judged(plan, tmp_path, *batches):
    """Outcomes by exchange; each batch reaches the journal a moment after the one before."""
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
        stop = asyncio.Event()
        async with Client(body_bytes=plan.capture.body_bytes) as client:
            running = asyncio.ensure_future(Worker(journal, Entries(plan), client).run(stop))
            for batch in batches:
                journal.append(batch)
                await asyncio.sleep(0.1)
            async with asyncio.timeout(10):
                while journal.depth():
                    await asyncio.sleep(0.02)
            stop.set()
            await running
        return [journal.exchange(one.id)[2] for batch in batches for one in batch], journal.findings()


def pensions_requests(people, ask, place):
    citizen = next(one for one in people[place:] if one.status == "A" and one.late_spouse is None)
    return ask.soap("GetEntitlement", citizen.nino), ask.change_address(citizen.nino, f"{place} Race Row")


async def test_a_read_that_old_answered_before_the_write_settles(plan, people, ask, tmp_path):
    read, write = pensions_requests(people, ask, 200)
    async with httpx.AsyncClient() as client:
        began = time.time()
        raced = await heard_from_old(plan, client, read, began + 0.001)  # begun after the write, served before it
        wrote = await heard_from_old(plan, client, write, began)
    outcomes, findings = await judged(plan, tmp_path, [wrote, raced])
    assert [(one.kind, one.settled > 0) for one in outcomes] == [(OutcomeKind.MATCH, False), (OutcomeKind.MATCH, True)]
    assert findings == []


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_read_that_old_answered_after_a_write_that_began_later_settles(plan, people, ask, tmp_path, is_late):
    read, write = pensions_requests(people, ask, 220 + 5 * is_late)
    async with httpx.AsyncClient() as client:
        began = time.time()
        wrote = await heard_from_old(plan, client, write, began + 0.001)
        raced = await heard_from_old(plan, client, read, began)
    batches = [[raced], [wrote]] if is_late else [[raced, wrote]]
    outcomes, findings = await judged(plan, tmp_path, *batches)
    assert [(one.kind, one.settled > 0) for one in outcomes] == [(OutcomeKind.MATCH, True), (OutcomeKind.MATCH, False)]
    assert findings == []


async def test_a_read_before_the_index_shows_the_write_settles(plan, people, ask, tmp_path):
    citizen = people[230]
    write = ask.update_contact(citizen.nhs_number, b'{"telephone": "07700900555"}')
    async with httpx.AsyncClient() as client:
        began = time.time()
        wrote = await heard_from_old(plan, client, write, began)
        raced = await heard_from_old(plan, client, ask.find_patient(citizen.nhs_number), began + 0.001)
    outcomes, findings = await judged(plan, tmp_path, [wrote, replace(raced, at=began + 0.001)])
    assert b"07700900555" not in raced.answer.body
    assert [(one.kind, one.settled > 0) for one in outcomes] == [(OutcomeKind.MATCH, False), (OutcomeKind.MATCH, True)]
    assert findings == []
