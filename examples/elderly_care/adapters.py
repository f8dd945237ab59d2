"""The old side where callers cannot reach it themselves: the patient index (a database) and the council (a session)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from examples.elderly_care.contact import telephone_of
from legacy_adapters.contract import Answer, Call, Context, Handler, encode_json
from legacy_adapters.http import Login, SessionPassThrough, html_saying
from legacy_adapters.records import FromJson, FromPath, FromQuery, RecordQuery, RecordUpdate, Results, Row
from strangler.exchange import Request

JSON = (("content-type", "application/json"),)

PATIENT_COLUMNS = (
    "nhs_number, nino, family_name, given_name, birth_ddmmyy, status, telephone, gp_code, "
    "address_1, address_2, address_3, address_4, postcode"
)

NOW: Mapping[str, str] = {
    "sqlite": "strftime('%Y-%m-%dT%H\\:%M\\:%S', 'now')",
    "postgresql": "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24\\:MI\\:SS')",
    "mariadb": "date_format(utc_timestamp(), '%Y-%m-%dT%H\\:%i\\:%s')",
}
"""The database's time as the index writes it, to the second; a colon is escaped from the parameters' syntax."""


def text(value: object) -> str:
    """A CHAR column without its padding."""
    return str(value).rstrip(" ")


def birth_date(ddmmyy: str) -> str:
    """ISO 8601 from the index's two-digit year: nobody in it was born in another century."""
    return f"19{ddmmyy[4:6]}-{ddmmyy[2:4]}-{ddmmyy[0:2]}"


def iso_date(yyyymmdd: str) -> str:
    """ISO 8601 from a date without hyphens."""
    return f"{yyyymmdd[0:4]}-{yyyymmdd[4:6]}-{yyyymmdd[6:8]}"


def hours(implied: str) -> str:
    """``00750`` as ``7.50``: the last two digits are behind a point that is not written."""
    return f"{int(implied[:-2])}.{implied[-2:]}"


def lines_of(row: Row) -> list[str]:
    """The address lines that are there."""
    return [text(row[f"address_{number}"]) for number in range(1, 5) if row[f"address_{number}"] is not None]


def _patient(results: Results) -> Mapping[str, Any]:
    row = results["rows"][0]
    return {
        "nhsNumber": text(row["nhs_number"]),
        "familyName": text(row["family_name"]),
        "givenName": text(row["given_name"]),
        "dateOfBirth": birth_date(row["birth_ddmmyy"]),
        "telephone": text(row["telephone"]),
        "address": {"lines": lines_of(row), "postcode": text(row["postcode"])},
        "gpCode": text(row["gp_code"]),
    }


find_patient = RecordQuery(
    f"SELECT {PATIENT_COLUMNS} FROM patient_now WHERE nhs_number = REPLACE(:nhs, ' ', '')",
    path="/health/patients",
    parameters={"nhs": FromQuery("nhsNumber")},
    shape=_patient,
)


def _care_plan(results: Results) -> Mapping[str, Any]:
    row = results["rows"][0]
    return {
        "nhsNumber": text(row["nhs_number"]),
        "openedOn": iso_date(row["opened_on"]),
        "weeklyHours": hours(row["weekly_hours"]),
        "dependency": text(row["dependency"]),
        "livesAlone": row["lives_alone"] == "Y",
        **_if_there("note", row["note"]),
        "contacts": [
            {
                "name": text(contact["name"]),
                "relation": text(contact["relation"]),
                "telephone": text(contact["telephone"]),
                "keyHolder": contact["keyholder"] == "Y",
            }
            for contact in results["contacts"]
        ],
        "reviews": [
            {
                "date": iso_date(review["reviewed_on"]),
                "outcome": text(review["outcome"]),
                **_if_there("remark", review["remark"]),
            }
            for review in results["reviews"]
        ],
    }


def _if_there(name: str, value: str | None) -> dict[str, str]:
    return {} if value is None else {name: value}


get_care_plan = RecordQuery(
    "SELECT nhs_number, opened_on, weekly_hours, dependency, lives_alone, note FROM care_plan "
    "WHERE nhs_number = REPLACE(:nhs, ' ', '')",
    path="/health/patients/{nhs}/care-plan",
    parameters={"nhs": FromPath("nhs")},
    shape=_care_plan,
    more={
        "contacts": "SELECT name, relation, telephone, keyholder FROM contact_list "
        "WHERE nhs_number = REPLACE(:nhs, ' ', '')",
        "reviews": "SELECT reviewed_on, outcome, remark FROM plan_review "
        "WHERE nhs_number = REPLACE(:nhs, ' ', '') ORDER BY review_no",
    },
)


def _changed(results: Results) -> Mapping[str, Any]:
    row = results["rows"][0]
    return {
        "nhsNumber": text(row["nhs_number"]),
        "telephone": text(row["telephone"]),
        "status": "accepted",
        "updatedAt": f"{text(row['changed_at'])}Z",
    }


def update_contact(context: Context) -> Handler:
    """A new telephone number is a row in a table of changes; readers see it a little later."""
    now = NOW[context.system.system.dialect or "sqlite"]
    insert = (
        "INSERT INTO contact_change (nhs_number, telephone, changed_at) "
        f"SELECT nhs_number, :telephone, {now} FROM patient WHERE nhs_number = REPLACE(:nhs, ' ', '')"
    )
    update = RecordUpdate(
        [insert],
        path="/health/patients/{nhs}/contact",
        parameters={"nhs": FromPath("nhs"), "telephone": FromJson("telephone")},
        then="SELECT nhs_number, telephone, changed_at FROM contact_change "
        "WHERE nhs_number = REPLACE(:nhs, ' ', '') ORDER BY seq DESC LIMIT 1",
        shape=_changed,
    )
    return _Checked(update(context))


@dataclass(frozen=True, slots=True)
class _Checked:
    """Refuses a contact that the index could not hold, before it is asked."""

    inner: Handler

    async def answer(self, request: Request, call: Call) -> Answer:
        if telephone_of(request.body) is None:
            return Answer(400, JSON, encode_json({"error": "invalid"}))
        return await self.inner.answer(request, call)

    async def close(self) -> None:
        await _close(self.inner)


council_session = SessionPassThrough(
    Login("/council/login", {"user": "${COUNCIL_USER:-gateway}", "office": "${COUNCIL_OFFICE:-LS1}"}),
    is_expired=html_saying("session expired"),
)


def council(context: Context) -> Handler:
    """The council's pages within a session that callers need not hold, in the encoding that they are declared in."""
    return _Readable(council_session(context))


@dataclass(frozen=True, slots=True)
class _Readable:
    """Pages that are declared UTF-8 and are cp1252 become UTF-8; no caller could read them as they are."""

    inner: Handler

    async def answer(self, request: Request, call: Call) -> Answer:
        answer = await self.inner.answer(request, call)
        return replace(answer, body=as_declared(answer.body))

    async def close(self) -> None:
        await _close(self.inner)


def as_declared(body: bytes) -> bytes:
    """The body as UTF-8, whether it was that already or cp1252."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace").encode()
    return body


async def _close(handler: Handler) -> None:
    close = getattr(handler, "close", None)
    if close is not None:
        await close()
