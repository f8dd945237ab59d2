"""The council's form operations, answered by the assessment service."""

import re
from collections.abc import Mapping
from typing import Any

from legacy_adapters.contract import Answer, Call, Reply
from legacy_adapters.facade import FormRefused, FormXmlFacade

XML = "text/xml; charset=UTF-8"
BAND_CODES = {"low": "L", "moderate": "M", "substantial": "S", "critical": "C"}
ERRORS = {
    "client-unknown": ("NF", "No client is held under this number"),
    "assessment-none": ("NA", "No assessment has been made"),
}
"""What the old application would have said, with status 200, for each problem of the new service."""

NO_NINO = (
    "<html><head><title>Application error</title></head>"
    "<body><h1>Application error</h1><p>The form has no NINO.</p></body></html>"
)


async def _get_assessment(form: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    found = _value(await call.ask("GET", f"/assessments/{_nino(form)}"))
    year, month, day = found["assessed_on"].split("-")
    return {
        "nino": found["nino"],
        "band": {"@code": BAND_CODES[found["band"]]},
        "weeklyHours": found["weekly_hours"],
        "assessor": found["assessor"],
        "summary": found["summary"],
        "assessedOn": f"{day}/{month}/{year}",
    }


async def _request_assessment(form: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    wanted = {"nino": _nino(form), "reason": form.get("reason", "")}
    made = _value(await call.ask("POST", "/assessments", json=wanted))
    return {"id": f"AR-{made['id'][:8].upper()}", "status": made["status"].upper()}


get_assessment = FormXmlFacade("assessment", _get_assessment, content_type=XML)
request_assessment = FormXmlFacade("request", _request_assessment, content_type=XML)


_NINO = re.compile(r"[A-Z]{2}\d{6}[A-D]")


def _nino(form: Mapping[str, Any]) -> str:
    """The NINO as the new service has it; one of another form is nobody's, and the old application says so too."""
    nino = "".join(form.get("nino", "").split()).upper()
    if not nino:
        raise FormRefused(Answer(500, (("content-type", "text/html; charset=UTF-8"),), NO_NINO.encode()))
    if not _NINO.fullmatch(nino):
        raise _refused("client-unknown")
    return nino


def _value(reply: Reply) -> Any:
    """The answer's value, or the refusal that the old application would have answered."""
    if reply.status < 300:
        return reply.json()
    problem = reply.json() if "json" in (reply.header("content-type") or "") else {}
    slug = str(problem.get("type", "")).removeprefix("urn:problem:")
    if slug not in ERRORS:
        raise FormRefused(Answer(reply.status, (("content-type", reply.header("content-type") or ""),), reply.body))
    raise _refused(slug)


def _refused(slug: str) -> FormRefused:
    code, message = ERRORS[slug]
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<error code="{code}">{message}</error>'
    return FormRefused(Answer(200, (("content-type", XML),), body.encode()))
