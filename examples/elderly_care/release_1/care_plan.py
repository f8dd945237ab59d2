"""The fault of release 1's care plan service: D04."""

from examples.elderly_care.release_1.faults import Body, on_body, with_faults
from new_services.care_plan.service import SERVICE as CLEAN


def d04_null_for_absent(body: Body) -> Body:
    """What is not known is null where it was left out before."""
    reviews = [{"remark": None} | review for review in body["reviews"]]
    return {"note": None} | body | {"reviews": reviews}


SERVICE = with_faults(CLEAN, {("GET", "/care-plans/{nhs_number}"): (on_body(d04_null_for_absent),)})
