"""The faults of release 1's citizen record: D03, D07, D10, D11."""

from sqlalchemy import Connection

from examples.elderly_care.release_1.faults import Body, on_body, with_faults
from new_services import identifiers
from new_services.citizen_record.forms import AddressChange
from new_services.citizen_record.service import SERVICE as CLEAN
from new_services.kit import Answer, Call, Handle


def d03_apostrophe_lost_to_cp1252(body: Body) -> Body:
    """The family name went through a cp1252 file that was read as Latin-1: ’ became a control character."""
    family_name = body["family_name"]
    return body | {"family_name": family_name and family_name.encode("cp1252", "replace").decode("latin-1")}


def d07_leap_day_birth(body: Body) -> Body:
    """Whoever was born on 29 February has a birthday every year: on 1 March."""
    return body | {"date_of_birth": body["date_of_birth"].replace("-02-29", "-03-01")}


def d10_write_acknowledged_and_not_stored(handle: Handle) -> Handle:
    """The new address is checked, acknowledged and forgotten."""

    def faulty(connection: Connection, call: Call) -> Answer:
        del connection
        change = call.form(AddressChange)
        address = {"lines": change.lines, "postcode": change.postcode}
        return Answer({"nino": identifiers.nino(call.path["nino"]), "address": address})

    del handle
    return faulty


def d11_leading_zero_lost(body: Body) -> Body:
    """A telephone number is not a number."""
    telephone = body["contact"]["telephone"]
    return body | {"contact": body["contact"] | {"telephone": telephone and telephone.lstrip("0")}}


SERVICE = with_faults(
    CLEAN,
    {
        ("GET", "/citizens"): (
            on_body(d03_apostrophe_lost_to_cp1252),
            on_body(d07_leap_day_birth),
            on_body(d11_leading_zero_lost),
        ),
        ("PUT", "/citizens/{nino}/address"): (d10_write_acknowledged_and_not_stored,),
    },
)
