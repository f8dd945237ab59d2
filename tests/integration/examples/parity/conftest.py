"""The estate, the shared services in both releases, and the gateway between: what callers would have seen."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
import uvicorn

from examples.elderly_care.population import TODAY, citizens
from examples.elderly_care.release_1 import assessment as assessment_1
from examples.elderly_care.release_1 import care_plan as care_plan_1
from examples.elderly_care.release_1 import citizen_record as citizen_record_1
from examples.elderly_care.release_1 import entitlement as entitlement_1
from examples.elderly_care.seed.fill import fill
from examples.elderly_care.traffic.callers import Asked
from legacy_adapters.contract import Answer
from legacy_adapters.handlers import Gateway, open_gateway
from new_services.assessment.service import SERVICE as ASSESSMENT
from new_services.care_plan.service import SERVICE as CARE_PLAN
from new_services.citizen_record.service import SERVICE as CITIZEN_RECORD
from new_services.citizen_record.service import telling
from new_services.entitlement.service import SERVICE as ENTITLEMENT
from new_services.kit import Service, create_app
from parity_checks.compare.comparison import Comparison, NotCompared, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Difference, Observation, Request
from strangler.plan.loader import load_plan
from strangler.plan.models import Plan
from strangler.stages import Side

PLAN = Path(__file__).parents[4] / "examples" / "elderly_care" / "migration.yaml"
RELEASE_1 = (citizen_record_1.SERVICE, entitlement_1.SERVICE, care_plan_1.SERVICE, assessment_1.SERVICE)
RELEASE_2 = (telling(CITIZEN_RECORD), ENTITLEMENT, CARE_PLAN, ASSESSMENT)
COUNT = 600
"""As many as the estate of these tests holds: every kind of citizen is among them."""


HEAD = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:example:pensions:1"><s:Body>'
    "<{action}><nino>{nino}</nino>{content}</{action}></s:Body></s:Envelope>"
)
NAMES = {
    "GetEntitlement": "pensions.get-entitlement",
    "GetPaymentSchedule": "pensions.get-payment-schedule",
    "ChangeAddress": "pensions.change-address",
    "ReportDeath": "pensions.report-death",
}


class Ask:
    """Requests as callers make them."""

    def soap(self, action, nino, content=""):
        headers = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{action}"'}
        body = HEAD.format(action=action, nino=nino, content=content).encode()
        return Asked(NAMES[action], "POST", "/pensions", headers, body)

    def schedule(self, nino, first_days, last_days):
        first, last = TODAY + timedelta(days=first_days), TODAY + timedelta(days=last_days)
        return self.soap("GetPaymentSchedule", nino, f"<from>{first}</from><to>{last}</to>")

    def change_address(self, nino, *lines, postcode="ZZ1 1AB"):
        inner = "".join(f"<line>{line}</line>" for line in lines)
        return self.soap("ChangeAddress", nino, f"<address>{inner}<postcode>{postcode}</postcode></address>")

    def report_death(self, nino, day="2026-02-01"):
        return self.soap("ReportDeath", nino, f"<dateOfDeath>{day}</dateOfDeath>")

    def find_patient(self, number):
        return Asked(
            "health.find-patient", "GET", f"/health/patients?nhsNumber={number}", {"accept": "application/json"}
        )

    def care_plan(self, number):
        return Asked(
            "health.get-care-plan", "GET", f"/health/patients/{number}/care-plan", {"accept": "application/json"}
        )

    def update_contact(self, number, body):
        target = f"/health/patients/{number}/contact"
        return Asked("health.update-contact", "PUT", target, {"content-type": "application/json"}, body)

    def form(self, operation, target, **fields):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return Asked(operation, "POST", target, headers, urlencode(fields).encode())

    def assessment(self, nino):
        return self.form("council.get-assessment", "/council/assessment", nino=nino)

    def request_assessment(self, nino, reason="carer’s request"):
        return self.form("council.request-assessment", "/council/assessment-request", nino=nino, reason=reason)

    def reads(self, citizen):
        """Everything that can be read of one citizen: sixty weeks of payments, with both changes of the clock."""
        return [
            self.soap("GetEntitlement", citizen.nino),
            self.schedule(citizen.nino, -420, 0),
            self.find_patient(citizen.nhs_number),
            self.care_plan(citizen.nhs_number),
            self.assessment(citizen.nino),
        ]


@dataclass(frozen=True)
class Shown:
    """One difference and the request that showed it."""

    asked: Asked
    difference: Difference


@dataclass
class Release:
    """One release behind the gateway, beside the old systems."""

    plan: Plan
    environ: dict[str, str]

    def differences(self, requests: Sequence[Asked]) -> list[Shown]:
        """Ask both sides, old first, and compare as the worker would."""
        return asyncio.run(self._differences(requests))

    def only_new(self, asked: Asked, exchange: str) -> Answer:
        """Ask the new side alone, as the worker does for this exchange."""
        return asyncio.run(self._only_new(asked, exchange))

    async def _only_new(self, asked: Asked, exchange: str) -> Answer:
        headers = (*asked.headers.items(), ("x-strangler-exchange", exchange))
        async with open_gateway(self.plan, self.environ) as gateway:
            return await gateway.answer(
                "new", asked.operation, Request(asked.method, asked.target, headers, asked.body)
            )

    def seed(self) -> None:
        """Fill the new services from the old systems."""
        asyncio.run(fill(self.plan, self.environ, lambda *_: None))

    async def _differences(self, requests: Sequence[Asked]) -> list[Shown]:
        found: list[Shown] = []
        waiting = iter(requests)
        rules = {name: compile_rules(name, entry.compare) for name, entry in self.plan.operations.items()}
        async with open_gateway(self.plan, self.environ) as gateway, httpx.AsyncClient(timeout=10) as client:

            async def work() -> None:
                for asked in waiting:
                    request = Request(asked.method, asked.target, tuple(asked.headers.items()), asked.body)
                    old = await self._old(gateway, client, asked, request)
                    new = await self._new(gateway, asked, request)
                    told = compare(old, new, rules[asked.operation])
                    assert not isinstance(told, NotCompared), (asked, told)
                    assert isinstance(told, Comparison)
                    found.extend(Shown(asked, one) for one in told.differences)

            async with asyncio.TaskGroup() as group:
                for _ in range(8):
                    group.create_task(work())
        return found

    async def _old(self, gateway: Gateway, client: httpx.AsyncClient, asked: Asked, request: Request) -> Observation:
        if asked.operation.startswith("pensions."):
            url = self.environ["PENSIONS_URL"] + asked.target
            reply = await client.request(asked.method, url, headers=dict(asked.headers), content=asked.body)
            return Observation(Side.OLD, reply.status_code, tuple(reply.headers.items()), reply.content)
        answer = await gateway.answer("old", asked.operation, request)
        return Observation(Side.OLD, answer.status, answer.headers, answer.body)

    async def _new(self, gateway: Gateway, asked: Asked, request: Request) -> Observation:
        answer = await gateway.answer("new", asked.operation, request)
        assert answer.status not in (500, 502, 503, 504) or b"Fault>" in answer.body, (asked, answer)
        return Observation(Side.NEW, answer.status, answer.headers, answer.body)


@contextmanager
def serving(services: Sequence[Service], folder: Path, build: str) -> Iterator[dict[str, str]]:
    """Run the services over databases in the folder, each in a thread of its own; give their addresses."""
    servers: list[tuple[uvicorn.Server, threading.Thread]] = []
    addresses: dict[str, str] = {}
    apps = []
    for service in services:
        app = create_app(service, build, f"sqlite:///{folder}/{service.name}.db")
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=service.name)
        thread.start()
        apps.append(app)
        servers.append((server, thread))
        addresses[f"{service.name.upper()}_URL"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
    deadline = time.monotonic() + 10
    while not all(server.started for server, _ in servers):
        assert time.monotonic() < deadline, "the services did not start"
        time.sleep(0.02)
    try:
        yield addresses
    finally:
        for server, _ in servers:
            server.should_exit = True
        for _, thread in servers:
            thread.join(10)
        for app in apps:
            app.state.database.close()


@pytest.fixture(scope="session")
def pensions(running, tmp_path_factory):
    """A pensions system of these tests' own: they change addresses and report deaths."""
    with running("pensions", tmp_path_factory.mktemp("pensions"), "--citizens", str(COUNT)) as system:
        yield system


@pytest.fixture(scope="session")
def council(running, tmp_path_factory):
    with running("council", tmp_path_factory.mktemp("council"), "--citizens", str(COUNT)) as system:
        yield system


@pytest.fixture(scope="session")
def ask() -> Ask:
    return Ask()


@pytest.fixture(scope="session")
def plan_file() -> Path:
    return PLAN


@pytest.fixture(scope="session")
def people():
    return tuple(citizens(COUNT))


@pytest.fixture(scope="session")
def old_estate(pensions, council, tmp_path_factory) -> dict[str, str]:
    """Addresses of the old systems; the patient index is these tests' own."""
    odbc = f"DRIVER=SQLite3;Database={tmp_path_factory.mktemp('parity') / 'index.db'};JournalMode=WAL"
    command = [sys.executable, "-m", "examples.elderly_care.estate.health", "--odbc", odbc, "--dialect", "sqlite"]
    subprocess.run([*command, "--citizens", str(COUNT)], check=True, stdout=subprocess.DEVNULL)
    return {
        "PENSIONS_URL": pensions.url,
        "COUNCIL_URL": council.url,
        "PATIENT_INDEX_ODBC": odbc,
        "GATEWAY_URL": "http://127.0.0.1:9",
    }


@contextmanager
def released(services: Sequence[Service], build: str, old: dict[str, str], folder: Path) -> Iterator[Release]:
    with serving(services, folder, build) as new:
        environ = old | new
        plan = load_plan(PLAN, environ).plan
        release = Release(plan, environ)
        release.seed()
        yield release


@pytest.fixture(scope="module")
def release_2(old_estate, tmp_path_factory) -> Iterator[Release]:
    with released(RELEASE_2, "release-2", old_estate, tmp_path_factory.mktemp("release_2")) as release:
        yield release


@pytest.fixture(scope="module")
def release_1(old_estate, tmp_path_factory) -> Iterator[Release]:
    with released(RELEASE_1, "release-1", old_estate, tmp_path_factory.mktemp("release_1")) as release:
        yield release
