"""Asks the old systems and fills the shared services."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import orjson
from lxml import etree

from examples.elderly_care.seed import records
from examples.elderly_care.seed.departments import (
    Council,
    Pensions,
    UnexpectedAnswer,
    Values,
    ask_for_each,
    read_patient_index,
)
from examples.elderly_care.seed.records import Record
from legacy_adapters.contract import Link
from legacy_adapters.links import open_links
from legacy_adapters.soap import Wsdl
from strangler.plan.models import Plan

AT_ONCE = 8
"""Requests under way at each old system: they have callers to serve as well."""

CHUNK = 250
"""Records in one import."""

PATIENCE_S = 60.0
"""Longest wait for an answer: nobody waits behind it, and the machine may be busy."""

Progress = Callable[[str, int, int], None]
"""Told of each step: what is done, how many of it, of how many."""


@dataclass(frozen=True, slots=True)
class Filled:
    """How many records went into each shared service."""

    citizens: int
    entitlements: int
    care_plans: int
    clients: int


async def fill(plan: Plan, environ: Mapping[str, str], progress: Progress) -> Filled:
    """Fill the shared services of this plan.

    Raises:
        StranglerError: a system cannot be reached, or answered what cannot be used. Running again is safe.
    """
    async with open_links(_patient(plan)) as links:
        progress("patient index", 0, 1)
        system = plan.systems["patient-index"]
        index, wsdl = await asyncio.gather(
            asyncio.to_thread(read_patient_index, "patient-index", system),
            asyncio.to_thread(Wsdl, plan.systems["pensions"].wsdl or "", name="pensions"),
        )
        progress("patient index", 1, 1)
        ninos = [patient["nino"].strip() for patient in index.patients]
        awards, clients = await asyncio.gather(
            _awards(Pensions(links["pensions"], wsdl), ninos, progress),
            _clients(Council(links["council"], environ), ninos, progress),
        )
        citizens = [records.citizen(patient, awards.get(patient["nino"].strip())) for patient in index.patients]
        entitlements = [records.entitlement(nino, award) for nino, award in awards.items()]
        plans = records.care_plans(index)
        await asyncio.gather(
            _import(links["citizen-record"], "/citizens/import", "citizens", citizens, progress),
            _import(links["entitlement"], "/import", "entitlements", entitlements, progress),
            _import(links["care-plan"], "/import", "care_plans", plans, progress),
            _import(links["assessment"], "/import", "clients", clients, progress),
        )
    return Filled(len(citizens), len(entitlements), len(plans), len(clients))


def _patient(plan: Plan) -> Plan:
    systems = {
        name: system.model_copy(update={"timeout_s": max(system.timeout_s, PATIENCE_S)})
        for name, system in plan.systems.items()
    }
    return plan.model_copy(update={"systems": systems})


async def _awards(pensions: Pensions, ninos: Sequence[str], progress: Progress) -> dict[str, Values]:
    awards: dict[str, Values] = {}
    done = count(1)

    def take(nino: str, award: Values | None) -> None:
        progress("pensions", next(done), len(ninos))
        if award is not None:
            awards[nino] = award

    await ask_for_each(ninos, pensions.award, take, AT_ONCE)
    return awards


async def _clients(council: Council, ninos: Sequence[str], progress: Progress) -> list[Record]:
    clients: list[Record] = []
    done = count(1)

    def take(nino: str, page: etree._Element | None) -> None:
        progress("council", next(done), len(ninos))
        if page is not None:
            clients.append(records.client(nino, page))

    await ask_for_each(ninos, council.assessment, take, AT_ONCE)
    return clients


async def _import(link: Link, path: str, name: str, items: Sequence[Record], progress: Progress) -> None:
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        reply = await link.request(
            "POST", path, headers=(("content-type", "application/json"),), body=orjson.dumps({name: chunk})
        )
        if reply.status >= 300:
            raise UnexpectedAnswer(f"{link.name}: refused an import with {reply.status}: {_problem(reply.body)}")
        progress(link.name, start + len(chunk), len(items))


def _problem(body: bytes) -> str:
    """What a problem document says, without values."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "no problem document"
    errors = document.get("errors") or [{}]
    return f"{document.get('detail', '')} {errors[0].get('pointer', '')} {errors[0].get('detail', '')}".strip()
