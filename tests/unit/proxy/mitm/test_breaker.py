from proxy.mitm.breaker import Breaker
from strangler.plan.models import Plan


def plan(failed_at_most: int) -> Plan:
    system = {"department": "d", "speaks": "http", "url": "http://127.0.0.1:1"}
    operation = {
        "effect": "read",
        "match": {"path": {"value": "/a"}},
        "old": "old",
        "new": "new",
        "rollback": {"when": {"errors_over": 0.5}, "failed_at_most": failed_at_most},
    }
    bare = {**operation, "rollback": None, "match": {"path": {"value": "/b"}}}
    return Plan.model_validate(
        {
            "version": 1,
            "programme": "p",
            "systems": {"old": system, "new": system},
            "operations": {"shop.a": operation, "shop.b": bare},
        }
    )


def fail(breaker: Breaker, times: int, operation: str = "shop.a") -> None:
    for _ in range(times):
        breaker.began(operation)
        breaker.ended(operation, has_failed=True)


def test_the_breaker_is_spent_at_its_limit() -> None:
    breaker = Breaker()
    fail(breaker, 2)
    assert not breaker.is_spent(plan(3), "shop.a")
    fail(breaker, 1)
    assert breaker.is_spent(plan(3), "shop.a")


def test_requests_under_way_count_once_failures_come_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(7):
        breaker.began("shop.a")
    fail(breaker, 2)
    assert not breaker.is_spent(plan(10), "shop.a")
    fail(breaker, 1)
    assert breaker.is_spent(plan(10), "shop.a")


def test_a_success_lets_requests_under_way_be() -> None:
    breaker = Breaker()
    for _ in range(20):
        breaker.began("shop.a")
    fail(breaker, 3)
    breaker.ended("shop.a", has_failed=False)
    assert not breaker.is_spent(plan(10), "shop.a")


def test_callers_never_see_more_failures_than_the_limit_when_everything_fails() -> None:
    breaker, under_way, seen = Breaker(), 0, 0
    for turn in range(200):
        if turn % 3 and not breaker.is_spent(plan(10), "shop.a"):
            breaker.began("shop.a")
            under_way += 1
        elif under_way:
            breaker.ended("shop.a", has_failed=True)
            under_way, seen = under_way - 1, seen + 1
    assert (seen, under_way) == (10, 0)


def test_several_engines_share_the_limit() -> None:
    breaker = Breaker(processes=2)
    fail(breaker, 2)
    assert breaker.is_spent(plan(5), "shop.a")
    assert not Breaker(processes=8).is_spent(plan(3), "shop.a")


def test_a_new_rollout_counts_from_nothing() -> None:
    breaker = Breaker()
    fail(breaker, 2)
    breaker.renew(["shop.a"])
    assert breaker.failed("shop.a") == 0
    assert not breaker.is_spent(plan(2), "shop.a")


def test_an_operation_without_a_rollback_is_never_spent() -> None:
    breaker = Breaker()
    fail(breaker, 3, "shop.b")
    assert not breaker.is_spent(plan(1), "shop.b")
