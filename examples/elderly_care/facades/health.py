"""The health service's JSON operations, answered by the citizen record and the care plan service."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from examples.elderly_care.contact import telephone_of
from legacy_adapters.ask import query_values
from legacy_adapters.contract import Answer, BadRequest, Call, Context, Handler, encode_json
from legacy_adapters.facade import JsonFacade
from strangler.exchange import Request

JSON = (("content-type", "application/json"),)
RELATION_CODES = {"spouse": "01", "child": "02", "neighbour": "03", "paid-carer": "04"}
OUTCOME_CODES = {"no-change": "NC", "more-hours": "UP", "fewer-hours": "DN"}
NOBODY = (404, {"error": "not-found"})
UNKNOWN_OR_NO_NUMBER = {404: NOBODY, 400: NOBODY}


def _patient(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "nhsNumber": record["nhs_number"],
        "familyName": record["family_name"],
        "givenName": record["given_name"],
        "dateOfBirth": record["date_of_birth"],
        "telephone": record["contact"]["telephone"],
        "address": {"lines": record["address"]["lines"], "postcode": record["address"]["postcode"]},
        "gpCode": record["gp_code"],
    }


_by_number = JsonFacade(
    caller_path="/health/patients",
    path="/citizens?as_held_by=health",  # its own copy of the address, until health's callers have all moved
    query={"nhs_number": "nhsNumber"},
    shape=_patient,
    errors=UNKNOWN_OR_NO_NUMBER,
)


def find_patient(context: Context) -> Handler:
    """Who has this number; without a number the request is a bad one, as the index's adapter says too."""
    return _WithNumber(_by_number(context))


@dataclass(frozen=True, slots=True)
class _WithNumber:
    inner: Handler

    async def answer(self, request: Request, call: Call) -> Answer:
        if "nhsNumber" not in query_values(request):
            raise BadRequest("the query has no nhsNumber")
        return await self.inner.answer(request, call)


def _care_plan(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "nhsNumber": plan["nhs_number"],
        "openedOn": plan["opened_on"],
        "weeklyHours": plan["weekly_hours"],
        "dependency": str(plan["dependency"]),
        "livesAlone": plan["lives_alone"],
        **_if_there("note", plan),
        "contacts": [
            {
                "name": contact["name"],
                "relation": RELATION_CODES[contact["relation"]],
                "telephone": contact["telephone"],
                "keyHolder": contact["is_keyholder"],
            }
            for contact in plan["contacts"]
        ],
        "reviews": [
            {"date": review["date"], "outcome": OUTCOME_CODES[review["outcome"]], **_if_there("remark", review)}
            for review in plan["reviews"]
        ],
    }


def _if_there(name: str, members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: members[name]} if name in members else {}


get_care_plan = JsonFacade(
    caller_path="/health/patients/{nhs}/care-plan",
    path="/care-plans/{nhs}",
    shape=_care_plan,
    errors=UNKNOWN_OR_NO_NUMBER,
)


class UpdateContact:
    """A new telephone number. The record goes by NINO, callers by NHS number: so it is found first, then changed."""

    async def answer(self, request: Request, call: Call) -> Answer:
        """Answer as the index's adapter does."""
        telephone = telephone_of(request.body)
        if telephone is None:
            return Answer(400, JSON, encode_json({"error": "invalid"}))
        nhs_number = unquote(request.path.split("/")[3])
        found = await call.ask("GET", "/citizens", query={"nhs_number": nhs_number})
        if found.status in UNKNOWN_OR_NO_NUMBER:
            return Answer(NOBODY[0], JSON, encode_json(NOBODY[1]))
        if found.status >= 300:
            return Answer(found.status, (("content-type", found.header("content-type") or ""),), found.body)
        record = found.json()
        done = await call.ask("PUT", f"/citizens/{record['nino']}/contact", json={"telephone": telephone})
        if done.status >= 300:
            return Answer(done.status, (("content-type", done.header("content-type") or ""),), done.body)
        answer = {
            "nhsNumber": record["nhs_number"],
            "telephone": done.json()["contact"]["telephone"],
            "status": "accepted",
            "updatedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return Answer(200, JSON, encode_json(answer))


update_contact = UpdateContact()
