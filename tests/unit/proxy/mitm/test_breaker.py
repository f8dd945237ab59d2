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


def test_the_breaker_trips_once_at_its_limit() -> None:
    breaker = Breaker()
    assert [breaker.has_tripped(plan(3), "shop.a") for _ in range(5)] == [False, False, True, False, False]


def test_several_engines_share_the_limit() -> None:
    breaker = Breaker(processes=2)
    assert [breaker.has_tripped(plan(5), "shop.a") for _ in range(2)] == [False, True]
    assert Breaker(processes=8).has_tripped(plan(3), "shop.a")


def test_a_new_rollout_counts_from_nothing() -> None:
    breaker = Breaker()
    breaker.has_tripped(plan(2), "shop.a")
    breaker.renew(["shop.a"])
    assert breaker.failed("shop.a") == 0
    assert not breaker.has_tripped(plan(2), "shop.a")


def test_an_operation_without_a_rollback_never_trips() -> None:
    assert not any(Breaker().has_tripped(plan(1), "shop.b") for _ in range(3))
