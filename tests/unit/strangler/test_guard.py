"""Taking back by itself: on the plan's conditions, with figures, and without flapping."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from strangler.errors import Refused, StoreError
from strangler.guard import WHO, Guard, should_roll_back
from strangler.journal import AcceptedSignature, WindowStats
from strangler.ledger import Entry, EntryKind
from strangler.plan.models import Plan, Rollback
from strangler.rollout import Rollout
from strangler.stages import Stage

OP = "pensions.get-entitlement"
POLICY = Rollback.model_validate(
    {"when": {"mismatch_over": 0.01, "errors_over": 0.02, "p99_ratio_over": 2.0}, "window_s": 60, "min_requests": 20}
)
CALM = WindowStats(OP, 0.0, requests=1000, failed=20, p99_new_ms=20.0, p99_old_ms=10.0, compared=1000, mismatches=10)
PLAN = Plan.model_validate(
    {
        "version": 1,
        "programme": "test",
        "systems": {
            "old": {"department": "d", "speaks": "http", "url": "http://127.0.0.1:1"},
            "new": {"department": "d", "speaks": "http", "url": "http://127.0.0.1:2"},
        },
        "operations": {
            OP: {
                "effect": "read",
                "match": {"path": {"value": "/x"}},
                "old": "old",
                "new": "new",
                "rollback": POLICY.model_dump(),
            }
        },
    }
)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ()),
        ({"failed": 21}, ("new failed 21 of 1,000 requests (2.10%); the plan allows 2.00%",)),
        ({"mismatches": 11}, ("11 of 1,000 comparisons disagreed (1.10%); the plan allows 1.00%",)),
        ({"p99_new_ms": 21.0}, ("p99 of new is 21.0 ms, 2.10 times that of old (10.0 ms); the plan allows 2 times",)),
        ({"p99_new_ms": None}, ()),
        ({"p99_old_ms": None, "p99_new_ms": 999.0}, ()),
        ({"p99_old_ms": 0.0, "p99_new_ms": 999.0}, ()),
        ({"requests": 19, "failed": 19, "p99_new_ms": 99.0}, ()),
        ({"compared": 19, "mismatches": 19}, ()),
        ({"requests": 10_000, "failed": 50}, ("new failed 50 times; the plan allows fewer than 50",)),
        ({"requests": 0, "failed": 0, "compared": 0, "mismatches": 0, "p99_new_ms": None, "p99_old_ms": None}, ()),
    ],
)
def test_should_roll_back_names_the_figures(changes: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert should_roll_back(replace(CALM, **changes), POLICY) == reasons


def test_condition_that_the_plan_does_not_name_never_acts() -> None:
    policy = Rollback.model_validate({"when": {}})
    terrible = WindowStats(OP, 0.0, 1000, 49, 0, 900.0, 1.0, 1000, 1000)
    assert should_roll_back(terrible, policy) == ()


class FakeCutover:
    def __init__(self, *, refuses: bool = False) -> None:
        self.shares: Rollout = Rollout(((Stage.LIVE, Decimal(100)),))
        self.rolled_back_at = 0.0
        self.calls: list[tuple[str, str, str, Mapping[str, Any] | None]] = []
        self.refuses = refuses

    def catch_up(self) -> int:
        return 0

    def rollouts(self) -> dict[str, Rollout]:
        return {OP: self.shares}

    def changed_at(self, operation: str) -> float:
        return self.rolled_back_at

    def accepted(self, operation: str) -> tuple[AcceptedSignature, ...]:
        return (AcceptedSignature("known"),)

    def take_steps(self) -> list[Entry]:
        return []

    def rollback(
        self, operation: str, who: str, why: str, to: Stage | None = None, figures: Mapping[str, Any] | None = None
    ) -> Entry:
        if self.refuses:
            raise Refused("somebody else decided first")
        self.calls.append((operation, who, why, figures))
        self.shares = Rollout(((Stage.SHADOW, Decimal(100)),))
        self.rolled_back_at = 1000.0
        return Entry(1, 1000.0, EntryKind.ROLLBACK, who, {}, "", "")


class FakeJournal:
    def __init__(self, stats: WindowStats, *, is_down: bool = False) -> None:
        self.stats = stats
        self.asked: list[tuple[float, Collection[AcceptedSignature]]] = []
        self.is_down = is_down

    def window(self, operation: str, since: float, accepted: Collection[AcceptedSignature] = ()) -> WindowStats:
        if self.is_down:
            raise StoreError("the journal is down")
        self.asked.append((since, accepted))
        return self.stats


def test_guard_takes_back_once_and_records_the_window() -> None:
    cutover, journal = FakeCutover(), FakeJournal(replace(CALM, failed=30, fell_back=3))
    guard = Guard(PLAN, journal, cutover, lambda: 1000.0)
    assert len(guard.check()) == 1
    assert guard.check() == []
    ((operation, who, why, figures),) = cutover.calls
    assert (operation, who) == (OP, WHO)
    assert why.startswith("new failed 30 of 1,000 requests")
    assert figures is not None
    assert (figures["requests"], figures["failed"], figures["fell_back"]) == (1000, 30, 3)
    assert figures["reasons"] == [why]


def test_guard_looks_only_at_what_came_since_the_last_change() -> None:
    cutover, journal = FakeCutover(), FakeJournal(CALM)
    guard = Guard(PLAN, journal, cutover, lambda: 1000.0)
    guard.check()
    cutover.rolled_back_at = 970.0
    guard.check()
    assert [since for since, _ in journal.asked] == [940.0, 970.0]
    assert journal.asked[0][1] == (AcceptedSignature("known"),)


def test_guard_leaves_alone_what_callers_do_not_hear() -> None:
    cutover, journal = FakeCutover(), FakeJournal(replace(CALM, failed=1000))
    cutover.shares = Rollout(((Stage.SHADOW, Decimal(100)),))
    assert Guard(PLAN, journal, cutover, lambda: 1000.0).check() == []
    assert journal.asked == []


def test_guard_counts_checks_it_could_not_make_and_goes_on() -> None:
    journal = FakeJournal(replace(CALM, failed=30), is_down=True)
    cutover = FakeCutover()
    guard = Guard(PLAN, journal, cutover, lambda: 1000.0)
    guard.check_or_count()
    assert (guard.failed_checks, cutover.calls) == (1, [])
    journal.is_down = False
    guard.check_or_count()
    assert (guard.failed_checks, len(cutover.calls)) == (1, 1)


def test_guard_lets_somebody_else_decide_first() -> None:
    guard = Guard(PLAN, FakeJournal(replace(CALM, failed=30)), FakeCutover(refuses=True), lambda: 1000.0)
    assert guard.check() == []
