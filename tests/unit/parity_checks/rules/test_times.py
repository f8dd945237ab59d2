from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_checks.rules.times import are_same_time, check_zones, moment
from strangler.plan.comparison import DatetimeRule
from strangler.stages import Side

LONDON = {"zone": "Europe/London"}
BRITISH = {"formats": ["%d/%m/%Y"]}
SHORT = {"formats": ["%d/%m/%y"]}
SPAN = (datetime(1900, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001  local times


def rule(**said: Any) -> DatetimeRule:
    return DatetimeRule.model_validate({"path": "$.a", "as": "datetime", "why": "because", **said})


@pytest.mark.parametrize(
    ("said", "old", "new", "expected"),
    [
        # Summer time: an hour that happens twice may be either, one that never happens is none.
        (LONDON, "2026-10-25T01:30:00", "2026-10-25T00:30:00Z", True),
        (LONDON, "2026-10-25T01:30:00", "2026-10-25T01:30:00Z", True),
        (LONDON, "2026-10-25T01:30:00", "2026-10-25T02:30:00Z", False),
        (LONDON, "2026-10-25T02:30:00", "2026-10-25T01:30:00Z", False),
        (LONDON, "2026-03-29T01:30:00", "2026-03-29T01:30:00Z", False),
        (LONDON, "2026-03-29T01:30:00", "2026-03-29T00:30:00Z", False),
        (LONDON, "2026-03-29T02:30:00", "2026-03-29T01:30:00Z", True),
        (LONDON, "2026-07-01T12:00:00", "2026-07-01T12:00:00Z", False),
        (LONDON, "2026-01-01T12:00:00", "2026-01-01T12:00:00Z", True),
        (LONDON, "2026-07-01T12:00:00", "2026-07-01 12:00", True),
        # Zones that differ by side
        ({"old_zone": "Europe/London"}, "2026-07-01T12:00:00", "2026-07-01T11:00:00", True),
        ({"old_zone": "Europe/London"}, "2026-07-01T11:00:00", "2026-07-01T12:00:00", False),
        ({"new_zone": "Asia/Kolkata"}, "2026-07-01T12:00:00", "2026-07-01T17:30:00", True),
        ({**LONDON, "new_zone": "UTC"}, "2026-07-01T12:00:00+01:00", "2026-07-01T11:00:00", True),
        # Dates alone are days of the calendar
        ({}, "2026-05-01", "2026-05-01", True),
        ({}, "2026-05-01Z", "2026-05-01+01:00", True),
        ({}, "20260501", "2026-05-01", True),
        ({}, "2026-05-01", "2026-05-02", False),
        ({"within_s": 86_400}, "2026-05-01", "2026-05-02", True),
        ({"old_zone": "Asia/Tokyo"}, "2026-05-01", "2026-05-01", True),
        ({"zone": "America/Sao_Paulo"}, "2018-11-04", "2018-11-04Z", True),  # its midnight was left out
        ({}, "2026-05-01", "2026-05-01T00:00:00Z", True),
        (LONDON, "2026-05-01", "2026-04-30T23:00:00Z", True),
        (LONDON, "2026-05-01", "2026-05-01T00:00:00Z", False),
        (BRITISH, "01/02/2026", "2026-02-01", True),
        (BRITISH, "01/02/2026", "2026-01-02", False),
        (BRITISH, "31/02/2026", "2026-03-03", False),
        # 29 February
        (BRITISH, "29/02/2024", "2024-02-29", True),
        (BRITISH, "29/02/2023", "2023-03-01", False),
        (BRITISH, "29/02/1900", "1900-03-01", False),
        (SHORT, "29/02/00", "2000-02-29", True),
        ({**SHORT, "year_from": 1850}, "29/02/00", "1900-02-28", False),
        # Two-digit years
        (SHORT, "14/03/31", "2031-03-14", True),
        ({**SHORT, "year_from": 1920}, "14/03/31", "1931-03-14", True),
        ({**SHORT, "year_from": 1920}, "14/03/31", "2031-03-14", False),
        ({**SHORT, "year_from": 1920}, "14/03/19", "2019-03-14", True),
        ({**SHORT, "year_from": 1920}, "14/03/20", "1920-03-14", True),
        # Spellings
        ({}, "2026-05-01T24:00:00", "2026-05-02T00:00:00Z", True),
        ({}, "2026-12-31T24:00:00Z", "2027-01-01T00:00:00Z", True),
        ({}, "2026-05-01T12:00:00.1234567Z", "2026-05-01T12:00:00.123456Z", True),
        ({}, "2026-05-01T12:00:00.123456Z", "2026-05-01T12:00:00.123Z", False),
        ({"within_s": 0.001}, "2026-05-01T12:00:00.123456Z", "2026-05-01T12:00:00.123Z", True),
        ({}, " 2026-05-01T12:00:00Z ", "2026-05-01T12:00:00+00:00", True),
        ({"formats": ["%d.%m.%Y %H:%M"]}, "01.05.2026 12:00", "2026-05-01T12:00:00Z", True),
        ({}, "2026-05-01T25:00:00Z", "2026-05-02T01:00:00Z", False),
        ({}, "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z", False),
        ({}, "9999-12-31T24:00:00Z", "9999-12-31T23:59:59Z", False),
        ({}, "0001-01-01T00:00:00+12:00", "0001-01-01T00:00:00Z", False),
        ({}, "0000-00-00", "0000-00-00", False),
        ({}, "", "", False),
    ],
)
def test_same_time(said: dict[str, Any], old: str, new: str, expected: bool) -> None:
    assert are_same_time(old, new, rule(**said)) is expected


def test_moment_of_an_hour_that_happens_twice_is_the_first() -> None:
    found = moment("2026-10-25T01:30:00", rule(**LONDON), Side.OLD)
    assert found == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert moment("2026-03-29T01:30:00", rule(**LONDON), Side.OLD) is None


@pytest.mark.parametrize("field", ["zone", "old_zone", "new_zone"])
def test_unknown_zone_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="unknown zone 'Mars/Base'"):
        check_zones(rule(**{field: "Mars/Base"}))


@given(st.datetimes(*SPAN), st.sampled_from(["Europe/London", "Asia/Kolkata"]))
def test_any_moment_equals_itself_in_another_zone(naive: datetime, zone: str) -> None:
    utc = naive.replace(tzinfo=UTC)
    assert are_same_time(utc.isoformat(), naive.isoformat(), rule(old_zone=zone))
    assert moment(utc.isoformat(), rule(zone=zone), Side.NEW) == utc


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_is_too_odd(old: str, new: str) -> None:
    assert are_same_time(old, new, rule(**LONDON)) in {True, False}
    assert are_same_time(old, new, rule(**LONDON)) is are_same_time(new, old, rule(**LONDON))
