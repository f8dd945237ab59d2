"""What is read for added gates alone: since the first comparison under the present fingerprint, and of both sides."""

from strangler.evidence import Result, RowsEvidence, rows_digest
from strangler.exchange import Judged, Observation, Outcome, OutcomeKind
from strangler.gathering import with_added
from strangler.journal.row_runs import RowRun
from strangler.plan.models import Gates, Plan
from strangler.plan.rows import Rows
from strangler.stages import Side
from tests.unit.strangler.room import BUILDS, OP, PLAN, Room, exchange, read

POLICY = Gates.model_validate({"errors": {}, "latency": {"min_answers": 1}, "parity": {"max_mismatch": 0.01}})


ROWS = Rows.model_validate(
    {
        "old": {"connection": "sqlite:///a", "table": "t"},
        "new": {"connection": "sqlite:///b", "table": "t"},
        "key": ["id"],
    }
)


def planned(gates: Gates) -> Plan:
    entry = PLAN.operations[OP].model_copy(update={"gates": gates})
    return PLAN.model_copy(update={"operations": {**PLAN.operations, OP: entry}, "rows": {"citizens": ROWS}})


def row_run(room: Room, name: str, at: float, **result: object) -> None:
    mark = rows_digest(planned(POLICY), "citizens")
    counts = {"is_complete": True, "differences": 0, "old_rows": 9, "new_rows": 9, "plan": mark, "began_at": at - 10}
    room.journal.record_rows(RowRun(name, "citizens", at, {**counts, **result}))


def reconciled(room: Room) -> RowsEvidence:
    plan = planned(Gates.model_validate({"rows": {"name": "citizens"}}))
    found = with_added(room.cutover.evidence(OP, BUILDS), plan, room.journal, room.now).rows
    assert found is not None
    return found


def test_gathering_reads_nothing_for_gates_that_the_plan_does_not_name(room: Room) -> None:
    room.compare(3)
    evidence = room.cutover.evidence(OP, BUILDS)
    assert evidence == with_added(evidence, PLAN, room.journal, room.now)


def test_gathering_reads_the_times_of_both_sides_and_what_callers_heard_of_new(room: Room) -> None:
    room.compare(3)
    mark = room.cutover.evidence(OP, BUILDS).fingerprint
    room.journal.append([exchange("slow", room.now)])
    seen = (Observation(Side.NEW, 200, build="new-1", at=room.now, duration_s=0.25),)
    room.journal.finish([Judged("slow", Outcome(OutcomeKind.MATCH, mark, "slow"), seen)], room.now)
    found = with_added(room.cutover.evidence(OP, BUILDS), planned(POLICY), room.journal, room.now + 10)
    assert found.answered is not None
    assert found.latency is not None
    assert (found.answered.requests, found.answered.failed) == (0, 0)
    slowest = found.latency.new[-1]
    assert slowest.low_ms <= 250 < slowest.high_ms
    assert sum(bucket.count for bucket in found.latency.old) == 4


def test_added_gates_hold_a_move_and_are_on_record(room: Room) -> None:
    room.compare(100)
    said = room.another(planned(POLICY)).verdicts(OP, read(shadow=90, live=10), "olu", BUILDS)
    results = {verdict.gate: verdict.result for verdict in said}
    assert (results["errors"], results["latency"]) == (Result.HOLD, Result.NO_DATA)


def test_gathering_takes_the_newest_run_of_rows_that_ended_under_the_present_plan(room: Room) -> None:
    assert reconciled(room) == RowsEvidence("citizens")
    row_run(room, "other", 900.0, plan="of another plan")
    row_run(room, "first", 100.0, differences=5)
    row_run(room, "second", 200.0)
    row_run(room, "third", 300.0, is_complete=False, differences=3)
    found = reconciled(room)
    assert found.run is not None
    assert (found.run.run, found.run.began_at, found.elsewhere, found.stopped) == ("second", 190.0, 1, 3)


def test_gathering_takes_a_run_of_rows_that_went_on_for_as_old_as_the_one_that_stopped(room: Room) -> None:
    row_run(room, "ended long ago", 50.0)
    row_run(room, "stopped", 100.0, is_complete=False)
    row_run(room, "went on", 9_000.0, resumed=True)
    found = reconciled(room)
    assert found.run is not None
    assert (found.run.run, found.run.began_at, found.stopped) == ("went on", 90.0, 0)


def test_rows_stand_under_what_the_plan_says_of_them() -> None:
    plan = planned(POLICY)
    other = plan.model_copy(update={"rows": {"citizens": ROWS.model_copy(update={"key": ("nino",)})}})
    assert rows_digest(plan, "citizens") != rows_digest(other, "citizens")
