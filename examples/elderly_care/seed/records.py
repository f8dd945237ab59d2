"""What the old systems said, as what the shared services take in. Pure.

Old codes become words, padding goes, pounds become pence, dates become ISO 8601.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from lxml import etree

from examples.elderly_care.adapters import birth_date, hours, iso_date, lines_of, text
from examples.elderly_care.facades.council import BAND_CODES
from examples.elderly_care.facades.health import OUTCOME_CODES, RELATION_CODES
from examples.elderly_care.facades.pensions import STATUS_CODES
from examples.elderly_care.seed.departments import PatientIndex, Row, Values

Record = dict[str, Any]
STATUSES = {code: word for word, code in STATUS_CODES.items()}
BANDS = {code: word for word, code in BAND_CODES.items()}
RELATIONS = {code: word for word, code in RELATION_CODES.items()}
OUTCOMES = {code: word for word, code in OUTCOME_CODES.items()}


def citizen(patient: Row, award: Values | None) -> Record:
    """A citizen as health and pensions know them. Health's home address is the one that counts at first."""
    given_name, family_name = text(patient["given_name"]), text(patient["family_name"])
    home = {"lines": lines_of(patient), "postcode": text(patient["postcode"])}
    held_by = {"health": home}
    if award is not None:
        letters = award["correspondenceAddress"]
        held_by["pensions"] = {"lines": [line or "" for line in letters["line"]], "postcode": letters["postcode"] or ""}
    return {
        "nino": patient["nino"].strip(),
        "nhs_number": patient["nhs_number"].strip(),
        "name": _name(f"{given_name} {family_name}", award),
        "given_name": given_name,
        "family_name": family_name,
        "date_of_birth": birth_date(patient["birth_ddmmyy"]),  # pensions has some of them in another form
        "is_deceased": patient["status"] == "9" or (award is not None and award["status"] == "D"),
        "gp_code": text(patient["gp_code"]),
        "address": home,
        "held_by": held_by,
        "contact": {"telephone": text(patient["telephone"])},
    }


def _name(health: str, award: Values | None) -> str:
    """Health writes names as people do; pensions' capitals are taken where the two disagree beyond that."""
    if award is None or award["name"].casefold() == health.casefold():
        return health
    return str(award["name"])


def entitlement(nino: str, award: Values) -> Record:
    """An award, in pence. What is inherited is not taken over: it follows from the law, and pensions has it wrong."""
    spouse = award.get("lateSpouse")
    return {
        "nino": nino,
        "status": STATUSES[award["status"]],
        "weekly_amount_pence": _pence(award["weeklyAmount"]),
        "late_spouse": spouse
        and {
            "date_of_death": spouse["dateOfDeath"],
            "additional_amount_pence": _pence(spouse["additionalAmount"]),
        },
        "next_review": award.get("nextReview") or None,
    }


def care_plans(index: PatientIndex) -> list[Record]:
    """Every care plan, with its contacts and reviews."""
    contacts, reviews = _by_patient(index.contacts), _by_patient(index.reviews)
    return [
        {
            "nhs_number": plan["nhs_number"].strip(),
            "opened_on": iso_date(plan["opened_on"]),
            "weekly_hours": hours(plan["weekly_hours"]),
            "dependency": int(plan["dependency"]),
            "lives_alone": plan["lives_alone"] == "Y",
            "note": plan["note"],
            "contacts": [
                {
                    "name": text(contact["name"]),
                    "relation": RELATIONS[contact["relation"].strip()],
                    "telephone": text(contact["telephone"]),
                    "is_keyholder": contact["keyholder"] == "Y",
                }
                for contact in contacts[plan["nhs_number"]]
            ],
            "reviews": [
                {
                    "date": iso_date(review["reviewed_on"]),
                    "outcome": OUTCOMES[review["outcome"].strip()],
                    "remark": review["remark"],
                }
                for review in reviews[plan["nhs_number"]]
            ],
        }
        for plan in index.plans
    ]


def client(nino: str, page: etree._Element) -> Record:
    """Somebody the council knows; its page says what was found, or that nobody has looked."""
    if page.tag != "assessment":
        return {"nino": nino}
    day, month, year = _text(page, "assessedOn").split("/")
    band = page.find("band")
    return {
        "nino": nino,
        "assessment": {
            "band": BANDS[str(band.get("code")) if band is not None else ""],
            "weekly_hours": _text(page, "weeklyHours"),
            "assessor": _text(page, "assessor"),
            "summary": _text(page, "summary"),
            "assessed_on": f"{year}-{month}-{day}",
        },
    }


def _pence(pounds: str) -> int:
    return int(Decimal(pounds) * 100)


def _text(page: etree._Element, name: str) -> str:
    return page.findtext(name) or ""


def _by_patient(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["nhs_number"]].append(row)
    return found
