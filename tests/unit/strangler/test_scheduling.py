"""Schedules: each step when due and every gate passes, approvals of the end, and everything that ends one."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from strangler.errors import Refused, UsageError
from strangler.evidence import Builds
from strangler.exchange import OutcomeKind
from strangler.guard import Guard
from strangler.ledger import EntryKind
from strangler.people import GUARD
from strangler.rollout import Rollout
from strangler.schedules import DONE, Schedule, against, shares_into
from strangler.stages import Effect, Stage
from tests.unit.strangler.room import OP, PLAN, Room, published, read

STEPS = shares_into(Stage.LIVE, ("5", "25", "100"), Effect.READ)


def earned(room: Room) -> None:
    """In shadow, with evidence, and with the schedule's end approved."""
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.compare(500)
    room.now += 3601
    room.compare(5, prefix="later")


def scheduled(room: Room, *, patience_s: float = 3600.0) -> Schedule:
    earned(room)
    room.cutover.ask_schedule(OP, STEPS, "olu", "by and by", pause_s=600.0, patience_s=patience_s)
    room.cutover.approve(OP, STEPS[-1], "ana", "all the way")
    return stands(room)


def stands(room: Room) -> Schedule:
    found = room.another().schedule(OP)
    assert found is not None
    return found


def later(room: Room, seconds: float) -> list[EntryKind]:
    """What the guard does once that time has passed, with fresh comparisons."""
    room.now += seconds
    room.compare(5, prefix=f"at {room.now}")
    return [entry.kind for entry in Guard(PLAN, room.journal, room.cutover, lambda: room.now).check()]


def test_schedule_takes_each_step_when_its_pause_is_over(room: Room) -> None:
    scheduled(room)
    rollouts = []
    for _ in range(40):
        later(room, 61.0)
        rollouts.append(room.cutover.rollouts()[OP])
    assert list(dict.fromkeys(rollouts)) == list(STEPS)
    taken = [entry for entry in room.ledger.entries() if "schedule" in entry.body and entry.kind is EntryKind.ROLLOUT]
    assert [(entry.who, entry.body["schedule"]["step"], entry.body["schedule"]["asked_by"]) for entry in taken] == [
        (GUARD, 0, "olu"),
        (GUARD, 1, "olu"),
        (GUARD, 2, "olu"),
    ]
    assert all(second.at - first.at >= 600 for first, second in pairwise(taken))
    assert all({gate["result"] for gate in entry.body["gates"]} == {"PASS"} for entry in taken)
    assert (stands(room).ended, published(room)["rollouts"][OP]) == (DONE, {"live": "100"})  # type: ignore[index]


def test_step_waits_for_its_gates_and_goes_on_once_they_pass(room: Room) -> None:
    earned(room)
    room.cutover.ask_schedule(OP, STEPS, "olu", "by and by", pause_s=600.0)
    assert later(room, 10.0) == []
    room.cutover.approve(OP, STEPS[0], "ana", "only the first step")
    assert later(room, 10.0) == []
    room.cutover.approve(OP, STEPS[-1], "ana", "all the way")
    assert later(room, 10.0) == [EntryKind.ROLLOUT]
    assert EntryKind.REFUSAL not in [entry.kind for entry in room.ledger.entries()]


def test_approval_of_the_end_stands_for_every_step_and_no_longer(room: Room) -> None:
    scheduled(room)
    later(room, 1.0)
    assert len(room.cutover.evidence(OP).approvals) == 1
    room.cutover.cancel_schedule(OP, "olu", "enough")
    assert room.cutover.evidence(OP).approvals == ()


def test_requester_of_a_schedule_does_not_approve_it(room: Room) -> None:
    earned(room)
    room.cutover.ask_schedule(OP, STEPS, "both", "by and by", pause_s=600.0)
    room.cutover.approve(OP, STEPS[-1], "both", "me")
    assert later(room, 10.0) == []


def test_step_held_for_longer_than_the_patience_ends_the_schedule(room: Room) -> None:
    scheduled(room, patience_s=300.0)
    assert later(room, 1.0) == [EntryKind.ROLLOUT]
    room.compare(50, OutcomeKind.MISMATCH, prefix="bad")
    assert later(room, 600.0) == []
    assert later(room, 301.0) == [EntryKind.SCHEDULE_END]
    assert stands(room).ended.startswith("stalled: parity: HOLD")
    assert room.cutover.rollouts()[OP] == STEPS[0]
    assert later(room, 5000.0) == []


@pytest.mark.parametrize(
    ("stop", "told"),
    [
        (lambda room: room.cutover.rollback(OP, "olu", "odd answers"), "taken back by olu: odd answers"),
        (lambda room: room.cutover.hold([OP], "olu", "odd answers"), "held by olu: odd answers"),
        (lambda room: room.cutover.hold(None, "olu", "odd answers"), "held by olu: odd answers"),
        (lambda room: room.cutover.cancel_schedule(OP, "ana", "odd answers"), "cancelled by ana: odd answers"),
    ],
)
def test_schedule_ends_by_itself(room: Room, stop: Callable[[Room], object], told: str) -> None:
    scheduled(room)
    later(room, 1.0)
    stop(room)
    if room.cutover.hold_in_force() is not None:
        room.cutover.release("olu", "mended")
    assert (stands(room).ended, stands(room).taken) == (told, 1)
    before = room.cutover.rollouts()[OP]
    later(room, 601.0)
    assert room.cutover.rollouts()[OP] == before


def test_hold_that_the_ledger_does_not_know_ends_the_schedule(room: Room) -> None:
    scheduled(room)
    room.state.hold_file.write_text("{half")
    assert later(room, 1.0) == [EntryKind.SCHEDULE_END]
    assert stands(room).ended.startswith("held by unknown: hold.json cannot be read")
    assert room.cutover.rollouts()[OP] == read(shadow=100)


def test_move_by_hand_is_the_end_of_a_schedule(room: Room) -> None:
    scheduled(room)
    room.cutover.move(OP, read(off=50, shadow=50), "olu", "less")
    assert room.another().schedule(OP) is None
    assert later(room, 601.0) == []


def test_another_build_holds_every_further_step(room: Room) -> None:
    scheduled(room)
    later(room, 1.0)
    room.cutover.note_builds(OP, Builds("old-1", "new-2"))
    room.now += 601.0
    assert Guard(PLAN, room.journal, room.cutover, lambda: room.now).check() == []
    assert any(reason.startswith("parity: STALE") for reason in room.cutover.propose_step(stands(room)).reasons)


def test_clock_that_goes_back_takes_no_step(room: Room) -> None:
    scheduled(room)
    later(room, 1.0)
    room.now -= 5000.0
    assert room.another().take_steps() == []


def test_schedule_waits_after_the_guard_took_the_operation_back(room: Room) -> None:
    scheduled(room)
    later(room, 1.0)
    room.cutover.rollback(OP, GUARD, "it fails")
    room.cutover.ask_schedule(OP, STEPS, "olu", "again", pause_s=60.0)
    room.cutover.approve(OP, STEPS[-1], "ana", "again")
    assert later(room, 300.0) == []
    assert later(room, 301.0) == [EntryKind.ROLLOUT]


def test_two_guards_take_a_step_once(room: Room) -> None:
    scheduled(room)
    room.now += 1.0
    one, other = room.another(), room.another()
    assert [len(one.take_steps()), len(other.take_steps())] == [1, 0]


def test_schedule_wants_steps_that_lead_somewhere(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    for steps in ((), (read(shadow=100),), (STEPS[1], STEPS[0]), (read(shadow=50, complete=50),), (STEPS[0], STEPS[0])):
        with pytest.raises(UsageError, match=r"a schedule has|each step brings"):
            room.cutover.ask_schedule(OP, steps, "olu", "x", pause_s=60.0)
    for pause_s in (0.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="write a time"):
            room.cutover.ask_schedule(OP, STEPS, "olu", "x", pause_s=pause_s)
    with pytest.raises(Refused, match="ana may not schedule moves"):
        room.cutover.ask_schedule(OP, STEPS, "ana", "x", pause_s=60.0)
    room.cutover.ask_schedule(OP, STEPS, "olu", "x", pause_s=60.0)
    with pytest.raises(Refused, match="cancel it first"):
        room.cutover.ask_schedule(OP, STEPS, "olu", "x", pause_s=60.0)
    room.cutover.cancel_schedule(OP, "olu", "no")
    with pytest.raises(Refused, match="no schedule to cancel"):
        room.cutover.cancel_schedule(OP, "olu", "no")
    room.cutover.hold(None, "olu", "stop")
    with pytest.raises(Refused, match="is held"):
        room.cutover.ask_schedule(OP, STEPS, "olu", "x", pause_s=60.0)


@pytest.mark.parametrize(
    ("stage", "percents", "told"),
    [
        (Stage.LIVE, ("5", "x"), "write a percentage"),
        (Stage.LIVE, ("101",), "write a percentage"),
        (Stage.DUALWRITE, ("5",), "choose from shadow, live, complete"),
        (Stage.OFF, ("5",), "choose from shadow, live, complete"),
    ],
)
def test_shares_that_are_none_are_named(stage: Stage, percents: tuple[str, ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        shares_into(stage, percents, Effect.READ)


def test_against_lets_shares_grow() -> None:
    assert against(read(shadow=100), STEPS, Effect.READ) == ""
    assert against(Rollout(), STEPS, Effect.READ) != ""


def test_step_that_is_not_the_next_ends_a_schedule() -> None:
    schedule = Schedule(1, OP, "olu", "", 0.0, tuple(step.as_dict() for step in STEPS), 60.0, 60.0)
    assert schedule.after_step(1, 5.0).ended == "step 2 was taken when step 1 was the next"
