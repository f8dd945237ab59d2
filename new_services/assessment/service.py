"""The assessment service's routes."""

from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, insert, select, update

from new_services import identifiers
from new_services.assessment.forms import AssessmentRequest, Import
from new_services.assessment.tables import CLIENT, METADATA, REQUEST
from new_services.kit import Answer, Call, Read, Service, Write
from new_services.problems import not_found


def get_assessment(connection: Connection, call: Call) -> Answer:
    """``GET /assessments/{nino}``. A client without an assessment is told apart from no client."""
    row = _client(connection, identifiers.nino(call.path["nino"]))
    if row.assessment is None:
        raise not_found("assessment-none", "this client has not been assessed")
    return Answer({"nino": row.nino, **row.assessment})


def post_request(connection: Connection, call: Call) -> Answer:
    """``POST /assessments``: ask for an assessment; what was found before stays until it is made."""
    wanted = call.form(AssessmentRequest)
    row = _client(connection, identifiers.nino(wanted.nino))
    request_id = str(uuid4())
    connection.execute(insert(REQUEST).values(id=request_id, nino=row.nino, reason=wanted.reason, at=call.now))
    return Answer({"id": request_id, "status": "received"}, 201)


def import_clients(connection: Connection, call: Call) -> Answer:
    """``POST /import``: many clients with what was found; those that exist are brought up to date."""
    rows = {
        identifiers.nino(client.nino): client.assessment.model_dump(mode="json") if client.assessment else None
        for client in call.form(Import).clients
    }
    known = set(connection.execute(select(CLIENT.c.nino).where(CLIENT.c.nino.in_(rows))).scalars())
    for nino in known:  # not replaced: requests refer to them
        connection.execute(update(CLIENT).where(CLIENT.c.nino == nino).values(assessment=rows[nino]))
    fresh = [{"nino": nino, "assessment": found} for nino, found in rows.items() if nino not in known]
    if fresh:
        connection.execute(insert(CLIENT), fresh)
    return Answer({"imported": len(rows)})


SERVICE = Service(
    "assessment",
    METADATA,
    (
        Read("/assessments/{nino}", get_assessment),
        Write("POST", "/assessments", post_request),
        Write("POST", "/import", import_clients, is_bulk=True),
    ),
)


def _client(connection: Connection, nino: str) -> Row[Any]:
    row = connection.execute(select(CLIENT).where(CLIENT.c.nino == nino)).first()
    if row is None:
        raise not_found("client-unknown", "no client has this number")
    return row
