"""A facade that asks two systems: the build of either is part of the evidence, whoever learns it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from legacy_adapters.gateway import serve_gateway
from strangler.builds import build_source
from strangler.cli.builds import current_builds
from strangler.evidence import Builds, entry_digest, fingerprint
from strangler.plan.loader import load_plan
from strangler.plan.models import Plan

EXAMPLE = Path(__file__).parents[2] / "examples" / "elderly_care"
OPERATION = "pensions.get-entitlement"
ASKED = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetEntitlement '
    'xmlns="urn:example:pensions:1"><nino>{}</nino></GetEntitlement></s:Body></s:Envelope>'
)
SOMEBODY = "QQ123456A"
NOBODY = "QQ"  # the facade asks no system about it


class Services:
    """Pensions, entitlement and the citizen record in one server, each under a path of its own."""

    def __init__(self) -> None:
        self.builds = {"entitlement": "e1", "citizen-record": "c1"}
        self.down: set[str] = set()
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        name, rest = request.match_info["name"], request.match_info["rest"]
        self.asked.append(f"{name}/{rest}")
        if name in self.down:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        if name == "pensions":
            return self._pensions(request)
        return web.json_response(self._value(rest), headers={"x-build-id": self.builds[name]})

    def _pensions(self, request: web.Request) -> web.Response:
        estate = EXAMPLE / "estate" / "pensions"
        kind = "xsd" if "xsd" in request.query_string else "wsdl"
        text = (estate / f"pensions.{kind}").read_text("utf-8")
        base = f"http://{request.host}/pensions"
        headers = {"server": "Pensions/4.2"}
        return web.Response(text=text.replace("@BASE@", base), content_type="text/xml", headers=headers)

    @staticmethod
    def _value(path: str) -> dict[str, object]:
        if path.startswith("entitlements/"):
            return {"nino": SOMEBODY, "status": "active", "weekly_amount_pence": 18429, "late_spouse": None,
                    "next_review": "2027-01-01"}  # fmt: skip
        if path.startswith("citizens/"):
            address = {"lines": ["1 Mill Street"], "postcode": "ZZ1 1AB"}
            return {"name": "Margaret O’Neill", "date_of_birth": "1940-02-29", "address": address}
        return {}


@pytest.fixture
async def services() -> AsyncIterator[tuple[Services, str]]:
    made = Services()
    app = web.Application()
    app.router.add_route("*", "/{name}/{rest:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield made, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def example_plan(url: str) -> Plan:
    """The example's own plan, of the one operation."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gateway = f"http://127.0.0.1:{free.getsockname()[1]}"
    names = {"PENSIONS": "pensions", "ENTITLEMENT": "entitlement", "CITIZEN_RECORD": "citizen-record"}
    environ = {f"{name}_URL": f"{url}/{path}" for name, path in names.items()}
    environ |= {f"{name}_URL": url for name in ("COUNCIL", "CARE_PLAN", "ASSESSMENT")}
    environ |= {"GATEWAY_URL": gateway, "PATIENT_INDEX_ODBC": "DSN=none"}
    plan = load_plan(EXAMPLE / "migration.yaml", environ).plan
    used = {name: plan.systems[name] for name in names.values()}
    return plan.model_copy(update={"operations": {OPERATION: plan.operations[OPERATION]}, "systems": used})


@contextlib.asynccontextmanager
async def gateway_of(plan: Plan) -> AsyncIterator[aiohttp.ClientSession]:
    stop = asyncio.Event()
    assert plan.gateway is not None
    serving = asyncio.create_task(serve_gateway(lambda: plan, port=int(plan.gateway.rpartition(":")[2]), stop=stop))
    async with aiohttp.ClientSession(plan.gateway) as client, asyncio.timeout(30):
        while not await is_up(client):
            if serving.done():
                await serving
            await asyncio.sleep(0.02)
        try:
            yield client
        finally:
            stop.set()
            await serving


async def is_up(client: aiohttp.ClientSession) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        async with client.get("/-/health") as answer:
            return answer.status == 200
    return False


async def answered(client: aiohttp.ClientSession, nino: str) -> tuple[int, str | None, str]:
    """Status, build and body of one answer."""
    async with client.post(f"/new/{OPERATION}/pensions", data=ASKED.format(nino)) as answer:
        return answer.status, answer.headers.get("x-build-id"), await answer.text()


async def told_by_everybody(plan: Plan, client: aiohttp.ClientSession) -> tuple[str | None, ...]:
    """The new side's build by an answer that asked both systems, one that asked none, ``/-/builds`` and the probe."""
    assert build_source(plan, plan.operations[OPERATION].new).header == "x-build-id"
    both, none = await answered(client, SOMEBODY), await answered(client, NOBODY)
    async with client.get("/-/builds") as answer:
        page = (await answer.json())[OPERATION]["new"]
    probed = await asyncio.to_thread(current_builds, plan, OPERATION)
    assert both[0] == 200
    return both[1], none[1], page, probed.new if probed else None


async def until(is_so: Callable[[str | None], bool], client: aiohttp.ClientSession) -> str | None:
    """The build that an answer which asks nobody names, as soon as it is so."""
    async with asyncio.timeout(15):
        found = (await answered(client, NOBODY))[1]
        while not is_so(found):
            await asyncio.sleep(0.1)
            found = (await answered(client, NOBODY))[1]
        return found


async def test_swapping_only_the_second_system_makes_evidence_stale(services: tuple[Services, str]) -> None:
    scripted, url = services
    plan = example_plan(url)
    told: list[tuple[str | None, ...]] = []
    async with gateway_of(plan) as client:
        for build in ("c1", "c2"):
            scripted.builds["citizen-record"] = build
            told.append(await told_by_everybody(plan, client))
    code = str(told[0][0]).partition("+facade.")[2]
    assert told == [(f"e1+citizen-record.{build}+facade.{code}",) * 4 for build in ("c1", "c2")]
    entry = entry_digest(plan, OPERATION)
    before, after = (fingerprint(entry, Builds("Pensions/4.2", str(names[0]))) for names in told)
    assert before != after


async def test_swap_is_seen_even_where_no_call_asks_the_second_system(services: tuple[Services, str]) -> None:
    scripted, url = services
    async with gateway_of(example_plan(url)) as client:
        await answered(client, NOBODY)
        asked = len(scripted.asked)
        scripted.builds["citizen-record"] = "c2"
        found = await until(lambda build: "+citizen-record.c2+" in (build or ""), client)
    assert str(found).startswith("e1+")
    assert set(scripted.asked[asked:]) <= {"citizen-record/health", "entitlement/health"}


async def test_build_that_was_known_stays_when_the_second_system_is_gone(services: tuple[Services, str]) -> None:
    scripted, url = services
    async with gateway_of(example_plan(url)) as client:
        known = (await answered(client, SOMEBODY))[1]
        scripted.down.add("citizen-record")
        asked = len(scripted.asked)
        async with asyncio.timeout(15):
            while "citizen-record/health" not in scripted.asked[asked:]:  # it was looked for, in vain
                assert (await answered(client, NOBODY))[1] == known
                await asyncio.sleep(0.1)
        failed = await answered(client, SOMEBODY)
        async with client.get("/-/builds") as answer:
            page = (await answer.json())[OPERATION]["new"]
    assert (failed[0], failed[1], page) == (502, known, known)


async def test_build_that_was_never_learnt_is_unknown_and_known_as_soon_as_it_can_be(
    services: tuple[Services, str],
) -> None:
    scripted, url = services
    scripted.down.add("citizen-record")
    async with gateway_of(example_plan(url)) as client:
        async with client.get("/-/builds") as answer:
            page = (await answer.json())[OPERATION]["new"]
        scripted.down.clear()
        found = await until(lambda build: "unknown" not in (build or "unknown"), client)
    assert page.startswith("e1+citizen-record.unknown+facade.")
    assert found == page.replace("unknown", "c1")


async def test_facade_may_not_ask_a_system_that_its_entry_does_not_name(services: tuple[Services, str]) -> None:
    plan = example_plan(services[1])
    entry = plan.operations[OPERATION]
    silent = entry.model_copy(update={"new": entry.new.model_copy(update={"also": ()})})
    async with gateway_of(plan.model_copy(update={"operations": {OPERATION: silent}})) as client:
        status, _, body = await answered(client, SOMEBODY)
    document = json.loads(body)
    assert (status, document["title"]) == (500, "System not named in the plan")
    assert f"operations.{OPERATION}.new" in document["detail"]
    assert "'also: [citizen-record]'" in document["detail"]
