"""The entitlement service's routes."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from new_services import identifiers
from new_services.entitlement import rules
from new_services.entitlement.forms import End, Entitlement, Import, Status
from new_services.entitlement.tables import ENTITLEMENT, METADATA
from new_services.kit import Answer, Call, Read, Service, Write
from new_services.problems import Problem, conflict, not_found

MOST_WEEKS = 104
"""Longest time for which payments are listed at once: two years."""


def get_entitlement(connection: Connection, call: Call) -> Answer:
    """``GET /entitlements/{nino}``."""
    row = _award(connection, identifiers.nino(call.path["nino"]))
    spouse = None
    inherited_pence = None
    if row.spouse_died is not None:
        spouse = {
            "date_of_death": row.spouse_died.isoformat(),
            "additional_amount_pence": row.additional_amount_pence,
        }
        inherited_pence = rules.inherited_pence(row.spouse_died, row.additional_amount_pence)
    return Answer(
        {
            "nino": row.nino,
            "status": row.status,
            "weekly_amount_pence": row.weekly_amount_pence,
            "inherited_amount_pence": inherited_pence,
            "late_spouse": spouse,
            "next_review": row.next_review.isoformat() if row.next_review else None,
        }
    )


def get_payments(connection: Connection, call: Call) -> Answer:
    """``GET /entitlements/{nino}/payments?from=&to=``: every payment from one day to another, both included."""
    first, last = _day(call, "from"), _day(call, "to")
    row = _award(connection, identifiers.nino(call.path["nino"]))
    if row.status == Status.SUSPENDED:
        raise conflict("award-suspended", "a suspended award is not paid")
    if (last - first).days > MOST_WEEKS * 7:
        raise Problem(422, "range-too-long", f"at most {MOST_WEEKS} weeks are listed at once")
    days = [] if row.status == Status.ENDED else rules.paydays(row.nino, first, last)
    payments = [
        {
            "date": day.isoformat(),
            "amount_pence": row.weekly_amount_pence,
            "reference": rules.reference(row.nino, day),
        }
        for day in days
    ]
    return Answer({"nino": row.nino, "payments": payments})


def post_end(connection: Connection, call: Call) -> Answer:
    """``POST /entitlements/{nino}/end``: nothing more is paid. An award that has ended stays as it is."""
    row, end = _award(connection, identifiers.nino(call.path["nino"])), call.form(End)
    if row.status != Status.ENDED:
        ended = {"status": Status.ENDED, "ended_on": end.ended_on}
        connection.execute(update(ENTITLEMENT).where(ENTITLEMENT.c.nino == row.nino).values(**ended))
    return Answer({"nino": row.nino, "status": Status.ENDED})


def import_entitlements(connection: Connection, call: Call) -> Answer:
    """``POST /import``: many awards; those that exist are replaced."""
    entitlements = call.form(Import).entitlements
    rows = [_stored(one) for one in entitlements]
    if rows:
        connection.execute(delete(ENTITLEMENT).where(ENTITLEMENT.c.nino.in_([row["nino"] for row in rows])))
        connection.execute(insert(ENTITLEMENT), rows)
    return Answer({"imported": len(rows)})


SERVICE = Service(
    "entitlement",
    METADATA,
    (
        Read("/entitlements/{nino}", get_entitlement),
        Read("/entitlements/{nino}/payments", get_payments),
        Write("POST", "/entitlements/{nino}/end", post_end),
        Write("POST", "/import", import_entitlements, is_bulk=True),
    ),
)


def _award(connection: Connection, nino: str) -> Row[Any]:
    row = connection.execute(select(ENTITLEMENT).where(ENTITLEMENT.c.nino == nino)).first()
    if row is None:
        raise not_found("entitlement-unknown", "nobody is entitled under this number")
    return row


def _day(call: Call, name: str) -> date:
    try:
        return date.fromisoformat(call.query.get(name, ""))
    except ValueError as error:
        raise Problem(400, "query-date", f"say {name} in the query, as YYYY-MM-DD") from error


def _stored(one: Entitlement) -> dict[str, Any]:
    return {
        "nino": identifiers.nino(one.nino),
        "status": one.status,
        "weekly_amount_pence": one.weekly_amount_pence,
        "spouse_died": one.late_spouse.date_of_death if one.late_spouse else None,
        "additional_amount_pence": one.late_spouse.additional_amount_pence if one.late_spouse else None,
        "next_review": one.next_review,
    }
