from parity_checks.breaker import FAILURES_TO_OPEN, FIRST_REST_S, LONGEST_REST_S, Breaker


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed(0.0)
    return breaker


def test_breaker_opens_after_consecutive_failures_only() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.failed(0.0)
    breaker.succeeded()
    breaker.failed(0.0)
    assert breaker.may_ask(0.0) is True
    assert opened().may_ask(0.1) is False


def test_breaker_lets_one_probe_through_and_closes_when_it_is_answered() -> None:
    breaker = opened()
    assert [breaker.may_ask(FIRST_REST_S), breaker.may_ask(FIRST_REST_S)] == [True, False]
    breaker.succeeded()
    assert [breaker.may_ask(FIRST_REST_S), breaker.may_ask(FIRST_REST_S)] == [True, True]


def test_breaker_rests_longer_after_each_failed_probe_within_a_bound() -> None:
    breaker = opened()
    now = 0.0
    for _ in range(10):
        now += LONGEST_REST_S
        assert breaker.may_ask(now) is True
        breaker.failed(now)
    assert breaker.may_ask(now + LONGEST_REST_S - 0.1) is False
    assert breaker.may_ask(now + LONGEST_REST_S) is True


def test_breaker_probe_given_up_leaves_room_for_another() -> None:
    breaker = opened()
    assert breaker.may_ask(FIRST_REST_S) is True
    breaker.forgot()
    assert breaker.may_ask(FIRST_REST_S) is True
