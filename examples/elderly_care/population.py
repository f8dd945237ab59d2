"""Seeded citizens: nobody real, everybody awkward somewhere.

National Insurance numbers begin with QQ, which is never issued; NHS numbers are in the 999 range, which is for tests;
telephone numbers are in the ranges that Ofcom keeps for drama; postcodes are in no area. The same ``count`` and
``seed`` always make the same citizens, and a longer population begins with the shorter one.

The old systems fill themselves from here, and callers know whom to ask for. The new services never read it: they are
filled through the old systems' interfaces, as in a real migration.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from random import Random

SEED = 2026
COUNT = 6_000
TODAY = date(2026, 3, 2)
"""The day on which the estate's data was taken: the generator reads no clock."""

FULL_SHARE_UNTIL = date(2002, 10, 6)
"""A spouse who died before this day leaves the whole additional pension, later half of it."""


class ReviewForm(StrEnum):
    """How the pensions system says that no review is due."""

    ABSENT = "absent"
    NIL = "nil"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Address:
    """One to four lines and a postcode. ``ZZ99 3VZ`` is the postcode of no fixed address."""

    lines: tuple[str, ...]
    postcode: str


@dataclass(frozen=True, slots=True)
class LateSpouse:
    """What a widowed citizen's late spouse leaves; ``additional_pence`` is always even, so that half is exact."""

    died: date
    additional_pence: int


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to ring. ``relation`` is a health code: 01 spouse, 02 child, 03 neighbour, 04 paid carer."""

    name: str
    relation: str
    telephone: str
    is_keyholder: bool


@dataclass(frozen=True, slots=True)
class Review:
    """One review of a care plan. ``outcome`` is a health code: NC no change, UP more hours, DN fewer."""

    on: date
    outcome: str
    remark: str | None


@dataclass(frozen=True, slots=True)
class CarePlan:
    """What the health service does. ``dependency`` is a health code, 1 (least) to 4."""

    opened_on: date
    weekly_hours: Decimal
    dependency: str
    lives_alone: bool
    note: str | None
    contacts: tuple[Contact, ...]
    reviews: tuple[Review, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the council found. ``band`` is a council code: L low, M moderate, S substantial, C critical."""

    band: str
    weekly_hours: Decimal
    assessor: str
    summary: str
    assessed_on: date


@dataclass(frozen=True, slots=True)
class Citizen:
    """One person as all three departments know them.

    ``status`` is a pensions code: A active, D deceased, S suspended. ``is_paper_file`` marks those who were taken on
    from paper. ``correspondence`` is the pensions department's address, ``home`` the health service's: for most
    citizens the same.
    """

    nino: str
    nhs_number: str
    family_name: str
    given_name: str
    born: date
    sex: str
    status: str
    weekly_pence: int
    late_spouse: LateSpouse | None
    next_review: date | None
    review_form: ReviewForm
    is_paper_file: bool
    correspondence: Address
    home: Address
    has_fixed_address: bool
    telephone: str
    gp_code: str
    care_plan: CarePlan | None
    assessment: Assessment | None

    @property
    def name(self) -> str:
        """Given name, space, family name."""
        return f"{self.given_name} {self.family_name}"


def citizens(count: int = COUNT, seed: int = SEED) -> Iterator[Citizen]:
    """The first ``count`` citizens of this seed, in order. ``count`` is at most 900,000."""
    for index, nhs_number in zip(range(count), _nhs_numbers(seed), strict=False):
        yield _citizen(index, nhs_number, seed)


def nino_of(index: int, seed: int = SEED) -> str:
    """The NINO of the citizen at this place (0 to 999,999). Places beyond the population are unknown to everybody."""
    digits = (index * 618_033 + seed * 101) % 1_000_000
    return f"QQ{digits:06d}{'ABCD'[digits % 4]}"


def spaced(nino: str) -> str:
    """The NINO as people write it: ``QQ 12 34 56 A``."""
    return f"{nino[:2]} {nino[2:4]} {nino[4:6]} {nino[6:8]} {nino[8:]}"


def payday(nino: str) -> int:
    """The weekday of payment by the NINO's last two digits: 1 Tuesday (00 to 24) ... 4 Friday (75 to 99)."""
    return 1 + int(nino[6:8]) // 25


def paydays(nino: str, first: date, last: date) -> list[date]:
    """Every payday from ``first`` to ``last``, both included."""
    day = first + timedelta(days=(payday(nino) - first.weekday()) % 7)
    days: list[date] = []
    while day <= last:
        days.append(day)
        day += timedelta(days=7)
    return days


def inherited_pence(spouse: LateSpouse) -> int:
    """What is due by law: all of the additional pension if the spouse died before 6 October 2002, else half."""
    return spouse.additional_pence if spouse.died < FULL_SHARE_UNTIL else spouse.additional_pence // 2


def check_digit(digits: str) -> int | None:
    """The tenth digit of an NHS number by modulus 11; ``None`` where these nine digits are never used."""
    rest = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % 11
    return None if rest == 10 else rest % 11


def _nhs_numbers(seed: int) -> Iterator[str]:
    for index in range(1_000_000):
        digits = f"999{(index * 414_213 + seed * 77) % 1_000_000:06d}"
        check = check_digit(digits)
        if check is not None:
            yield f"{digits}{check}"


FAMILY_NAMES = (
    "Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Johnson", "Davies", "Patel", "Wright", "Walker", "Hall",
    "Green", "Khan", "Lewis", "Begum", "Clarke", "Hughes", "Shah", "Edwards", "Morgan", "Ahmed", "Fletcher",
    "Whittaker", "Okafor", "Mensah", "Campbell", "Sutcliffe", "Ramsden", "Hartley",
)  # fmt: skip
AWKWARD_FAMILY_NAMES = (
    "O'Neill", "O’Neill", "O'Brien", "O’Connor", "D'Souza", "Ñúñez", "Łukasiewicz", "Müller", "Öztürk", "Dvořák",
    "張", "Nguyễn", "Papadopoulou-Featherstonehaugh", "Ng", "O", "St. John-Smythe", "van der Berg", "Šimůnek",
)  # fmt: skip
GIVEN_NAMES = (
    "Margaret", "Dorothy", "Jean", "Joan", "Patricia", "Sheila", "Barbara", "Doreen", "June", "Shirley", "John",
    "William", "George", "Ronald", "Kenneth", "Peter", "Derek", "Dennis", "Raymond", "Stanley", "Amina", "Ravi",
    "Samuel", "Grace", "Winston", "Eileen",
)  # fmt: skip
AWKWARD_GIVEN_NAMES = ("Łukasz", "José", "Zoë", "Siân", "A", "Jean-Pierre", "Anne Marie", "小明", "Mary-Ann", "Björk")
STREETS = (
    "Station Road", "Church Lane", "Mill Street", "Victoria Terrace", "The Green", "Albert Road", "King’s Court",
    "St Mary's Close",
)  # fmt: skip
TOWNS = ("Aldermere", "Brackenfold", "Castlebeck", "Dunsop", "Eastwith", "Fellgate", "Garsthorpe", "Holmroyd")
LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
FINDINGS = (
    "Manages stairs with a rail.", "Needs help with bathing twice a week.", "Cooks for themself.",
    "Daughter shops on Fridays.", "Hearing has become worse since the last visit.", "Refused a key safe.",
    "Fell in the kitchen in the autumn.", "Asked for meals to be brought at midday.", "Walks with a frame indoors.",
)  # fmt: skip
ASSESSORS = ("P. Holroyd", "S. Okonkwo", "J. O’Hara", "M. Żak", "T. Beaumont", "K. D'Arcy")
NO_FIXED_ADDRESS = Address(("No fixed address",), "ZZ99 3VZ")


def _citizen(index: int, nhs_number: str, seed: int) -> Citizen:
    dice = Random(seed * 1_000_003 + index)  # its own dice: a citizen does not depend on how many there are
    odds = dice.random
    family = dice.choice(AWKWARD_FAMILY_NAMES if odds() < 0.12 else FAMILY_NAMES)
    given = dice.choice(AWKWARD_GIVEN_NAMES if odds() < 0.06 else GIVEN_NAMES)
    home = _address(dice)
    correspondence = _care_of(dice) if odds() < 0.05 else home
    has_fixed_address = odds() >= 0.015
    if not has_fixed_address:
        home = NO_FIXED_ADDRESS
    status = "D" if odds() < 0.04 else "S" if odds() < 0.03 else "A"
    born = _birth(dice)
    return Citizen(
        nino=nino_of(index, seed),
        nhs_number=nhs_number,
        family_name=family,
        given_name=given,
        born=born,
        sex=dice.choice("FM"),
        status=status,
        weekly_pence=dice.randrange(4_000, 32_000),
        late_spouse=_late_spouse(dice) if odds() < 0.25 else None,
        next_review=TODAY + timedelta(days=dice.randrange(30, 700)) if odds() < 0.4 else None,
        review_form=dice.choice(tuple(ReviewForm)),
        is_paper_file=odds() < 0.04,
        correspondence=correspondence,
        home=home,
        has_fixed_address=has_fixed_address,
        telephone=_telephone(dice),
        gp_code=f"GP{dice.randrange(10_000):04d}",
        care_plan=_care_plan(dice) if odds() < 0.7 else None,
        assessment=_assessment(dice, family) if odds() < 0.85 else None,
    )


def _birth(dice: Random) -> date:
    if dice.random() < 0.01:
        return date(dice.choice((1924, 1928, 1932, 1936, 1940, 1944, 1948, 1952)), 2, 29)
    return date(1921, 1, 1) + timedelta(days=dice.randrange(39 * 365))


def _address(dice: Random) -> Address:
    lines = [f"{dice.randrange(1, 180)} {dice.choice(STREETS)}", dice.choice(TOWNS)]
    if dice.random() < 0.2:
        lines.insert(0, f"Flat {dice.randrange(1, 40)}")
    if dice.random() < 0.05:
        lines.append("West Riding")
    return Address(tuple(lines), _postcode(dice))


def _care_of(dice: Random) -> Address:
    name = f"c/o {dice.choice(GIVEN_NAMES)} {dice.choice(FAMILY_NAMES)}"
    return Address((name, f"{dice.randrange(1, 180)} {dice.choice(STREETS)}", dice.choice(TOWNS)), _postcode(dice))


def _postcode(dice: Random) -> str:
    return f"ZZ{dice.randrange(1, 99)} {dice.randrange(1, 10)}{dice.choice(LETTERS)}{dice.choice(LETTERS)}"


def _telephone(dice: Random) -> str:
    start = dice.choice(("0113496", "02079460", "07700900", "01632960"))
    return start + f"{dice.randrange(10_000):04d}"[-(11 - len(start)) :]


def _late_spouse(dice: Random) -> LateSpouse:
    early = dice.random() < 0.12
    first = date(1992, 1, 1) if early else FULL_SHARE_UNTIL
    last = FULL_SHARE_UNTIL if early else TODAY
    return LateSpouse(first + timedelta(days=dice.randrange((last - first).days)), 2 * dice.randrange(200, 4_000))


def _care_plan(dice: Random) -> CarePlan:
    contacts = dice.choice((0, 1, 1, 2, 2, 3, 4)) if dice.random() > 0.004 else dice.randrange(52, 66)
    opened_on = date(2015, 1, 1) + timedelta(days=dice.randrange(4_000))
    return CarePlan(
        opened_on=opened_on,
        weekly_hours=Decimal(dice.randrange(0, 14_000, 25)) / 100,
        dependency=dice.choice("1234"),
        lives_alone=dice.random() < 0.5,
        note=dice.choice(FINDINGS) if dice.random() < 0.3 else None,
        contacts=tuple(_contact(dice) for _ in range(contacts)),
        reviews=tuple(
            Review(
                opened_on + timedelta(days=180 * (number + 1)),
                dice.choice(("NC", "UP", "DN")),
                dice.choice(FINDINGS) if dice.random() < 0.5 else None,
            )
            for number in range(dice.randrange(4))
        ),
    )


def _contact(dice: Random) -> Contact:
    family = dice.choice(AWKWARD_FAMILY_NAMES if dice.random() < 0.1 else FAMILY_NAMES)
    relation = dice.choice(("01", "02", "02", "03", "04"))
    return Contact(f"{dice.choice(GIVEN_NAMES)} {family}", relation, _telephone(dice), dice.random() < 0.3)


def _assessment(dice: Random, family_name: str) -> Assessment:
    findings = " ".join(dice.sample(FINDINGS, dice.randrange(1, 5)))
    return Assessment(
        band=dice.choice("LMSC"),
        weekly_hours=Decimal(dice.randrange(0, 4_000, 25)) / 100,
        assessor=dice.choice(ASSESSORS),
        summary=f"{dice.choice(('Mr', 'Mrs', 'Ms'))} {family_name}: {findings}",
        assessed_on=date(2019, 1, 1) + timedelta(days=dice.randrange(2_500)),
    )
