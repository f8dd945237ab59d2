"""What callers ask, drawn by seeded dice. Pure: the same seed asks the same things in the same order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import cycle, islice
from random import Random
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from examples.elderly_care.population import SEED, TODAY, Citizen, check_digit, nino_of, spaced

MIX: Mapping[str, float] = {
    "pensions.get-entitlement": 40,
    "pensions.get-payment-schedule": 14,
    "pensions.change-address": 2,
    "pensions.report-death": 0.2,
    "health.find-patient": 16,
    "health.get-care-plan": 12,
    "health.update-contact": 2,
    "council.get-assessment": 12,
    "council.request-assessment": 2,
}
"""How often each operation is asked, as weights. A write of a citizen's data brings three reads of it along."""

LATER_S = 1.5
"""Seconds from a write's answer to the last read of its citizen. One follows at once, one runs beside the write."""

UNKNOWN_SHARE = 0.02
SPACED_SHARE = 0.15
UNKNOWN_FROM = 900_000
UNKNOWN_COUNT = 500

UNKNOWN_NHS_NUMBERS = tuple(
    f"{digits}{check}"
    for digits in map(str, range(998_000_000, 998_000_500))
    if (check := check_digit(digits)) is not None
)
"""Well formed, next to the test range, held by nobody."""

SOAP_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:example:pensions:1"><s:Body>'
)
RANGES_DAYS = ((0, 6), (0, 2), (-91, 0), (-420, 0), (-366, 0), (-245, -160), (28, 0))
"""First and last day of a payment schedule, counted from today: a week, a few days, a quarter, sixty weeks, a year,
last summer, and one that is the wrong way round."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    ``beside`` are asked by others while it is under way; ``then`` follow its answer, each with seconds to wait first.
    """

    operation: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    then: tuple[tuple[float, "Asked"], ...] = ()
    beside: tuple["Asked", ...] = ()


class Callers:
    """Draws requests. Each operation walks through the citizens in its own order, and begins again after the last.

    So the first requests of an operation, as many as there are citizens, each ask about somebody else: a sweep. The
    awkward ones (:func:`is_awkward`) are met early: they take every third place until there are no more of them.

    Args:
        citizens: whom callers ask about.
        seed: of the dice.
        mix: weights by operation; an operation that is missing is not asked.
        start: how many citizens every operation skips, to go on where an earlier run ended.
    """

    def __init__(
        self, citizens: Sequence[Citizen], seed: int = SEED, mix: Mapping[str, float] = MIX, start: int = 0
    ) -> None:
        unknown = sorted(set(mix) - set(MIX))
        if unknown or not mix or not citizens:
            raise ValueError(f"mix names {', '.join(unknown) or 'nothing'}; choose from {', '.join(MIX)}")
        self._dice = Random(seed * 7919 + start)
        self._operations, self._weights = list(mix), list(mix.values())
        self._walks = {}
        for number, operation in enumerate(MIX):
            order = _order(citizens, Random(seed * 31 + number))
            self._walks[operation] = islice(cycle(order), start % len(order), None)
        self._builders: dict[str, Callable[[Citizen], Asked]] = {
            "pensions.get-entitlement": self._get_entitlement,
            "pensions.get-payment-schedule": self._get_payment_schedule,
            "pensions.change-address": self._change_address,
            "pensions.report-death": self._report_death,
            "health.find-patient": self._find_patient,
            "health.get-care-plan": self._get_care_plan,
            "health.update-contact": self._update_contact,
            "council.get-assessment": self._get_assessment,
            "council.request-assessment": self._request_assessment,
        }

    def draw(self) -> Asked:
        """The next request."""
        operation = self._dice.choices(self._operations, self._weights)[0]
        return self._builders[operation](next(self._walks[operation]))

    def _get_entitlement(self, citizen: Citizen) -> Asked:
        return self._soap("get-entitlement", "GetEntitlement", self._nino(citizen))

    def _get_payment_schedule(self, citizen: Citizen) -> Asked:
        first, last = (TODAY + timedelta(days=days) for days in self._dice.choice(RANGES_DAYS))
        days = f"<from>{first.isoformat()}</from><to>{last.isoformat()}</to>"
        return self._soap("get-payment-schedule", "GetPaymentSchedule", self._nino(citizen), days)

    def _change_address(self, citizen: Citizen) -> Asked:
        number = self._dice.randrange(1, 200)
        street = self._dice.choice(("Mill Street", "St Mary's Close", "King’s Court", "Señorío & Sons Yard", "Ł Row"))
        flat = f"<line>Flat {self._dice.randrange(1, 60)}</line>" if self._dice.random() < 0.3 else ""
        address = (
            f"<address>{flat}<line>{number} {escape(street)}</line><line>Dunsop</line>"
            f"<postcode>ZZ{self._dice.randrange(1, 99)} {self._dice.randrange(1, 10)}AB</postcode></address>"
        )
        return self._read_around(self._soap("change-address", "ChangeAddress", citizen.nino, address), citizen)

    def _report_death(self, citizen: Citizen) -> Asked:
        died = TODAY - timedelta(days=self._dice.randrange(1, 30))
        element = f"<dateOfDeath>{died.isoformat()}</dateOfDeath>"
        return self._read_around(self._soap("report-death", "ReportDeath", citizen.nino, element), citizen)

    def _read_around(self, write: Asked, citizen: Citizen) -> Asked:
        beside, at_once, later = (self._get_entitlement(citizen) for _ in range(3))
        return _read(write, beside, at_once, later)

    def _find_patient(self, citizen: Citizen) -> Asked:
        return _get("health.find-patient", f"/health/patients?nhsNumber={self._nhs_number(citizen)}")

    def _get_care_plan(self, citizen: Citizen) -> Asked:
        return _get("health.get-care-plan", f"/health/patients/{self._nhs_number(citizen)}/care-plan")

    def _update_contact(self, citizen: Citizen) -> Asked:
        body = f'{{"telephone": "07700900{self._dice.randrange(1000):03d}"}}'.encode()
        headers = {"content-type": "application/json", "accept": "application/json"}
        target = f"/health/patients/{citizen.nhs_number}/contact"
        read = _get("health.find-patient", f"/health/patients?nhsNumber={citizen.nhs_number}")
        return _read(Asked("health.update-contact", "PUT", target, headers, body), read, read, read)

    def _get_assessment(self, citizen: Citizen) -> Asked:
        return _form("council.get-assessment", "/council/assessment", {"nino": self._nino(citizen)})

    def _request_assessment(self, citizen: Citizen) -> Asked:
        reason = self._dice.choice(("fall at home", "discharged from hospital", "carer’s request", "annual review"))
        form = {"nino": citizen.nino, "reason": reason}
        return _form("council.request-assessment", "/council/assessment-request", form)

    def _soap(self, name: str, action: str, nino: str, content: str = "") -> Asked:
        request_id = f"<requestId>{self._dice.getrandbits(64):016x}</requestId>"
        body = f"{SOAP_HEAD}<{action}><nino>{nino}</nino>{content}{request_id}</{action}></s:Body></s:Envelope>"
        headers = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{action}"'}
        return Asked(f"pensions.{name}", "POST", "/pensions", headers, body.encode())

    def _nino(self, citizen: Citizen) -> str:
        """Mostly the citizen's, as stored or as people write it; now and then one that nobody has."""
        chance = self._dice.random()
        if chance < UNKNOWN_SHARE:
            return nino_of(UNKNOWN_FROM + self._dice.randrange(UNKNOWN_COUNT))
        return spaced(citizen.nino) if chance < UNKNOWN_SHARE + SPACED_SHARE else citizen.nino

    def _nhs_number(self, citizen: Citizen) -> str:
        if self._dice.random() >= UNKNOWN_SHARE:
            return citizen.nhs_number
        return self._dice.choice(UNKNOWN_NHS_NUMBERS)


def is_awkward(citizen: Citizen) -> bool:
    """Whether an old hand at the counter would sigh."""
    plan = citizen.care_plan
    return (
        (citizen.born.month, citizen.born.day) == (2, 29)
        or not citizen.name.isascii()
        or "'" in citizen.name
        or not citizen.has_fixed_address
        or citizen.status != "A"
        or (plan is not None and len(plan.contacts) > 10)
    )


def _order(citizens: Sequence[Citizen], dice: Random) -> list[Citizen]:
    """All citizens, shuffled, the awkward ones in every third place until there are no more."""
    awkward = [citizen for citizen in citizens if is_awkward(citizen)]
    plain = [citizen for citizen in citizens if not is_awkward(citizen)]
    dice.shuffle(awkward)
    dice.shuffle(plain)
    order: list[Citizen] = []
    while awkward or plain:
        source = awkward if awkward and (len(order) % 3 == 2 or not plain) else plain
        order.append(source.pop())
    return order


def _read(write: Asked, beside: Asked, at_once: Asked, later: Asked) -> Asked:
    """The write, read while it is under way, as soon as it is answered, and once more."""
    return replace(write, then=((0.0, at_once), (LATER_S, later)), beside=(beside,))


def _get(operation: str, target: str) -> Asked:
    return Asked(operation, "GET", target, {"accept": "application/json"})


def _form(operation: str, target: str, form: Mapping[str, str]) -> Asked:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Asked(operation, "POST", target, headers, urlencode(form).encode())
