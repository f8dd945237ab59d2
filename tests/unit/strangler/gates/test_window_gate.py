"""The window gate: open by the clock on the wall, closed on frozen days, right where summer time begins and ends."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from strangler import gates
from strangler.evidence import Result, Verdict
from strangler.gates.window_gate import opens_at
from strangler.plan.gate_models import WindowGate

LONDON = ZoneInfo("Europe/London")
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def policy(begins: str, ends: str, *days: str, frozen: tuple[object, ...] = ()) -> WindowGate:
    opening = {"days": days or WEEK[:5], "from": begins, "to": ends}
    return WindowGate.model_validate({"zone": "Europe/London", "open": [opening], "frozen": frozen})


def at(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON, fold=fold).timestamp()


def verdict(text: str, asked: WindowGate, fold: int = 0) -> Verdict:
    return gates.window(asked, at(text, fold))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("2026-11-24 08:59:59", Result.HOLD),
        ("2026-11-24 09:00", Result.PASS),
        ("2026-11-24 16:29:59", Result.PASS),
        ("2026-11-24 16:30", Result.HOLD),
        ("2026-11-28 12:00", Result.HOLD),
    ],
)
def test_window_is_open_from_its_first_minute_until_before_its_last(text: str, result: Result) -> None:
    assert result is verdict(text, policy("09:00", "16:30")).result


def test_window_tells_when_it_opens_next() -> None:
    told = verdict("2026-11-27 17:00", policy("09:00", "16:30"))
    assert told.reasons == ("the window is closed",)
    assert told.value == "Fri 27 Nov 2026 17:00 GMT"
    assert told.threshold == "mon, tue, wed, thu, fri 09:00 to 16:30 (Europe/London)"
    assert told.remedy == "to wait until Mon 30 Nov 2026 09:00 GMT, when it opens"


def test_window_is_closed_on_frozen_days_and_opens_after_them() -> None:
    frozen = ({"from": "2026-12-21", "to": "2027-01-03", "why": "payments before Christmas"},)
    told = verdict("2026-12-21 10:00", policy("09:00", "16:30", frozen=frozen))
    assert told.reasons == ("frozen from 2026-12-21 to 2027-01-03: payments before Christmas",)
    assert told.remedy == "to wait until Mon 4 Jan 2027 09:00 GMT, when it opens"
    assert verdict("2026-12-18 10:00", policy("09:00", "16:30", frozen=frozen)).result is Result.PASS


def test_window_follows_the_clock_on_the_wall_through_the_year() -> None:
    assert verdict("2026-07-01 09:00", policy("09:00", "10:00")).value.endswith("09:00 BST")
    assert verdict("2026-07-01 09:00", policy("09:00", "10:00")).result is Result.PASS
    assert gates.window(policy("09:00", "10:00"), at("2026-07-01 09:00") + 3600).result is Result.HOLD


def test_window_in_the_hour_that_summer_time_leaves_out_opens_a_week_later() -> None:
    asked = policy("01:00", "02:00", "sun")
    assert opens_at(asked, at("2026-03-29 00:30")) == at("2026-04-05 01:00")


def test_window_that_begins_in_the_hour_left_out_opens_when_clocks_are_put_forward() -> None:
    asked = policy("01:30", "03:00", "sun")
    opens = opens_at(asked, at("2026-03-29 00:30"))
    assert opens == at("2026-03-29 02:00")
    assert gates.window(asked, opens).result is Result.PASS
    assert gates.window(asked, opens - 1).result is Result.HOLD


def test_window_in_the_hour_that_comes_twice_opens_twice() -> None:
    asked = policy("01:15", "01:45", "sun")
    assert verdict("2026-10-25 01:30", asked).result is Result.PASS
    assert opens_at(asked, at("2026-10-25 01:50")) == at("2026-10-25 01:15", fold=1)
    assert verdict("2026-10-25 01:30", asked, fold=1).result is Result.PASS


def test_window_that_reaches_into_the_hour_that_comes_twice_opens_again_with_it() -> None:
    asked = policy("00:30", "01:30", "sun")
    assert opens_at(asked, at("2026-10-25 01:40")) == at("2026-10-25 01:00", fold=1)


def test_window_until_the_days_end_is_open_in_its_last_minute() -> None:
    assert verdict("2026-11-24 23:59:59", policy("20:00", "24:00")).result is Result.PASS


def test_window_that_does_not_open_says_so() -> None:
    frozen = ({"from": "2026-01-01", "to": "2036-01-01", "why": "moved by another programme"},)
    told = verdict("2026-11-24 10:00", policy("09:00", "10:00", frozen=frozen))
    assert told.remedy == "another window in the plan: this one does not open in the next 400 days"


@pytest.mark.parametrize("now", [float("nan"), float("inf"), -1.0, 0.0, 1e30])
def test_window_by_a_clock_that_is_wrong_is_no_data(now: float) -> None:
    assert gates.window(policy("00:00", "24:00", *WEEK), now).result is Result.NO_DATA


def test_window_in_a_zone_that_nobody_knows_is_no_data() -> None:
    asked = policy("00:00", "24:00", *WEEK).model_copy(update={"zone": "Nowhere/At-All"})
    assert gates.window(asked, at("2026-11-24 10:00")).result is Result.NO_DATA


def test_window_reads_times_that_yaml_takes_for_minutes() -> None:
    opening = {"from": "09:00", "to": 990}
    assert WindowGate.model_validate({"zone": "UTC", "open": [opening]}).open[0].to == "16:30"
