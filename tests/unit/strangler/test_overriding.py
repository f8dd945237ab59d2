"""Moves although gates hold: two people, a reason, the same evidence, on record; and what nobody overrides."""

from collections.abc import Callable

import pytest

from strangler import gates
from strangler.errors import Refused, UsageError
from strangler.evidence import Builds, Result, Verdict
from strangler.exchange import Effect, OutcomeKind, Reason
from strangler.journal import Loss
from strangler.ledger import EntryKind
from strangler.overrides import ASKED_FOR_S, NEVER, OVERRIDABLE, REPLACED, beyond_override
from strangler.plan.models import Plan
from tests.unit.strangler.room import OP, PLAN, Room, read

TO = read(shadow=90, live=10)


def ask(room: Room, who: str = "olu") -> None:
    """Somebody wants to go live with one mismatch too many."""
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.compare(50)
    room.compare(5, OutcomeKind.MISMATCH, prefix="bad")
    room.cutover.ask_override(OP, TO, who, "the old system ends tonight")


def move(room: Room, who: str = "olu") -> None:
    room.cutover.move(OP, TO, who, "go", override=True)


def test_override_moves_once_somebody_else_confirmed_it_and_is_shown_for_ever(room: Room) -> None:
    ask(room)
    with pytest.raises(Refused) as refused:
        move(room)
    assert refused.value.reasons == ("0 of 1 confirmations by approvers other than olu",)
    room.cutover.confirm_override(OP, TO, "ana", "seen, and agreed")
    move(room)
    entry = room.ledger.entries()[-1]
    override = entry.body["override"]
    assert (entry.kind, override["asked_by"], override["why"]) == (
        EntryKind.ROLLOUT,
        "olu",
        "the old system ends tonight",
    )
    assert [(one["who"], one["why"]) for one in override["confirmed_by"]] == [("ana", "seen, and agreed")]
    assert [(gate["gate"], gate["result"]) for gate in override["gates"]] == [("parity", "HOLD"), ("soak", "HOLD")]
    room.cutover.rollback(OP, "olu", "back")
    (shown,) = room.another().overridden(OP)
    assert str(shown).startswith("moved by override of parity, soak: olu and ana: the old system ends tonight")


def test_ask_and_confirmation_move_nothing(room: Room) -> None:
    ask(room)
    room.cutover.confirm_override(OP, TO, "ana", "agreed")
    assert room.cutover.rollouts()[OP] == read(shadow=100)


def test_override_without_the_word_is_an_ordinary_refusal(room: Room) -> None:
    ask(room)
    room.cutover.confirm_override(OP, TO, "ana", "agreed")
    with pytest.raises(Refused, match="the move to"):
        room.cutover.move(OP, TO, "olu", "go")


def test_confirmation_is_no_approval_and_an_approval_no_confirmation(room: Room) -> None:
    ask(room)
    room.cutover.confirm_override(OP, TO, "ana", "agreed")
    assert room.cutover.evidence(OP).approvals == ()
    room.cutover.ask_override(OP, TO, "olu", "once more")
    room.cutover.approve(OP, TO, "ana", "reviewed")
    with pytest.raises(Refused, match="0 of 1 confirmations"):
        move(room)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda room: setattr(room, "now", room.now + ASKED_FOR_S + 1), "more than 24 h ago"),
        (lambda room: room.cutover.note_builds(OP, Builds("old-1", "new-2")), "on other evidence"),
        (lambda room: room.cutover.hold([OP], "olu", "stop"), "nobody asked"),
        (lambda room: room.cutover.move(OP, read(off=50, shadow=50), "olu", "less"), "nobody asked"),
        (lambda room: room.review.reject("sig", operation=OP, who="ana", why="a defect"), "nobody asked"),
        (
            lambda room: room.journal.record_losses([Loss(OP, Effect.WRITE, Reason.NOT_JOURNALED, 1, 5.0)]),
            "gaps is never overridden: one side may lack a write",
        ),
    ],
)
def test_override_does_not_outlive_what_it_was_confirmed_on(
    room: Room, spoil: Callable[[Room], object], told: str
) -> None:
    ask(room)
    room.cutover.confirm_override(OP, TO, "ana", "agreed")
    spoil(room)
    with pytest.raises(Refused) as refused:
        move(room)
    assert told in str(refused.value)
    with pytest.raises(Refused, match=told):
        room.cutover.confirm_override(OP, TO, "both", "agreed")
    assert not any(entry.body.get("override") for entry in room.ledger.entries())


def test_gate_that_says_worse_than_when_it_was_asked_is_not_set_aside(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.cutover.ask_override(OP, TO, "olu", "no time")
    room.cutover.confirm_override(OP, TO, "ana", "agreed")
    room.compare(400, OutcomeKind.MISMATCH, prefix="bad")
    with pytest.raises(Refused, match="parity said NO DATA when it was asked, and says HOLD now"):
        move(room)


@pytest.mark.parametrize(
    ("who", "told"),
    [("both", "both asked for it: somebody else"), ("olu", "olu may not confirm"), ("eve", "eve may not confirm")],
)
def test_override_needs_two_people(room: Room, who: str, told: str) -> None:
    ask(room, who="both")
    with pytest.raises(Refused, match=told):
        room.cutover.confirm_override(OP, TO, who, "agreed")
    with pytest.raises(Refused, match="0 of 1 confirmations"):
        move(room, who="both")


def test_only_who_asked_moves(room: Room) -> None:
    ask(room)
    room.cutover.confirm_override(OP, TO, "ana", "agreed")
    with pytest.raises(Refused, match="only olu may move"):
        move(room, who="both")


@pytest.mark.parametrize("count", [1, 2])
def test_override_needs_as_many_confirmations_as_the_plan_asks_approvals(room: Room, count: int) -> None:
    data = PLAN.model_dump(mode="json", by_alias=True)
    data["operations"][OP]["gates"]["approvals"] = 2
    room.cutover = room.another(Plan.model_validate(data))
    ask(room)
    for who in ("ana", "both")[:count]:
        room.cutover.confirm_override(OP, TO, who, "agreed")
    if count == 2:
        move(room)
        return
    room.cutover.confirm_override(OP, TO, "ana", "and again")
    with pytest.raises(Refused, match="1 of 2 confirmations"):
        move(room)


def test_what_is_no_gate_is_never_overridden(room: Room) -> None:
    with pytest.raises(Refused, match="at most one stage forward"):
        room.cutover.ask_override(OP, read(live=100), "olu", "hurry")
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    with pytest.raises(Refused, match="ana may not override a gate"):
        room.cutover.ask_override(OP, TO, "ana", "hurry")
    with pytest.raises(UsageError, match="needs a reason"):
        room.cutover.ask_override(OP, TO, "olu", " ")
    room.cutover.hold(None, "olu", "stop")
    with pytest.raises(Refused, match="hold is never overridden"):
        room.cutover.ask_override(OP, TO, "olu", "hurry")


def test_nothing_is_overridden_where_no_gate_holds_or_nobody_is_named(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(TO)
    with pytest.raises(Refused, match="no gate holds"):
        room.cutover.ask_override(OP, TO, "olu", "hurry")
    nobody = room.another(PLAN.model_copy(update={"people": {}}))
    with pytest.raises(Refused, match="names no operator"):
        nobody.ask_override(OP, read(live=100), "olu", "hurry")
    with pytest.raises(Refused, match="approvers in the plan are nobody"):
        nobody.confirm_override(OP, TO, "ana", "agreed")


def test_gates_of_rows_and_of_ones_own_are_never_overridden() -> None:
    said = [Verdict(name, Result.HOLD) for name in ("rows", "custom desk", "parity")]
    assert beyond_override(said) == (
        "custom desk is never overridden: it is a gate of your own, and says no for reasons of its own",
        "rows is never overridden: the sides hold other rows, or nobody knows: reconcile them",
    )


def test_every_gate_is_known_to_be_overridable_or_not() -> None:
    tools = {"added", "changed_rates", "may_move"}
    assert set(gates.__all__) - tools <= OVERRIDABLE | set(NEVER) | {REPLACED}
