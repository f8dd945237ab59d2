"""A while without moves forward after the guard took an operation back."""

import pytest

from strangler.evidence import Result
from strangler.gates import cool_down


@pytest.mark.parametrize(
    ("since", "result"),
    [(0.0, Result.HOLD), (599.0, Result.HOLD), (600.0, Result.PASS), (1e6, Result.PASS), (-1.0, Result.NO_DATA)],
)
def test_cool_down_holds_for_its_time(since: float, result: Result) -> None:
    assert cool_down(5000.0, 600.0, 5000.0 + since).result is result


@pytest.mark.parametrize("damaged", [float("nan"), float("inf"), -1.0, 0.0])
def test_cool_down_passes_on_no_damaged_time(damaged: float) -> None:
    assert cool_down(damaged, 600.0, 5000.0).result is Result.NO_DATA
    assert cool_down(4000.0, 600.0, damaged).result is Result.NO_DATA


def test_cool_down_of_no_length_known_is_no_data() -> None:
    assert cool_down(4000.0, float("nan"), 5000.0).result is Result.NO_DATA


def test_cool_down_says_how_long_to_wait() -> None:
    said = cool_down(5000.0, 600.0, 5100.0)
    assert (said.reasons, said.remedy) == (("it was taken back by itself 100 s ago",), "500 s more")
