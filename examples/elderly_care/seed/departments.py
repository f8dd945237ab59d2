"""Asks the three departments for everything they hold.

Nobody in the estate can list its people but the patient index, so that comes first, in one transaction; then pensions
and the council are asked for each of its NINOs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lxml import etree
from sqlalchemy import text

from examples.elderly_care.adapters import PATIENT_COLUMNS, as_declared, council_session
from legacy_adapters import envelope
from legacy_adapters.contract import Link
from legacy_adapters.odbc import engine_for
from legacy_adapters.soap import Wsdl
from strangler.errors import StranglerError
from strangler.plan.models import System

TOLERATED = frozenset({"dateOfBirth", "nextReview"})
"""Elements of pensions' answers that are known not to be as the WSDL says: dd/mm/yyyy, and empty dates."""

T = TypeVar("T")
Row = Mapping[str, Any]
Values = Mapping[str, Any]


class UnexpectedAnswer(StranglerError):
    """A department answered what seeding cannot use; the message has no personal data."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class PatientIndex:
    """What the patient index holds; plans, contacts and reviews are joined by ``nhs_number``."""

    patients: Sequence[Row]
    plans: Sequence[Row]
    contacts: Sequence[Row]
    reviews: Sequence[Row]


STATEMENTS = {
    "patients": f"SELECT {PATIENT_COLUMNS} FROM patient_now ORDER BY nhs_number",
    "plans": "SELECT nhs_number, opened_on, weekly_hours, dependency, lives_alone, note FROM care_plan",
    "contacts": "SELECT nhs_number, name, relation, telephone, keyholder FROM plan_contact ORDER BY contact_id",
    "reviews": "SELECT nhs_number, reviewed_on, outcome, remark FROM plan_review ORDER BY nhs_number, review_no",
}


def read_patient_index(name: str, system: System) -> PatientIndex:
    """Everything in the patient index, as of one moment. Blocking."""
    engine = engine_for(
        system.connection or "", system.dialect or "sqlite", timeout_s=system.timeout_s, concurrency=1, name=name
    )
    try:
        with engine.begin() as connection:
            found = {
                table: [dict(row) for row in connection.execute(text(statement)).mappings()]
                for table, statement in STATEMENTS.items()
            }
    finally:
        engine.dispose()
    return PatientIndex(**found)


class Pensions:
    """GetEntitlement for one citizen after another, each answer held against the WSDL: zeep hides what is wrong."""

    def __init__(self, link: Link, wsdl: Wsdl) -> None:
        operation = wsdl.operation("GetEntitlement")
        self._link, self._wsdl, self._operation = link, wsdl, operation
        self._target = "/" + wsdl.address.split("/", 3)[3]
        self._request = envelope.wrap(wsdl.render(operation.request, {"nino": "NINO"}))
        self._headers = (("content-type", envelope.CONTENT_TYPE), ("soapaction", f'"{operation.action}"'))

    async def award(self, nino: str) -> Values | None:
        """The entitlement's members; ``None`` where pensions holds nobody under this number."""
        body = self._request.replace(b">NINO<", f">{nino}<".encode())
        reply = await self._link.request("POST", self._target, headers=self._headers, body=body)
        try:
            element = envelope.parse(reply.body)
        except envelope.NotSoap as error:
            raise UnexpectedAnswer(f"{self._link.name}: answered {reply.status}, which is not SOAP: {error}") from error
        fault = envelope.fault_of(element)
        if fault is not None:
            if reply.status == 500 and b">NotFound<" in reply.body:
                return None
            raise UnexpectedAnswer(f"{self._link.name}: {fault.message}")
        wrong = [problem for problem in self._wsdl.schema.problems(element) if problem.name not in TOLERATED]
        if wrong:
            raise UnexpectedAnswer(f"{self._link.name}: not as its WSDL says: {wrong[0]}")
        return self._wsdl.read(element)


class Council:
    """The assessment of one citizen after another, within the council's sessions."""

    def __init__(self, link: Link, environ: Mapping[str, str]) -> None:
        self._name = link.name
        self._http = council_session.http(link, environ)

    async def assessment(self, nino: str) -> etree._Element | None:
        """The ``assessment`` or ``error`` element; ``None`` where the council holds nobody under this number."""
        reply = await self._http.request(
            "POST",
            "/council/assessment",
            headers=(("content-type", "application/x-www-form-urlencoded"),),
            body=f"nino={nino}".encode(),
        )
        if reply.status != 200 or "xml" not in (reply.header("content-type") or ""):
            raise UnexpectedAnswer(f"{self._name}: answered {reply.status} with {reply.header('content-type')}")
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        element = etree.fromstring(as_declared(reply.body), parser)
        return None if element.get("code") == "NF" else element


async def ask_for_each(
    keys: Sequence[str], ask: Callable[[str], Awaitable[T]], take: Callable[[str, T], None], at_once: int
) -> None:
    """Give each key's answer to ``take``, as they come, with at most ``at_once`` under way.

    Raises:
        Exception: the first that ``ask`` raised; nothing more is asked then.
    """
    waiting = iter(keys)

    async def work() -> None:
        for key in waiting:
            take(key, await ask(key))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(keys))):
                group.create_task(work())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
