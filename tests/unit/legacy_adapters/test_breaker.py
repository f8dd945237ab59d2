from legacy_adapters.breaker import Breaker, State


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker(failures=3, rest_s=2.0)
    for _ in range(3):
        breaker.failed(at)
    return breaker


def test_breaker_stays_closed_below_its_limit():
    breaker = Breaker(failures=3)
    breaker.failed(0.0)
    breaker.failed(0.0)
    assert breaker.state(0.0) == State.CLOSED
    assert breaker.allows(0.0)


def test_breaker_counts_only_failures_in_a_row():
    breaker = Breaker(failures=2)
    breaker.failed(0.0)
    breaker.succeeded()
    breaker.failed(0.0)
    assert breaker.state(0.0) == State.CLOSED


def test_breaker_refuses_while_open():
    breaker = opened()
    assert breaker.state(1.9) == State.OPEN
    assert not breaker.allows(1.9)


def test_breaker_lets_one_trial_through_when_half_open():
    breaker = opened()
    assert [breaker.allows(2.0), breaker.allows(2.0)] == [True, False]


def test_breaker_closes_after_a_good_trial():
    breaker = opened()
    assert breaker.allows(2.0)
    breaker.succeeded()
    assert breaker.state(2.0) == State.CLOSED


def test_breaker_opens_again_after_one_bad_trial():
    breaker = opened()
    assert breaker.allows(2.0)
    breaker.failed(2.5)
    assert breaker.state(4.4) == State.OPEN


def test_breaker_forgets_a_trial_that_never_reports_back():
    breaker = opened()
    assert breaker.allows(2.0)
    assert breaker.allows(4.0)
