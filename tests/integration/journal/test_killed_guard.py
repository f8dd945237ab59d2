"""A guard that takes a step, killed at every write, and started again: the step is taken once, and on record."""

import subprocess
import sys
from pathlib import Path

import orjson

from strangler.guard import Guard
from strangler.ledger import EntryKind
from strangler.schedules import shares_into
from strangler.stages import Effect, Stage
from tests.unit.strangler.room import OP, PLAN, Room, read

ROOT = Path(__file__).parents[3]
STEPS = shares_into(Stage.LIVE, ("5", "100"), Effect.READ)


def base(folder: Path) -> float:
    """A programme whose first step is due; the time there."""
    room = Room(folder)
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(STEPS[-1])
    room.cutover.ask_schedule(OP, STEPS, "olu", "by and by", pause_s=600.0)
    room.close()
    return room.now + 1.0


def followed(room: Room) -> object:
    """The rollout that engines follow."""
    return orjson.loads(room.state.rollouts_file.read_bytes())["rollouts"][OP]


def steps(room: Room) -> int:
    """How many steps are on record."""
    return sum(entry.kind is EntryKind.ROLLOUT and "schedule" in entry.body for entry in room.ledger.entries())


def test_guard_killed_at_any_write_takes_its_step_exactly_once(tmp_path: Path) -> None:
    now = base(tmp_path / "base")
    told = subprocess.run(
        [sys.executable, "-m", "tests.integration.journal.dying_guard", str(tmp_path), str(now)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    killed, code = map(int, told.stdout.splitlines()[-1].split())  # after what the guard logged
    assert (killed >= 6, code) == (True, 0)
    unpublished = unrecorded = 0
    for n in range(1, killed + 2):
        room = Room(tmp_path / str(n))
        room.now = now
        on_record, before = steps(room), followed(room)
        assert before in ([{"shadow": "100"}, STEPS[0].as_dict()] if on_record else [{"shadow": "100"}])
        unrecorded += on_record == 0
        unpublished += on_record == 1 and before == {"shadow": "100"}
        for _ in range(3):
            Guard(PLAN, room.journal, room.another(), lambda: now).check()
        assert (steps(room), room.another().rollouts()[OP]) == (1, STEPS[0])
        assert followed(room) == STEPS[0].as_dict()
        assert room.ledger.verify() == len(room.ledger.entries())
        room.close()
    assert unrecorded > 0, "no guard died before its decision was on record"
    assert unpublished > 0, "no guard died between the ledger and the engines"
