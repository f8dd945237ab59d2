"""The faults of release 1's entitlement service: D01, D02, D05, D06, D09."""

from datetime import date, datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from examples.elderly_care.release_1.faults import Body, on_body, with_faults
from new_services.entitlement.service import SERVICE as CLEAN
from new_services.kit import Answer, Call, Handle
from new_services.problems import Problem

LONDON = ZoneInfo("Europe/London")
LONGEST_PAGE = 50
ONE_IN = 500
SALT = b"elderly-care-272"
"""Chosen so that every 2,000 citizens in the order in which callers ask have some of those whom D09 hits."""


def d01_rounding_to_pence(body: Body) -> Body:
    """Pounds were a float on the way, and the pence were cut off: 4.35 * 100 is 434.99999999999994."""
    pounds = body["weekly_amount_pence"] / 100
    return body | {"weekly_amount_pence": int(pounds * 100)}


def d02_summer_time_date(body: Body) -> Body:
    """Midnight in London was stored in UTC, so in summer the date is that of the day before."""
    return body | {"payments": [one | {"date": _stored_in_utc(one["date"])} for one in body["payments"]]}


def _stored_in_utc(day: str) -> str:
    midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), LONDON)
    ahead = midnight.utcoffset() or timedelta(0)
    return (midnight.replace(tzinfo=None) - ahead).date().isoformat()


def d05_404_for_a_fault(handle: Handle) -> Handle:
    """Nobody under this number: a bare 404, which says nothing that a facade could make a SOAP fault of."""

    def faulty(connection: Connection, call: Call) -> Answer:
        try:
            return handle(connection, call)
        except Problem as problem:
            if problem.status != 404:
                raise
            return Answer({"detail": "Not Found"}, 404)

    return faulty


def d06_list_cut_at_50(body: Body) -> Body:
    """A page size that nobody pages through."""
    return body | {"payments": body["payments"][:LONGEST_PAGE]}


def d09_status_of_one_in_500(body: Body) -> Body:
    """Awards with some digest of the NINO were taken over with the other status."""
    if not is_hit(body["nino"]):
        return body
    return body | {"status": "active" if body["status"] == "suspended" else "suspended"}


def is_hit(nino: str) -> bool:
    """Whether D09 hits this citizen."""
    return int.from_bytes(blake2b(nino.encode(), digest_size=8, key=SALT).digest()) % ONE_IN == 0


SERVICE = with_faults(
    CLEAN,
    {
        ("GET", "/entitlements/{nino}"): (
            on_body(d01_rounding_to_pence),
            on_body(d09_status_of_one_in_500),
            d05_404_for_a_fault,
        ),
        ("GET", "/entitlements/{nino}/payments"): (on_body(d02_summer_time_date), on_body(d06_list_cut_at_50)),
    },
)
