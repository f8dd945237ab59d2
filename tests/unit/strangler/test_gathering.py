"""What is read for added gates alone: since the first comparison under the present fingerprint, and of both sides."""

from strangler.evidence import Result
from strangler.exchange import Judged, Observation, Outcome, OutcomeKind
from strangler.gathering import with_added
from strangler.plan.models import Gates
from strangler.stages import Side
from tests.unit.strangler.room import BUILDS, OP, PLAN, Room, exchange, read

POLICY = Gates.model_validate({"errors": {}, "latency": {"min_answers": 1}, "parity": {"max_mismatch": 0.01}})


def test_gathering_reads_nothing_for_gates_that_the_plan_does_not_name(room: Room) -> None:
    room.compare(3)
    evidence = room.cutover.evidence(OP, BUILDS)
    assert evidence == with_added(evidence, Gates(), room.journal, room.now)


def test_gathering_reads_the_times_of_both_sides_and_what_callers_heard_of_new(room: Room) -> None:
    room.compare(3)
    mark = room.cutover.evidence(OP, BUILDS).fingerprint
    room.journal.append([exchange("slow", room.now)])
    seen = (Observation(Side.NEW, 200, build="new-1", at=room.now, duration_s=0.25),)
    room.journal.finish([Judged("slow", Outcome(OutcomeKind.MATCH, mark, "slow"), seen)], room.now)
    found = with_added(room.cutover.evidence(OP, BUILDS), POLICY, room.journal, room.now + 10)
    assert found.answered is not None
    assert found.latency is not None
    assert (found.answered.requests, found.answered.failed) == (0, 0)
    slowest = found.latency.new[-1]
    assert slowest.low_ms <= 250 < slowest.high_ms
    assert sum(bucket.count for bucket in found.latency.old) == 4


def test_added_gates_hold_a_move_and_are_on_record(room: Room) -> None:
    entry = PLAN.operations[OP].model_copy(update={"gates": POLICY.model_copy(update={"soak_h": 1.0})})
    plan = PLAN.model_copy(update={"operations": {**PLAN.operations, OP: entry}})
    room.compare(100)
    said = room.another(plan).verdicts(OP, read(shadow=90, live=10), "olu", BUILDS)
    results = {verdict.gate: verdict.result for verdict in said}
    assert (results["errors"], results["latency"]) == (Result.HOLD, Result.NO_DATA)
