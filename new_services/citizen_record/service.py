"""The citizen record's routes.

The address is held once: whichever department is told, every other one reads the new address here. While a department
is being migrated its callers must still see what it would have said itself, so its own copy is kept beside it, and a
reader asks for that copy with ``as_held_by``. When the department's operations are complete it drops the parameter.
"""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from new_services import identifiers
from new_services.citizen_record import notices, outbox
from new_services.citizen_record.forms import Address, AddressChange, Citizen, Contact, Death, Import
from new_services.citizen_record.tables import CITIZEN, HELD_ADDRESS, METADATA
from new_services.kit import Answer, Call, Handle, Read, Service, Write
from new_services.problems import Problem, conflict, not_found


def get_citizen(connection: Connection, call: Call) -> Answer:
    """``GET /citizens/{nino}``."""
    wanted = identifiers.nino(call.path["nino"])
    return Answer(_record(connection, CITIZEN.c.nino == wanted, call.query.get("as_held_by")))


def find_citizen(connection: Connection, call: Call) -> Answer:
    """``GET /citizens?nhs_number=N``."""
    if "nhs_number" not in call.query:
        raise Problem(400, "query-missing", "say nhs_number in the query")
    wanted = identifiers.nhs_number(call.query["nhs_number"])
    return Answer(_record(connection, CITIZEN.c.nhs_number == wanted, call.query.get("as_held_by")))


def put_address(connection: Connection, call: Call) -> Answer:
    """``PUT /citizens/{nino}/address``: the one address, from now on."""
    nino, change = identifiers.nino(call.path["nino"]), call.form(AddressChange)
    address = Address(lines=change.lines, postcode=change.postcode).model_dump()
    _update(connection, nino, address=address)
    _hold(connection, nino, change.told_to, address)
    return Answer({"nino": nino, "address": address})


def put_contact(connection: Connection, call: Call) -> Answer:
    """``PUT /citizens/{nino}/contact``: members that are not sent stay as they are."""
    nino, contact = identifiers.nino(call.path["nino"]), call.form(Contact)
    changes = contact.model_dump(exclude_unset=True)
    if changes:
        _update(connection, nino, **changes)
    record = _record(connection, CITIZEN.c.nino == nino, None)
    return Answer({"nino": nino, "contact": record["contact"]})


def post_death(connection: Connection, call: Call) -> Answer:
    """``POST /citizens/{nino}/death``: once; a second report is refused."""
    nino, death = identifiers.nino(call.path["nino"]), call.form(Death)
    record = _record(connection, CITIZEN.c.nino == nino, None)
    if record["is_deceased"]:
        raise conflict("death-already-reported", "this death has been reported before")
    reference = str(uuid4())
    _update(connection, nino, is_deceased=True, date_of_death=death.date_of_death, death_reference=reference)
    return Answer({"nino": nino, "reference": reference}, 201)


def put_citizen(connection: Connection, call: Call) -> Answer:
    """``PUT /citizens/{nino}``: the whole record, as the migration knows it."""
    nino, citizen = identifiers.nino(call.path["nino"]), call.form(Citizen)
    if identifiers.nino(citizen.nino) != nino:
        raise Problem(422, "nino-differs", "the path and the body name different citizens")
    _replace(connection, [citizen])
    return Answer({"nino": nino})


def import_citizens(connection: Connection, call: Call) -> Answer:
    """``POST /citizens/import``: many whole records; those that exist are replaced."""
    citizens = call.form(Import).citizens
    _replace(connection, citizens)
    return Answer({"imported": len(citizens)})


SERVICE = Service(
    "citizen_record",
    METADATA,
    (
        Write("POST", "/citizens/import", import_citizens, is_bulk=True),
        Read("/citizens", find_citizen),
        Read("/citizens/{nino}", get_citizen),
        Write("PUT", "/citizens/{nino}", put_citizen),
        Write("PUT", "/citizens/{nino}/address", put_address),
        Write("PUT", "/citizens/{nino}/contact", put_contact),
        Write("POST", "/citizens/{nino}/death", post_death),
    ),
)


def telling(service: Service) -> Service:
    """The same service, which also lets citizens know of a change of address."""
    routes = [
        replace(route, handle=_and_tell(route.handle)) if route.path == "/citizens/{nino}/address" else route
        for route in service.routes
    ]
    return replace(service, routes=tuple(routes), counts=outbox.counts)


def _and_tell(handle: Handle) -> Handle:
    """The change, and in the same transaction what is to be said about it.

    Nothing is said about a copy: while another system answers, the change is that system's, and so are its letters.
    """

    def told(connection: Connection, call: Call) -> Answer:
        if call.is_copy:
            return handle(connection, call)
        wanted = CITIZEN.c.nino == identifiers.nino(call.path["nino"])
        before = connection.execute(select(CITIZEN).where(wanted)).first()
        answer = handle(connection, call)
        after = connection.execute(select(CITIZEN.c.address).where(wanted)).scalar()
        if before is not None and after is not None:
            change = notices.AddressChange(before.name, before.telephone, before.is_deceased, before.address, after)
            outbox.add(connection, notices.of_address_change(change, str(uuid4())), call.now)
        return answer

    return told


def _record(connection: Connection, condition: ColumnElement[bool], as_held_by: str | None) -> dict[str, Any]:
    row = connection.execute(select(CITIZEN).where(condition)).first()
    if row is None:
        raise _unknown()
    return _shown(row, _held(connection, row.nino, as_held_by) or row.address)


def _held(connection: Connection, nino: str, department: str | None) -> Any:
    """The department's own copy of the address, where one was asked for and there is one."""
    if department is None:
        return None
    wanted = (HELD_ADDRESS.c.nino == nino) & (HELD_ADDRESS.c.department == department)
    return connection.execute(select(HELD_ADDRESS.c.address).where(wanted)).scalar()


def _shown(row: Row[Any], address: Any) -> dict[str, Any]:
    return {
        "nino": row.nino,
        "nhs_number": row.nhs_number,
        "name": row.name,
        "given_name": row.given_name,
        "family_name": row.family_name,
        "date_of_birth": row.date_of_birth.isoformat(),
        "is_deceased": row.is_deceased,
        "date_of_death": row.date_of_death.isoformat() if row.date_of_death else None,
        "gp_code": row.gp_code,
        "address": address,
        "contact": {"telephone": row.telephone, "email": row.email},
    }


def _update(connection: Connection, nino: str, **values: Any) -> None:
    if connection.execute(update(CITIZEN).where(CITIZEN.c.nino == nino).values(**values)).rowcount == 0:
        raise _unknown()


def _hold(connection: Connection, nino: str, department: str, address: Any) -> None:
    wanted = (HELD_ADDRESS.c.nino == nino) & (HELD_ADDRESS.c.department == department)
    connection.execute(delete(HELD_ADDRESS).where(wanted))
    connection.execute(insert(HELD_ADDRESS).values(nino=nino, department=department, address=address))


def _replace(connection: Connection, citizens: list[Citizen]) -> None:
    if not citizens:
        return
    ninos = [identifiers.nino(citizen.nino) for citizen in citizens]
    connection.execute(delete(HELD_ADDRESS).where(HELD_ADDRESS.c.nino.in_(ninos)))
    connection.execute(delete(CITIZEN).where(CITIZEN.c.nino.in_(ninos)))
    connection.execute(
        insert(CITIZEN),
        [
            citizen.model_dump(exclude={"nino", "address", "held_by", "contact"})
            | {"nino": nino, "address": citizen.address.model_dump(), **citizen.contact.model_dump()}
            for nino, citizen in zip(ninos, citizens, strict=True)
        ],
    )
    held = [
        {"nino": nino, "department": department, "address": address.model_dump()}
        for nino, citizen in zip(ninos, citizens, strict=True)
        for department, address in citizen.held_by.items()
    ]
    if held:
        connection.execute(insert(HELD_ADDRESS), held)


def _unknown() -> Problem:
    return not_found("citizen-unknown", "no citizen has this number")
