"""Citizens as rows of the patient index, in the form in which the old programs write them. Pure."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from examples.elderly_care.population import Citizen

Row = tuple[object, ...]
SEX_CODES = {"M": "1", "F": "2"}
COLUMNS = {
    "patient": (
        "nhs_number, nino, family_name, given_name, birth_ddmmyy, sex, status, telephone, gp_code, fixed_address, "
        "address_1, address_2, address_3, address_4, postcode"
    ),
    "care_plan": "nhs_number, opened_on, weekly_hours, dependency, lives_alone, note",
    "plan_contact": "contact_id, nhs_number, name, relation, telephone, keyholder",
    "plan_review": "nhs_number, review_no, reviewed_on, outcome, remark",
}


def patients(citizens: Iterable[Citizen]) -> Iterator[Row]:
    """Rows of ``patient``."""
    for citizen in citizens:
        lines = [_padded(line, 40) for line in citizen.home.lines]
        yield (
            citizen.nhs_number,
            citizen.nino,
            _padded(citizen.family_name, 40),
            _padded(citizen.given_name, 40),
            citizen.born.strftime("%d%m%y"),
            SEX_CODES[citizen.sex],
            "9" if citizen.status == "D" else "1",
            _padded(citizen.telephone, 16),
            citizen.gp_code,
            _yes_or_no(citizen.has_fixed_address),
            *lines,
            *[None] * (4 - len(lines)),
            _padded(citizen.home.postcode, 8),
        )


def care_plans(citizens: Iterable[Citizen]) -> Iterator[Row]:
    """Rows of ``care_plan``."""
    for citizen in citizens:
        if plan := citizen.care_plan:
            opened_on, alone = plan.opened_on.strftime("%Y%m%d"), _yes_or_no(plan.lives_alone)
            yield citizen.nhs_number, opened_on, _implied(plan.weekly_hours), plan.dependency, alone, plan.note


def contacts(citizens: Iterable[Citizen]) -> Iterator[Row]:
    """Rows of ``plan_contact``, numbered over all patients."""
    number = 0
    for citizen in citizens:
        for contact in citizen.care_plan.contacts if citizen.care_plan else ():
            number += 1
            name, telephone = _padded(contact.name, 60), _padded(contact.telephone, 16)
            yield number, citizen.nhs_number, name, contact.relation, telephone, _yes_or_no(contact.is_keyholder)


def reviews(citizens: Iterable[Citizen]) -> Iterator[Row]:
    """Rows of ``plan_review``, numbered within each patient."""
    for citizen in citizens:
        for number, review in enumerate(citizen.care_plan.reviews if citizen.care_plan else (), start=1):
            yield citizen.nhs_number, number, review.on.strftime("%Y%m%d"), review.outcome, review.remark


def _padded(text: str, width: int) -> str:
    return text.ljust(width)


def _yes_or_no(truth: bool) -> str:
    return "Y" if truth else "N"


def _implied(hours: Decimal) -> str:
    """Five digits, the last two behind a point that is not written: 7.5 is ``00750``."""
    return f"{int(hours * 100):05d}"
