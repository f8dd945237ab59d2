"""Pensions' SOAP operations, answered by the entitlement service and the citizen record."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from legacy_adapters.contract import Answer, Ask, Call, Context, Handler, Reply
from legacy_adapters.facade import SoapFacade, SoapFault
from strangler.exchange import Request

RECORD = "citizen-record"
ENTITLEMENT = "entitlement"
STATUS_CODES = {"active": "A", "ended": "D", "suspended": "S"}
FAULTS = {
    "citizen-unknown": ("NotFound", "No person is held under this number"),
    "entitlement-unknown": ("NotFound", "No person is held under this number"),
    "award-suspended": ("Suspended", "The award is suspended"),
    "range-too-long": ("RangeTooLong", "At most 104 payments can be listed"),
    "death-already-reported": ("AlreadyReported", "A death has been reported already"),
    "query-date": ("Invalid", "The request does not follow the schema"),
}
"""What the old service would have said, for each problem of the new ones."""

FAULTS_WITH_200 = frozenset({"Suspended"})
"""The one fault that the old service never gave another status."""

_NINO = re.compile(r"[A-Z]{2}\d{6}[A-D]")


class _PassedOn(Exception):
    """The new service answered something that has no SOAP form: the caller gets it as it is."""

    def __init__(self, reply: Reply) -> None:
        self.answer = Answer(reply.status, (("content-type", reply.header("content-type") or ""),), reply.body)
        super().__init__(f"passed on a {reply.status}")


async def _get_entitlement(values: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    nino = _nino(values)
    award_reply, record_reply = await asyncio.gather(
        call.ask("GET", f"/entitlements/{nino}"),
        call.ask("GET", f"/citizens/{nino}", query={"as_held_by": "pensions"}, system=RECORD),
    )
    award, record = _value(award_reply), _value(record_reply)
    return {
        "nino": award["nino"],
        "name": record["name"],
        "dateOfBirth": record["date_of_birth"],
        "status": STATUS_CODES[award["status"]],
        "weeklyAmount": _pounds(award["weekly_amount_pence"]),
        **_inherited(award),
        "correspondenceAddress": {"line": record["address"]["lines"], "postcode": record["address"]["postcode"] or ""},
        "nextReview": award["next_review"],
        **_stamp(),
    }


async def _get_payment_schedule(values: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    nino = _nino(values)
    span = {"from": values["from"].strip()[:10], "to": values["to"].strip()[:10]}
    listed = _value(await call.ask("GET", f"/entitlements/{nino}/payments", query=span))
    payments = [
        {"date": one["date"], "amount": one["amount_pence"], "reference": one["reference"]}
        for one in listed["payments"]
    ]
    return {"nino": listed["nino"], "payment": payments, **_stamp()}


async def _change_address(values: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    address = values["address"]
    change = {"lines": [line or "" for line in address["line"]], "postcode": address["postcode"], "told_to": "pensions"}
    _value(await call.ask("PUT", f"/citizens/{_nino(values)}/address", json=change, system=RECORD))
    return {"accepted": True, "changedAt": _now()}


async def _report_death(values: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    """The citizen record hears it first, and refuses a second report; then nothing more is paid."""
    nino, died = _nino(values), values["dateOfDeath"].strip()[:10]
    reported = _value(await call.ask("POST", f"/citizens/{nino}/death", json={"date_of_death": died}, system=RECORD))
    _value(await call.ask("POST", f"/entitlements/{nino}/end", json={"ended_on": died}))
    return {"reference": f"RD-{reported['reference'][:8].upper()}"}


@dataclass(frozen=True, slots=True)
class PensionsFacade:
    """A SOAP facade that passes on what it does not know, rather than make a fault of it that the old never gave."""

    operation: str
    ask: Ask

    def __call__(self, context: Context) -> Handler:
        """Make the handler."""
        return _Pensions(SoapFacade(self.operation, self.ask, invalid=_invalid)(context))


@dataclass(frozen=True, slots=True)
class _Pensions:
    inner: Handler

    async def answer(self, request: Request, call: Call) -> Answer:
        try:
            return await self.inner.answer(request, call)
        except _PassedOn as passed:
            return passed.answer


get_entitlement = PensionsFacade("GetEntitlement", _get_entitlement)
get_payment_schedule = PensionsFacade("GetPaymentSchedule", _get_payment_schedule)
change_address = PensionsFacade("ChangeAddress", _change_address)
report_death = PensionsFacade("ReportDeath", _report_death)


def _nino(values: Mapping[str, Any]) -> str:
    """The NINO as the new services have it; one of another form is nobody's, and the old service says so too."""
    nino = "".join((values.get("nino") or "").split()).upper()
    if not _NINO.fullmatch(nino):
        raise _fault("citizen-unknown")
    return nino


def _value(reply: Reply) -> Any:
    """The answer's value, or the fault that the old service would have answered."""
    if reply.status < 300:
        return reply.json()
    problem = reply.json() if "json" in (reply.header("content-type") or "") else {}
    slug = str(problem.get("type", "")).removeprefix("urn:problem:")
    if slug in FAULTS:
        raise _fault(slug)
    raise _PassedOn(reply)


def _invalid(_why: str) -> SoapFault:
    """The old service told nobody what was wrong."""
    return _fault("query-date")


def _fault(slug: str) -> SoapFault:
    code, message = FAULTS[slug]
    status = 200 if code in FAULTS_WITH_200 else 500
    return SoapFault("soap:Client", message, {"PensionsFault": {"code": code}}, status=status)


def _inherited(award: Mapping[str, Any]) -> dict[str, Any]:
    spouse = award["late_spouse"]
    if spouse is None:
        return {}
    late = {
        "dateOfDeath": spouse["date_of_death"],
        "additionalAmount": _pounds(spouse["additional_amount_pence"]),
    }
    return {"inheritedAmount": _pounds(award["inherited_amount_pence"]), "lateSpouse": late}


def _pounds(pence: int) -> str:
    return f"{pence // 100}.{pence % 100:02d}"


def _stamp() -> dict[str, str]:
    return {"answeredAt": _now(), "correlationId": uuid4().hex}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
