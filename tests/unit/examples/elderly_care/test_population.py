"""The citizens: seeded, enough of them, awkward, and nobody real."""

import re
from datetime import date

import pytest

from examples.elderly_care.population import (
    LateSpouse,
    check_digit,
    citizens,
    inherited_pence,
    nino_of,
    payday,
    paydays,
    spaced,
)

EVERYBODY = list(citizens())


def test_population_is_the_same_for_the_same_seed():
    assert list(citizens(50, seed=7)) == list(citizens(50, seed=7))


def test_population_differs_between_seeds():
    assert next(citizens(1, seed=7)) != next(citizens(1, seed=8))


def test_longer_population_begins_with_the_shorter_one():
    assert list(citizens(100))[:40] == list(citizens(40))


def test_population_has_at_least_five_thousand_different_citizens():
    assert len(EVERYBODY) >= 5_000
    assert len({citizen.nino for citizen in EVERYBODY}) == len(EVERYBODY)
    assert len({citizen.nhs_number for citizen in EVERYBODY}) == len(EVERYBODY)


def test_ninos_have_a_prefix_that_is_never_issued():
    assert [citizen.nino for citizen in EVERYBODY if not re.fullmatch(r"QQ\d{6}[A-D]", citizen.nino)] == []


def test_nhs_numbers_are_in_the_test_range_with_a_valid_check_digit():
    wrong = [
        citizen.nhs_number
        for citizen in EVERYBODY
        if not re.fullmatch(r"999\d{7}", citizen.nhs_number)
        or check_digit(citizen.nhs_number[:9]) != int(citizen.nhs_number[9])
    ]
    assert wrong == []


def test_check_digit_agrees_with_the_published_example():
    assert check_digit("943476591") == 9  # 943 476 5919, NHS Data Dictionary


def test_telephones_are_in_ranges_kept_for_drama():
    kept = re.compile(r"(0113496|02079460|07700900|01632960)\d+")
    telephones = [citizen.telephone for citizen in EVERYBODY]
    assert [number for number in telephones if not kept.fullmatch(number) or len(number) != 11] == []


@pytest.mark.parametrize(
    ("what", "fewest"),
    [
        (lambda c: c.late_spouse is not None, 1_000),
        (lambda c: (c.born.month, c.born.day) == (2, 29), 30),
        (lambda c: "'" in c.family_name, 30),
        (lambda c: "’" in c.family_name, 30),
        (lambda c: not c.name.isascii() and not _is_latin_1(c.name.replace("’", "")), 30),
        (lambda c: not c.has_fixed_address, 30),
        (lambda c: c.status == "D", 30),
        (lambda c: c.status == "S", 30),
        (lambda c: len(c.family_name) == 1, 10),
        (lambda c: c.care_plan is not None and len(c.care_plan.contacts) > 50, 5),
        (lambda c: c.assessment is not None and len(c.assessment.summary) > 80, 500),
        (lambda c: c.is_paper_file, 100),
    ],
)
def test_population_has_the_awkward_ones(what, fewest):
    assert sum(map(what, EVERYBODY)) >= fewest


def test_everybody_was_born_in_the_1900s_so_that_two_digits_tell_the_year():
    assert {citizen.born.year // 100 for citizen in EVERYBODY} == {19}


def test_unknown_ninos_are_nobodys():
    known = {citizen.nino for citizen in EVERYBODY}
    assert [nino_of(index) for index in range(900_000, 900_500) if nino_of(index) in known] == []


def test_spaced_writes_a_nino_as_people_do():
    assert spaced("QQ123456C") == "QQ 12 34 56 C"


def test_paydays_are_every_week_with_both_ends_included():
    assert paydays("QQ000000A", date(2025, 7, 1), date(2025, 7, 15)) == [
        date(2025, 7, 1),
        date(2025, 7, 8),
        date(2025, 7, 15),
    ]


def test_paydays_of_a_range_that_is_the_wrong_way_round_are_none():
    assert paydays("QQ000000A", date(2025, 7, 15), date(2025, 7, 1)) == []


def test_payday_is_tuesday_to_friday():
    assert {payday(citizen.nino) for citizen in EVERYBODY} == {1, 2, 3, 4}


@pytest.mark.parametrize(("died", "due"), [(date(2002, 10, 5), 6_300), (date(2002, 10, 6), 3_150)])
def test_inherited_share_depends_on_the_day_of_death(died, due):
    assert inherited_pence(LateSpouse(died, 6_300)) == due


def _is_latin_1(text):
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
