"""Findings reviewed: every verdict is in the ledger, and can be taken back."""

from pathlib import Path

import pytest

from strangler.decisions import Decisions
from strangler.errors import Refused, UsageError
from strangler.ledger import EntryKind, Ledger
from strangler.plan.models import Plan
from strangler.review import Review

OP = "a.read"
SIDES = {name: {"department": "d", "speaks": "http", "url": "http://127.0.0.1:9"} for name in ("old", "new")}
PLAN = Plan.model_validate(
    {
        "version": 1,
        "programme": "p",
        "systems": SIDES,
        "operations": {OP: {"effect": "read", "match": {"path": {"value": "/"}}, "old": "old", "new": "new"}},
        "people": {"tess": {"roles": ["tester"]}, "olu": {"roles": ["operator"]}},
    }
)
AGREED = {"operation": OP, "owner": "pensions", "why": "known since 1998", "until": "2030-01-01", "who": "tess"}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{tmp_path}/ledger.db")


@pytest.fixture
def review(ledger: Ledger) -> Review:
    return Review(PLAN, ledger, lambda: 10_000.0)


@pytest.mark.parametrize("back", ["reject", "reopen"])
def test_review_takes_an_acceptance_back(review: Review, ledger: Ledger, back: str) -> None:
    review.accept("sig", **AGREED)  # type: ignore[arg-type]
    decisions = Decisions(ledger)
    decisions.sync()
    assert [one.signature for one in decisions.accepted(OP)] == ["sig"]
    getattr(review, back)("sig", operation=OP, who="tess", why="not so after all")
    decisions.sync()
    assert decisions.accepted(OP) == ()


def test_review_is_recorded_with_who_and_why(review: Review, ledger: Ledger) -> None:
    review.reject("sig", operation=OP, who="tess", why="new rounds twice")
    review.reopen("sig", operation=OP, who="tess", why="it was the old build")
    kinds = [(entry.kind, entry.who, entry.body["why"]) for entry in ledger.entries()]
    assert kinds == [
        (EntryKind.REJECTION, "tess", "new rounds twice"),
        (EntryKind.REOPENING, "tess", "it was the old build"),
    ]


def test_review_of_an_operation_that_is_not_there_is_refused(review: Review) -> None:
    with pytest.raises(UsageError, match=r"no operation 'b\.read'"):
        review.reopen("sig", operation="b.read", who="tess", why="nothing")


def test_review_needs_a_reason_to_reopen(review: Review) -> None:
    with pytest.raises(UsageError, match="why"):
        review.reopen("sig", operation=OP, who="tess", why=" ")


@pytest.mark.parametrize("verdict", ["reject", "reopen"])
def test_review_by_somebody_else_is_refused(review: Review, verdict: str) -> None:
    with pytest.raises(Refused, match="testers"):
        getattr(review, verdict)("sig", operation=OP, who="olu", why="because")


@pytest.mark.parametrize("why", ["", "  ", "no"])
@pytest.mark.parametrize("verdict", ["accept", "reject", "reopen"])
def test_review_without_a_reason_says_that_it_is_the_reason(
    review: Review, ledger: Ledger, verdict: str, why: str
) -> None:
    said = {**AGREED, "why": why} if verdict == "accept" else {"operation": OP, "who": "tess", "why": why}
    with pytest.raises(UsageError, match="in 3 characters at least"):
        getattr(review, verdict)("sig", **said)
    assert list(ledger.entries()) == []


def test_review_without_an_owner_asks_for_one(review: Review) -> None:
    with pytest.raises(UsageError, match="owner"):
        review.accept("sig", **{**AGREED, "owner": " "})  # type: ignore[arg-type]
