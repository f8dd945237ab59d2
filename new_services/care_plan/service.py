"""The care plan service's routes."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from new_services import identifiers
from new_services.care_plan.forms import CarePlan, Import
from new_services.care_plan.tables import CARE_PLAN, METADATA
from new_services.kit import Answer, Call, Read, Service, Write
from new_services.problems import not_found


def get_care_plan(connection: Connection, call: Call) -> Answer:
    """``GET /care-plans/{nhs_number}``. What is not known is left out."""
    wanted = identifiers.nhs_number(call.path["nhs_number"])
    row = connection.execute(select(CARE_PLAN).where(CARE_PLAN.c.nhs_number == wanted)).first()
    if row is None:
        raise not_found("care-plan-unknown", "nobody has a care plan under this number")
    answer = {
        "nhs_number": row.nhs_number,
        "opened_on": row.opened_on.isoformat(),
        "weekly_hours": f"{Decimal(row.weekly_centihours) / 100:.2f}",
        "dependency": row.dependency,
        "lives_alone": row.lives_alone,
        "contacts": row.contacts,
        "reviews": row.reviews,
    }
    return Answer(answer if row.note is None else answer | {"note": row.note})


def import_care_plans(connection: Connection, call: Call) -> Answer:
    """``POST /import``: many plans; those that exist are replaced."""
    rows = [_stored(plan) for plan in call.form(Import).care_plans]
    if rows:
        numbers = [row["nhs_number"] for row in rows]
        connection.execute(delete(CARE_PLAN).where(CARE_PLAN.c.nhs_number.in_(numbers)))
        connection.execute(insert(CARE_PLAN), rows)
    return Answer({"imported": len(rows)})


SERVICE = Service(
    "care_plan",
    METADATA,
    (
        Read("/care-plans/{nhs_number}", get_care_plan),
        Write("POST", "/import", import_care_plans, is_bulk=True),
    ),
)


def _stored(plan: CarePlan) -> dict[str, Any]:
    lists = plan.model_dump(mode="json", include={"contacts", "reviews"}, exclude_none=True)
    return {
        "nhs_number": identifiers.nhs_number(plan.nhs_number),
        "opened_on": plan.opened_on,
        "weekly_centihours": int(plan.weekly_hours * 100),
        "dependency": plan.dependency,
        "lives_alone": plan.lives_alone,
        "note": plan.note,
        **lists,
    }
