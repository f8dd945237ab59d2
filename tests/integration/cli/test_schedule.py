"""schedule: asked for, shown, taken by the guard, cancelled."""

import time

import pytest

from strangler.guard import Guard
from strangler.ledger import EntryKind, Ledger

READ = "library.get-book"


def guarded(programme) -> list[EntryKind]:
    """What a guard does at one look."""
    session = programme.session.renewed()  # as a guard that was started anew
    return [entry.kind for entry in Guard(session.plan, session.journal, session.cutover, time.time).check()]


def told(programme) -> str:
    """What status says of the schedule."""
    return " ".join(programme.run("status").out.split())


def ask(programme, *more: str):
    return programme.run("schedule", READ, "--steps", "5,25,100", "--pause", "1h", "--as", "ann", *more)


def test_schedule_is_taken_by_the_guard_as_far_as_gates_let_it(programme) -> None:
    programme.run("cutover", READ, "--to", "shadow", "--yes", "--as", "ann")
    asked = ask(programme)
    assert asked.code == 0
    assert f"Approvers agree to its end: strangler approve {READ} --to '{{live: 100}}'" in asked.out
    assert guarded(programme) == []
    assert "0 of 3 steps taken; the next is due since" in told(programme)
    assert "held: parity: NO DATA" in told(programme)
    programme.compare(200)
    programme.load()
    programme.run("approve", READ, "--to", "live", "--as", "bob")
    assert guarded(programme) == [EntryKind.ROLLOUT]
    document = programme.run("status", "--json").document["operations"][READ]
    assert (document["rollout"], document["schedule"]["taken"]) == ("shadow 95, live 5", 1)
    assert document["schedule"]["state"] == "waiting"
    assert "1 of 3 steps taken; the next in 60 min" in told(programme)
    assert guarded(programme) == []


def test_schedule_is_cancelled_and_keys_stay_where_they_are(programme) -> None:
    programme.run("cutover", READ, "--to", "shadow", "--yes", "--as", "ann")
    assert f"{READ} has no schedule" in programme.run("schedule", READ).out
    ask(programme)
    assert programme.run("schedule", READ, "--cancel", "--as", "bob", "--why", "odd answers").code == 0
    assert "0 of 3 steps taken; ended: cancelled by bob: odd answers" in told(programme)
    assert programme.run("schedule", READ, "--cancel", "--as", "bob").code == 1
    assert programme.run("schedule", READ, "--json").document["ended"] == "cancelled by bob: odd answers"
    with Ledger.open(programme.session.state.ledger_url) as ledger:
        kinds = [entry.kind for entry in ledger.entries()]
    assert kinds == [EntryKind.ROLLOUT, EntryKind.SCHEDULE, EntryKind.SCHEDULE_END]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--steps", "5,x"), "write a percentage"),
        (("--steps", "25,5"), "one stage forward and none back"),
        (("--steps", "5,100", "--pause", "soon"), "say a number with s, m, h or d"),
        (("--steps", "5,100", "--cancel"), "say one of them"),
        (("--steps", "5,100", "--stage", "dualwrite"), "choose from shadow, live, complete"),
    ],
)
def test_schedule_that_is_none_says_what_to_write(programme, arguments: tuple[str, ...], says: str) -> None:
    programme.run("cutover", READ, "--to", "shadow", "--yes", "--as", "ann")
    told = programme.run("schedule", READ, *arguments, "--as", "ann")
    assert (told.code, says in told.err) == (2, True), told.err
