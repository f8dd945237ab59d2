"""Gaps as an operator sees and closes them."""

from collections.abc import Callable
from typing import Any

import pytest

from strangler.exchange import Reason
from strangler.journal import Loss
from strangler.ledger import EntryKind
from strangler.stages import Effect

WRITE, KEY = "library.lend-book", "AB-1932"


@pytest.fixture
def gap(programme: Any) -> Any:
    programme.session.journal.record_losses([Loss(WRITE, Effect.WRITE, Reason.NOT_JOURNALED, 1, 5.0, KEY, why="full")])
    return programme.session.journal.gaps()[0]


def test_gaps_none(run: Callable[..., Any]) -> None:
    told = run("gaps", "list")
    assert (told.code, "no gaps" in told.out) == (0, True)
    assert run("gaps", "list", "--json").document == []


def test_gaps_are_listed_with_their_keys_masked(run: Callable[..., Any], gap: Any) -> None:
    told = run("gaps", "list", WRITE)
    assert (told.code, KEY in told.out, "full" in told.out) == (1, False, True)
    (listed,) = run("gaps", "list", "--json").document
    assert (listed["id"], listed["operation"], listed["key"], listed["writes"]) == (gap.id, WRITE, "XX-9999", 1)
    assert run("gaps", "list", "library.get-book", "--json").document == []


def test_gaps_reveal_is_on_record(run: Callable[..., Any], gap: Any, programme: Any) -> None:
    assert run("gaps", "list", "--reveal").code == 2
    (listed,) = run("gaps", "list", "--reveal", "--why", "to reconcile", "--as", "ann", "--json").document
    assert listed["key"] == KEY
    newest = programme.session.ledger.head()
    assert (newest.kind, newest.who, newest.body["gaps"]) == (EntryKind.REVEAL, "ann", [gap.id])


def test_gap_is_closed_by_an_operator_with_a_reason(run: Callable[..., Any], gap: Any, programme: Any) -> None:
    assert run("gaps", "close", str(gap.id), "--why", "rows are the same", "--as", "bob").code == 1
    assert run("gaps", "close", str(gap.id), "--as", "ann").code == 2
    told = run("gaps", "close", str(gap.id), "--why", "rows are the same", "--as", "ann", "--json")
    assert (told.code, told.document["kind"], told.document["body"]["gap"]) == (0, "gap_closed", gap.id)
    assert run("gaps", "list").code == 0
    (closed,) = run("gaps", "list", "--all", "--json").document
    assert (closed["closed_by"], closed["closed_why"]) == ("ann", "rows are the same")
    assert run("gaps", "close", str(gap.id), "--why", "again, then", "--as", "ann").code == 2
