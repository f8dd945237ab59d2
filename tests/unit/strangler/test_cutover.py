"""Cutover on real stores: gates forward, free way back, ledger first, hold whatever is broken."""

import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.cutover import Cutover
from strangler.errors import LedgerBroken, Refused, StoreError, UsageError
from strangler.evidence import Builds, Result, entry_digest, fingerprint
from strangler.exchange import (
    Judged,
    Outcome,
    OutcomeKind,
    Reason,
)
from strangler.guard import Guard
from strangler.journal import Loss
from strangler.ledger import GENESIS, EntryKind
from strangler.moves import brings_forward, taken_back
from strangler.people import GUARD
from strangler.plan.models import Plan
from strangler.rollout import DENOMINATOR, Rollout, rollout_from, stage_for, thresholds
from strangler.stages import Effect, Stage, path_of, position
from strangler.state import StateFolder
from strangler.stop import hold_now, release_now
from tests.unit.strangler.room import BUILDS, OP, PLAN, WRITE, Room, alter, exchange, operation, published, read


def test_everything_is_off_before_the_first_decision(room: Room) -> None:
    assert room.cutover.rollouts() == {OP: Rollout(), WRITE: Rollout()}
    assert room.cutover.publish() == 0
    assert published(room) == {"seq": 0, "hash": GENESIS, "rollouts": {OP: {"off": "100"}, WRITE: {"off": "100"}}}


def test_move_to_shadow_needs_no_gate_and_is_published(room: Room) -> None:
    entry = room.cutover.move(OP, read(shadow=100), "olu", "begin")
    assert (entry.kind, entry.body["before"], entry.body["after"]) == (
        EntryKind.ROLLOUT,
        {"off": "100"},
        {"shadow": "100"},
    )
    assert room.another().rollouts()[OP] == read(shadow=100)
    assert published(room)["rollouts"][OP] == {"shadow": "100"}  # type: ignore[index]


def test_move_of_two_stages_is_refused(room: Room) -> None:
    with pytest.raises(Refused, match="at most one stage forward"):
        room.cutover.move(OP, read(live=100), "olu", "hurry")
    assert room.cutover.rollouts()[OP] == Rollout()


def test_move_to_live_without_evidence_is_refused_with_each_gate(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    with pytest.raises(Refused) as refused:
        room.cutover.move(OP, read(shadow=90, live=10), "olu", "hurry")
    assert [reason.partition(":")[0] for reason in refused.value.reasons] == ["parity", "soak", "approvals"]
    assert room.cutover.rollouts()[OP] == read(shadow=100)
    refusal = room.ledger.entries()[-1]
    assert (refusal.kind, refusal.body["refused"]) == (EntryKind.REFUSAL, list(refused.value.reasons))


def test_move_to_live_with_every_gate_passed_keeps_them_on_record(room: Room) -> None:
    to = read(shadow=90, live=10)
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(to)
    entry = room.cutover.move(OP, to, "olu", "earned")
    assert {gate["gate"]: gate["result"] for gate in entry.body["gates"]} == {
        "parity": "PASS",
        "soak": "PASS",
        "gaps": "PASS",
        "approvals": "PASS",
        "hold": "PASS",
    }
    assert room.ledger.verify() == 3


def test_approval_of_one_rollout_does_not_let_another_pass(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(read(shadow=90, live=10))
    with pytest.raises(Refused, match="approved another rollout: ana"):
        room.cutover.move(OP, read(shadow=50, live=50), "olu", "more")


def test_requester_cannot_approve_for_themselves(room: Room) -> None:
    to = read(live=100)
    room.cutover.move(OP, read(shadow=100), "both", "begin")
    room.compare(500)
    room.now += 3601
    room.cutover.approve(OP, to, "both", "me")
    verdicts = {verdict.gate: verdict.result for verdict in room.cutover.verdicts(OP, to, "both")}
    assert verdicts["approvals"] is Result.HOLD


def test_only_people_with_the_role_decide(room: Room) -> None:
    with pytest.raises(Refused, match="approvers in the plan are ana, both"):
        room.cutover.approve(OP, read(shadow=100), "olu", "me")
    with pytest.raises(Refused, match="ana is no operator"):
        room.cutover.move(OP, read(shadow=100), "ana", "me")


def test_another_build_makes_everything_stale(room: Room) -> None:
    to = read(live=100)
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(to)
    room.cutover.note_builds(OP, Builds("old-1", "new-2"))
    verdicts = {verdict.gate: verdict.result for verdict in room.cutover.verdicts(OP, to, "olu")}
    assert (verdicts["parity"], verdicts["soak"], verdicts["approvals"]) == (Result.STALE, Result.STALE, Result.STALE)


def test_changed_rules_make_evidence_stale(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(read(live=100))
    data = PLAN.model_dump(mode="json", by_alias=True)
    data["operations"][OP]["compare"]["rules"] = [{"path": "$.a", "as": "ignore", "why": "it is noise"}]
    verdicts = room.another(Plan.model_validate(data)).verdicts(OP, read(live=100), "olu")
    assert verdicts[0].result is Result.STALE


@pytest.mark.parametrize(("build", "result"), [(None, Result.STALE), ("7", Result.PASS)])
def test_evidence_does_not_outlive_another_address_where_no_build_is_told(
    room: Room, build: str | None, result: Result
) -> None:
    data = PLAN.model_dump(mode="json", by_alias=True)
    data["systems"]["citizen-record"]["build"] = build
    room.cutover = room.another(Plan.model_validate(data))
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(read(live=100))
    data["systems"]["citizen-record"]["url"] = "http://127.0.0.1:3"
    verdicts = room.another(Plan.model_validate(data)).verdicts(OP, read(live=100), "olu", BUILDS)
    assert verdicts[0].result is result


def test_gap_holds_the_operation(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(read(live=100))
    room.journal.record_losses([Loss(OP, Effect.WRITE, Reason.NOT_JOURNALED, 1, 5.0)])
    assert not room.cutover.propose(OP, read(live=100), "olu").allowed


def test_closed_gap_holds_no_longer_and_is_on_record(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(read(live=100))
    room.journal.record_losses([Loss(OP, Effect.WRITE, Reason.NOT_JOURNALED, 2, 5.0, "AB123456C")])
    (gap,) = room.journal.gaps()
    for who, why, error in (("ana", "rows reconciled", Refused), ("olu", " ", UsageError)):
        with pytest.raises(error):
            room.cutover.close_gap(gap.id, who, why)
    entry = room.cutover.close_gap(gap.id, "olu", "rows reconciled")
    assert (entry.kind, entry.body["gap"], entry.body["writes"]) == (EntryKind.GAP_CLOSED, gap.id, 2)
    assert "AB123456C" not in str(entry.body)
    said = {verdict.gate: verdict.result for verdict in room.cutover.verdicts(OP, read(live=100), "olu")}
    assert said["gaps"] is Result.PASS
    with pytest.raises(UsageError, match="no open gap"):
        room.cutover.close_gap(gap.id, "olu", "rows reconciled")


def test_acceptance_turns_a_mismatch_until_it_is_rejected(room: Room) -> None:
    room.compare(5, OutcomeKind.MISMATCH)
    more = {"operation": OP, "owner": "pensions", "why": "old is wrong", "who": "ana"}
    room.review.accept("sig", until="1970-01-02", verdict="old_is_wrong", **more)  # type: ignore[arg-type]

    def accepted() -> int:
        parity = room.cutover.evidence(OP, BUILDS).parity
        assert parity is not None
        return parity.inputs.of(OutcomeKind.ACCEPTED)

    assert accepted() == 5
    assert [one.verdict for one in room.cutover.acceptances()] == ["old_is_wrong"]
    room.now = 2 * 86_400.0
    assert accepted() == 0
    room.now = 10_000.0
    room.review.reject("sig", operation=OP, who="ana", why="a defect after all")
    assert accepted() == 0


@pytest.mark.parametrize(
    "changes",
    [{"until": "soon"}, {"until": "1969-12-31"}, {"owner": " "}, {"why": ""}, {"max_rate": 0.0}, {"verdict": "ok"}],
)
def test_acceptance_without_its_reasons_is_refused(room: Room, changes: dict[str, object]) -> None:
    arguments = {"operation": OP, "owner": "p", "why": "known", "until": "2030-01-01", "who": "ana", **changes}
    with pytest.raises(UsageError):
        room.review.accept("sig", **arguments)  # type: ignore[arg-type]


def test_rollback_takes_every_key_back_at_once(room: Room) -> None:
    to = read(shadow=90, live=10)
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(to)
    room.cutover.move(OP, to, "olu", "earned")
    entry = room.cutover.rollback(OP, "strangler guard", "it fails", figures={"requests": 9, "failed": 3})
    assert (entry.body["after"], entry.body["figures"]) == ({"shadow": "100"}, {"requests": 9, "failed": 3})
    assert published(room)["rollouts"][OP] == {"shadow": "100"}  # type: ignore[index]
    with pytest.raises(Refused, match="no key is beyond shadow"):
        room.cutover.rollback(OP, "strangler guard", "again")


def test_approval_does_not_outlive_a_change(room: Room) -> None:
    room.compare(5)
    room.cutover.approve(OP, read(live=100), "ana", "early")
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    assert room.cutover.evidence(OP).approvals == ()


def test_approval_without_any_evidence_is_refused(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    with pytest.raises(Refused, match=r"no evidence .*\n.*nothing was compared"):
        room.cutover.approve(OP, read(live=100), "ana", "blind")


@pytest.mark.parametrize("verdict", ["accept", "reject", "reopen"])
def test_approval_is_void_once_somebody_says_anything_of_a_difference(room: Room, verdict: str) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(read(live=100))
    if verdict == "accept":
        room.review.accept("sig", operation=OP, owner="p", why="known", until="2030-01-01", who="ana")
    elif verdict == "reject":
        room.review.reject("sig", operation=OP, why="a defect", who="ana")
    else:
        room.review.reopen("sig", operation=OP, why="looked at too soon", who="ana")
    said = {one.gate: one.result for one in room.cutover.verdicts(OP, read(live=100), "olu")}
    assert (said["parity"], said["approvals"]) == (Result.PASS, Result.HOLD)


def test_approval_is_void_under_other_gates(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(read(live=100))
    data = PLAN.model_dump(mode="json", by_alias=True)
    data["operations"][OP]["gates"]["parity"]["max_mismatch"] = 0.4
    said = {one.gate: one.result for one in room.another(Plan.model_validate(data)).verdicts(OP, read(live=100), "olu")}
    assert (said["parity"], said["approvals"]) == (Result.PASS, Result.STALE)


def test_people_who_are_not_in_the_plan_decide_nothing(room: Room) -> None:
    agreed: dict[str, Any] = {"operation": OP, "owner": "p", "why": "known", "until": "2030-01-01"}
    room.cutover.hold(None, "ana", "an approver may stop everything")
    decisions: list[tuple[Callable[[str], object], str]] = [
        (lambda who: room.review.accept("sig", who=who, **agreed), "testers and approvers in the plan are ana, both"),
        (lambda who: room.review.reject("sig", operation=OP, who=who, why="x"), "testers and approvers"),
        (lambda who: room.cutover.release(who, "fine"), "operators in the plan are olu, both"),
        (lambda who: room.cutover.rollback(OP, who, "back"), "people in the plan are olu, ana, both"),
        (lambda who: room.cutover.hold(None, who, "stop"), "people in the plan are olu, ana, both"),
    ]
    for decide, told in decisions:
        with pytest.raises(Refused, match=f"mallory may not .*: {told}"):
            decide("mallory")
    assert [entry.who for entry in room.ledger.entries()] == ["ana"]


def test_rollback_that_died_before_publishing_is_published_by_the_next_who_looks(room: Room) -> None:
    to = read(shadow=90, live=10)
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(to)
    room.cutover.move(OP, to, "olu", "earned")
    before = room.state.rollouts_file.read_bytes()

    def died() -> None:
        room.state.rollouts_file.write_bytes(before)

    room.cutover.rollback(OP, "olu", "it fails")
    died()
    Guard(PLAN, room.journal, room.another(), lambda: room.now).check()
    assert published(room)["rollouts"][OP] == {"shadow": "100"}  # type: ignore[index]
    decisions: list[Callable[[], object]] = [
        lambda: room.another().rollback(OP, "olu", "again"),
        lambda: room.another().move(OP, read(shadow=100), "olu", "again"),
    ]
    for again in decisions:
        died()
        with pytest.raises(Refused):
            again()
        assert published(room)["rollouts"][OP] == {"shadow": "100"}  # type: ignore[index]


def test_publishing_that_fails_is_told_and_does_not_end_the_guard(room: Room) -> None:
    room.cutover.publish()
    room.state.rollouts_file.unlink()
    room.state.rollouts_file.mkdir()
    with pytest.raises(StoreError, match="strangler hold"):
        room.another().publish()
    guard = Guard(PLAN, room.journal, room.another(), lambda: room.now)
    guard.check_or_count()
    assert guard.failed_checks == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM entries WHERE seq > 1", "ends at 1: its end was cut off"),
        ("DELETE FROM entries", "ends at 0: its end was cut off"),
    ],
)
def test_ledger_that_ends_before_what_was_published_is_broken(room: Room, change: str, told: str) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.cutover.move(OP, read(off=100), "olu", "back")
    alter(room, change)
    with pytest.raises(LedgerBroken, match=told):
        room.another().rollouts()


def test_ledger_that_was_replaced_is_broken(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    alter(room, "DELETE FROM entries")
    room.ledger.append(EntryKind.HOLD, "eve", {}, now=1.0)
    with pytest.raises(LedgerBroken, match="the ledger was replaced"):
        room.another().rollouts()


def test_row_before_the_first_entry_is_found(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    alter(room, "INSERT INTO entries VALUES (-5, 1.0, 'approval', 'eve', '{}', 'x', 'y')")
    with pytest.raises(LedgerBroken):
        room.another().rollouts()
    with pytest.raises(LedgerBroken):
        room.ledger.verify()


def test_two_operators_at_once_one_wins(room: Room) -> None:
    said: list[str] = []
    gate = threading.Barrier(2)

    def decide(to: Rollout) -> None:
        own = room.another()
        gate.wait()
        try:
            own.move(OP, to, "olu", "now")
            said.append("won")
        except Refused:
            said.append("told")

    threads = [threading.Thread(target=decide, args=(read(off=100 - n, shadow=n),)) for n in (10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rollouts = [entry.body["after"] for entry in room.ledger.entries()]
    assert said.count("won") == len(rollouts)
    assert published(room)["seq"] == len(rollouts)
    assert published(room)["rollouts"][OP] == rollouts[-1]  # type: ignore[index]


def test_publish_repeats_what_a_crash_left_out(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.state.rollouts_file.unlink()
    again = room.another()
    assert again.publish() == again.publish() == 1
    assert published(room)["seq"] == 1


def test_broken_chain_is_neither_followed_nor_published(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    before = room.state.rollouts_file.read_bytes()
    alter(room, "UPDATE entries SET body = replace(body, 'shadow', 'live')")
    with pytest.raises(LedgerBroken):
        room.another().publish()
    assert room.state.rollouts_file.read_bytes() == before


def test_hold_and_release_are_on_record(room: Room) -> None:
    entry = room.cutover.hold([OP], "olu", "odd answers")
    assert entry is not None
    assert room.state.held() == {OP}
    room.cutover.hold([WRITE], "olu", "this too")
    assert room.state.held() == {OP, WRITE}
    room.cutover.hold(None, "olu", "everything")
    assert room.state.held() == {"*"}
    room.cutover.release("olu", "mended")
    assert room.state.held() == frozenset()
    assert [entry.kind for entry in room.ledger.entries()] == [EntryKind.HOLD] * 3 + [EntryKind.RELEASE]
    with pytest.raises(Refused, match="no hold"):
        room.cutover.release("olu", "again")


def test_hold_stops_moves_forward_but_not_back(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(read(live=100))
    room.cutover.hold(None, "olu", "stop")
    with pytest.raises(Refused, match="everything is held on old: olu: stop"):
        room.cutover.move(OP, read(live=100), "olu", "go")
    room.cutover.rollback(OP, "olu", "back", Stage.OFF)


def test_hold_works_without_a_ledger(tmp_path: Path) -> None:
    state = StateFolder(tmp_path, environ={"STRANGLER_LEDGER_URL": f"sqlite:///{tmp_path / 'key' / 'ledger.db'}"})
    (tmp_path / "key").write_text("a file where the ledger's folder should be")
    told = hold_now(state, None, "olu", "trouble", 5.0)
    assert told.startswith("The hold is in force, but not on record")
    assert state.held() == {"*"}
    with pytest.raises(StoreError):
        release_now(state, "olu", "mended", 6.0)
    assert state.held() == {"*"}


def test_hold_file_that_cannot_be_read_holds_everything(tmp_path: Path) -> None:
    state = StateFolder(tmp_path, environ={})
    state.hold_file.write_text("{half")
    assert state.held() == {"*"}


def test_operation_that_is_not_in_the_plan_is_named(room: Room) -> None:
    with pytest.raises(UsageError, match=r"no operation 'a\.b'; it has pensions"):
        room.cutover.propose("a.b", read(shadow=100), "olu")


def rollouts(effect: Effect) -> st.SearchStrategy[Rollout]:
    stages = path_of(effect)

    def made(cuts: list[int]) -> Rollout:
        edges = [0, *sorted(cuts), 100]
        shares = {stage.value: edges[n + 1] - edges[n] for n, stage in enumerate(stages)}
        return rollout_from(shares, effect)

    count = len(stages) - 1
    return st.lists(st.integers(0, 100), min_size=count, max_size=count).map(made)


@given(before=rollouts(Effect.WRITE), to=st.sampled_from(list(Stage)), bucket=st.integers(0, DENOMINATOR - 1))
def test_taken_back_leaves_no_key_beyond_the_stage_and_moves_no_other(before: Rollout, to: Stage, bucket: int) -> None:
    after = taken_back(before, to, Effect.WRITE)
    was, now = (stage_for(thresholds(rollout), bucket) for rollout in (before, after))
    assert position(now, Effect.WRITE) == min(position(was, Effect.WRITE), position(to, Effect.WRITE))


@given(before=rollouts(Effect.READ), after=rollouts(Effect.READ))
def test_brings_forward_is_true_where_any_key_newly_hears_new(before: Rollout, after: Rollout) -> None:
    first, second = thresholds(before), thresholds(after)
    hears = {Stage.LIVE, Stage.COMPLETE}
    found = any(
        stage_for(second, bucket) in hears
        and position(stage_for(second, bucket), Effect.READ) > position(stage_for(first, bucket), Effect.READ)
        for bucket in range(0, DENOMINATOR, DENOMINATOR // 100)
    )
    assert brings_forward(before, after, Effect.READ) == found


def test_taken_back_to_a_stage_that_reads_skip_goes_one_further_back() -> None:
    assert taken_back(read(live=100), Stage.DUALWRITE, Effect.READ) == Rollout(((Stage.OFF, Decimal(100)),))


def changed(**entry: object) -> Plan:
    """The plan with another entry of the read."""
    whole = PLAN.model_dump(by_alias=True)
    whole["operations"][OP] = operation("read", **entry)
    return Plan.model_validate(whole)


def results_of(room: Room, cutover: Cutover) -> dict[str, Result]:
    return {one.gate: one.result for one in cutover.verdicts(OP, read(live=100), "olu", BUILDS)}


def test_minor_differences_pass_where_the_plan_asks_for_major_ones(room: Room) -> None:
    comparing = {"minor": ["$.a"]}
    for severity, result in (("any", Result.HOLD), ("major", Result.PASS)):
        parity = {"max_mismatch": 0.01, "severity": severity}
        room.cutover = room.another(changed(compare=comparing, gates={"parity": parity}))
        room.compare(500, prefix=severity)
        room.compare(5, OutcomeKind.MISMATCH, prefix=f"{severity}-")
        assert results_of(room, room.cutover)["parity"] is result


def test_rule_that_hides_too_much_holds_its_operation(room: Room) -> None:
    rules = [
        {"path": "$.b", "as": "ignore", "why": "noise"},
        {"path": "$.c", "as": "ignore", "why": "noise", "at_most": 0.1},
    ]
    room.cutover = room.another(changed(compare={"rules": rules}, gates={"parity": {"max_mismatch": 0.01}}))
    mark = room.cutover.evidence(OP, BUILDS).fingerprint
    room.journal.append([exchange(f"x{n}", room.now) for n in range(500)])
    hidden = [(9, 1) if n < 51 else (9, 0) for n in range(500)]
    outcomes = [Outcome(OutcomeKind.MATCH, mark, f"x{n}", hidden=hidden[n]) for n in range(500)]
    room.journal.finish([Judged(outcome.input, outcome) for outcome in outcomes[:500]], room.now)
    (parity,) = (one for one in room.cutover.verdicts(OP, read(live=100), "olu", BUILDS) if one.gate == "parity")
    assert parity.result is Result.HOLD
    assert parity.reasons[0].startswith("rule 2 (ignore at $.c) hid something in 51 of 500 compared exchanges (10.2 %)")


def test_operation_that_was_taken_back_by_itself_is_left_alone_for_a_while(room: Room) -> None:
    to = read(live=100)
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(to)
    room.cutover.move(OP, to, "olu", "earned")
    room.cutover.rollback(OP, GUARD, "it fails")
    room.cutover.approve(OP, to, "ana", "again")
    assert {name for name, said in results_of(room, room.cutover).items() if said is not Result.PASS} == {"cool_down"}
    with pytest.raises(Refused, match="cool_down: HOLD: it was taken back by itself 0 s ago; needed: 600 s more"):
        room.cutover.move(OP, to, "olu", "at once")
    room.now += 600
    assert results_of(room, room.another())["cool_down"] is Result.PASS
    room.cutover.move(OP, to, "olu", "after a while")


def test_operation_that_somebody_took_back_may_move_again(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.cutover.rollback(OP, "olu", "just so", Stage.OFF)
    room.cutover.move(OP, read(shadow=100), "olu", "again")
    assert "cool_down" not in results_of(room, room.cutover)


def test_coverage_is_asked_for_where_the_plan_does(room: Room) -> None:
    assert "coverage" not in results_of(room, room.cutover)
    plan = changed(gates={"parity": {"max_mismatch": 0.01}, "coverage": {"min": 0.5}})
    cutover = room.another(plan)
    assert results_of(room, cutover)["coverage"] is Result.NO_DATA
    entry = entry_digest(plan, OP)
    room.journal.expect(OP, entry, ["status 200", "status 404"], source="pensions.wsdl", now=room.now)
    assert results_of(room, cutover)["coverage"] is Result.HOLD
    room.journal.append([exchange("a", room.now)])
    outcome = Outcome(OutcomeKind.MATCH, fingerprint(entry, BUILDS), "a")
    room.journal.finish([Judged("a", outcome, covered=frozenset({"status 200"}))], room.now)
    assert results_of(room, cutover)["coverage"] is Result.PASS
