"""The journal's contract, the same on SQLite and on PostgreSQL."""

import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strangler.errors import StoreError, UsageError
from strangler.evidence import Builds, LoadEvidence, LoadSide, NoiseEvidence, NoisyPath
from strangler.exchange import (
    Difference,
    DifferenceKind,
    Exchange,
    Failure,
    Judged,
    NoiseSample,
    Observation,
    Origin,
    Outcome,
    OutcomeKind,
    Reason,
    Request,
)
from strangler.journal import AcceptedSignature, GapReserve, Journal, Loss, RuleUse
from strangler.journal.crypto import Sealer
from strangler.plan.rule_paths import parse_path
from strangler.stages import Effect, Side, Stage

KEY = bytes(range(32))
OP = "pensions.get-entitlement"


def exchange(name: str, *, key: str | None = "AB123456C", at: float = 100.0, **changes: object) -> Exchange:
    made = Exchange(
        id=name,
        operation=OP,
        effect=Effect.READ,
        key=key,
        cohort=None,
        stage=Stage.SHADOW,
        request=Request("POST", "/pensions?for=AB123456C", (("Host", "a"), ("X-Note", "caf\udce9")), b"<ask/>", 6),
        answer=Observation(Side.OLD, 200, (("Content-Type", "text/xml"),), b"<answer/>", 9, None, at, 0.02, "old-1"),
        asked=Side.NEW,
        entry="entry",
        at=at,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def judged(name: str, kind: OutcomeKind, of_input: str, *signatures: str, fingerprint: str = "now") -> Judged:
    differences = tuple(Difference(DifferenceKind.VALUE, f"$.{s}", "1", "2", s, f"$.{s}") for s in signatures)
    reason = Reason.OLD_FAILED if kind is OutcomeKind.NOT_COMPARED else None
    seen = Observation(Side.NEW, 200, (), b"new", 3, None, 101.0, 0.03, "new-1")
    return Judged(name, Outcome(kind, fingerprint, of_input, reason, differences), (seen,))


def fill(journal: Journal, *results: Judged, now: float = 200.0) -> None:
    journal.append([exchange(result.exchange_id) for result in results])
    journal.finish(results, now)


def test_exchange_comes_back_as_it_was_appended(journal: Journal) -> None:
    fell_back = Observation(Side.NEW, None, failure=Failure.TIMEOUT, body=None, at=1.0, duration_s=5.0)
    whole = exchange("a", fell_back=fell_back)
    journal.append([whole])
    assert journal.exchange("a") == (whole, (), None)


def test_exchange_with_odd_bytes_everywhere_is_taken(journal: Journal) -> None:
    odd = "caf\udce9\0"
    answer = Observation(Side.OLD, 200, ((odd, odd),), b"\0\xff", 2, build=odd)
    journal.append([exchange("a", key=odd, cohort=odd, answer=answer)])
    journal.record_losses([Loss(OP, Effect.WRITE, Reason.NOT_JOURNALED, 1, 5.0, odd)])
    assert journal.exchange("a")[0].key == odd
    assert journal.exchange("a")[0].answer == answer
    assert [gap.key for gap in journal.gaps()] == [odd]


def test_exchange_without_body_keeps_its_size(journal: Journal) -> None:
    large = exchange("a", request=Request("PUT", "/x", (), None, 2_000_000), not_compared=Reason.TOO_LARGE)
    journal.append([large])
    assert journal.exchange("a")[0] == large
    assert list(journal.requests()) == []


def test_exchange_unknown_is_refused_by_name(journal: Journal) -> None:
    with pytest.raises(UsageError, match="no exchange 'nobody'"):
        journal.exchange("nobody")


def test_append_twice_changes_nothing(journal: Journal) -> None:
    skipped = exchange("b", not_compared=Reason.TOO_LARGE)
    journal.append([exchange("a"), skipped])
    journal.append([exchange("a", at=999.0), skipped])
    assert journal.exchange("a")[0].at == 100.0
    assert journal.depth() == 1
    assert [tally.count for tally in journal.outcomes_count()] == [1]


def test_append_of_an_answer_only_waits_for_nobody(journal: Journal) -> None:
    journal.append([exchange("a", asked=None)])
    assert journal.depth() == 0
    assert journal.claim("w", 10, 30, 200.0) == []


def test_claim_gives_the_oldest_first_and_each_once(journal: Journal) -> None:
    journal.append([exchange(f"x{at}", key=None, at=float(at)) for at in (3, 1, 2)])
    assert [x.id for x in journal.claim("w", 2, 30, 200.0)] == ["x1", "x2"]
    assert [x.id for x in journal.claim("v", 2, 30, 200.0)] == ["x3"]
    assert journal.claim("w", 2, 30, 200.0) == []


def test_claim_keeps_a_key_with_one_worker_across_operations(journal: Journal) -> None:
    other = exchange("c", at=103.0, operation="health.find-patient")
    journal.append([exchange("a", at=101.0), exchange("b", key="Z", at=102.0), other])
    assert [x.id for x in journal.claim("w", 1, 30, 200.0)] == ["a"]
    assert [x.id for x in journal.claim("v", 10, 30, 200.0)] == ["b"]
    assert [x.id for x in journal.claim("w", 10, 30, 200.0)] == ["c"]


def test_unfinished_writes_are_those_of_the_key_in_any_operation(journal: Journal) -> None:
    write: dict[str, Any] = {"effect": Effect.WRITE}
    journal.append([exchange("claimed", at=1.0, **write), exchange("waiting", at=2.0, operation="b.write", **write)])
    journal.append([exchange("read"), exchange("nobody's", asked=None, **write), exchange("other", key="Z", **write)])
    journal.claim("w", 1, 30, 200.0)
    assert sorted(journal.unfinished_writes("AB123456C")) == ["claimed", "waiting"]
    journal.finish([judged("claimed", OutcomeKind.MATCH, "i"), judged("waiting", OutcomeKind.MATCH, "i")], 200.0)
    assert journal.unfinished_writes("AB123456C") == []


def test_claim_after_the_lease_belongs_to_anybody_and_counts_attempts(journal: Journal) -> None:
    journal.append([exchange("a")])
    journal.claim("killed", 1, 30, 200.0)
    assert journal.claim("w", 1, 30, 229.0) == []
    assert [x.id for x in journal.claim("w", 1, 30, 231.0)] == ["a"]
    assert journal.attempts(["a"]) == {"a": 2}


def test_renew_prolongs_only_what_the_worker_still_holds(journal: Journal) -> None:
    journal.append([exchange("a"), exchange("b", key="Z")])
    journal.claim("w", 1, 30, 200.0)
    journal.claim("v", 1, 30, 200.0)
    assert journal.renew("w", ["a", "b"], 100, 220.0) == 1
    assert [x.id for x in journal.claim("u", 5, 30, 250.0)] == ["b"]


def test_release_gives_back_at_once(journal: Journal) -> None:
    journal.append([exchange("a")])
    journal.claim("w", 1, 30, 200.0)
    assert journal.release("v", ["a"]) == 0
    assert journal.release("w", ["a"]) == 1
    assert [x.id for x in journal.claim("v", 1, 30, 201.0)] == ["a"]


def test_claim_by_many_workers_at_once_gives_each_exchange_to_one(journal: Journal) -> None:
    journal.append([exchange(f"x{n}", key=f"k{n % 7}", at=float(n)) for n in range(200)])
    claimed: list[tuple[str, str]] = []

    def work(worker: str) -> None:
        while mine := journal.claim(worker, 10, 300, 200.0):
            claimed.extend((x.id, worker) for x in mine)
            journal.finish([judged(x.id, OutcomeKind.MATCH, x.id) for x in mine], 201.0)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A worker that saw only held keys stops early; what is left is claimable by any other.
    work("last")
    assert len(claimed) == len({name for name, _ in claimed}) == 200


def test_finish_twice_counts_once(journal: Journal) -> None:
    journal.append([exchange("a")])
    result = judged("a", OutcomeKind.MATCH, "i")
    assert journal.finish([result, result], 200.0) == 1
    assert journal.finish([judged("a", OutcomeKind.MISMATCH, "i", "s")], 201.0) == 0
    assert journal.parity(OP, "now", 300.0).exchanges.by_kind == {OutcomeKind.MATCH: 1}


def test_finish_keeps_observations_and_differences(journal: Journal) -> None:
    result = judged("a", OutcomeKind.MISMATCH, "i", "s")
    fill(journal, result)
    _, observations, outcome = journal.exchange("a")
    assert observations == result.observations
    assert outcome == result.outcome


def test_parity_counts_distinct_inputs_by_their_worst_outcome(journal: Journal) -> None:
    fill(
        journal,
        judged("a", OutcomeKind.MISMATCH, "i1", "s"),
        judged("b", OutcomeKind.MATCH, "i1"),
        judged("c", OutcomeKind.MATCH, "i2"),
        judged("d", OutcomeKind.MATCH, "i2"),
        judged("e", OutcomeKind.NEW_FAILED, "i3"),
    )
    evidence = journal.parity(OP, "now", 300.0)
    assert evidence.inputs.by_kind == {OutcomeKind.MISMATCH: 1, OutcomeKind.MATCH: 1, OutcomeKind.NEW_FAILED: 1}
    assert evidence.exchanges.by_kind == {OutcomeKind.MATCH: 3, OutcomeKind.MISMATCH: 1, OutcomeKind.NEW_FAILED: 1}
    assert (evidence.first_at, evidence.last_at, evidence.pending) == (200.0, 200.0, 0)


def test_parity_of_another_fingerprint_is_only_counted(journal: Journal) -> None:
    fill(journal, judged("a", OutcomeKind.MATCH, "i", fingerprint="before"))
    evidence = journal.parity(OP, "now", 300.0)
    assert (evidence.inputs.total, evidence.first_at, evidence.other_fingerprints) == (0, None, 1)


def test_parity_counts_skipped_exchanges_and_losses(journal: Journal) -> None:
    fill(journal, judged("a", OutcomeKind.MATCH, "i"))
    journal.append([exchange("b", at=210.0, not_compared=Reason.TOO_LARGE)])
    journal.record_losses([Loss(OP, Effect.READ, Reason.NOT_JOURNALED, 4, 211.0)])
    evidence = journal.parity(OP, "now", 300.0)
    assert evidence.inputs.not_compared == {Reason.TOO_LARGE: 1, Reason.NOT_JOURNALED: 4}
    assert evidence.inputs.of(OutcomeKind.NOT_COMPARED) == 5


def test_parity_leaves_skipped_exchanges_with_the_fingerprint_of_their_time(journal: Journal) -> None:
    journal.append([exchange("z", at=120.0, not_compared=Reason.TOO_LARGE)])
    fill(journal, judged("a", OutcomeKind.MATCH, "i", fingerprint="before"), now=150.0)
    fill(journal, judged("b", OutcomeKind.MATCH, "i"), now=200.0)
    assert journal.parity(OP, "now", 300.0).inputs.not_compared == {}
    assert journal.parity(OP, "before", 300.0).inputs.not_compared == {Reason.TOO_LARGE: 1}


def test_outcome_without_fingerprint_counts_as_not_compared(journal: Journal) -> None:
    fill(journal, judged("a", OutcomeKind.MATCH, "i"), judged("b", OutcomeKind.MATCH, "i", fingerprint=""))
    assert journal.parity(OP, "now", 300.0).inputs.not_compared == {Reason.COMPARER_FAILED: 1}


def test_acceptance_covers_only_inputs_whose_every_difference_is_accepted(journal: Journal) -> None:
    fill(
        journal,
        judged("a", OutcomeKind.MISMATCH, "i1", "known"),
        judged("b", OutcomeKind.MISMATCH, "i2", "known", "other"),
        judged("c", OutcomeKind.MISMATCH, "i3", "known"),
        judged("d", OutcomeKind.NOT_COMPARED, "i3"),
        judged("e", OutcomeKind.MISMATCH, "i4"),
    )
    counts = journal.parity(OP, "now", 300.0, [AcceptedSignature("known"), AcceptedSignature("")])
    assert counts.inputs.by_kind == {
        OutcomeKind.ACCEPTED: 1,
        OutcomeKind.MISMATCH: 2,
        OutcomeKind.NOT_COMPARED: 1,
    }
    assert counts.exchanges.by_kind == {
        OutcomeKind.ACCEPTED: 2,
        OutcomeKind.MISMATCH: 2,
        OutcomeKind.NOT_COMPARED: 1,
    }


def test_acceptance_ends_with_its_day_and_over_its_rate(journal: Journal) -> None:
    fill(journal, *(judged(f"m{n}", OutcomeKind.MISMATCH, f"m{n}", "known") for n in range(2)))
    fill(journal, *(judged(f"o{n}", OutcomeKind.MATCH, f"o{n}") for n in range(8)))

    def mismatches(accepted: AcceptedSignature) -> int:
        return journal.parity(OP, "now", 300.0, [accepted]).inputs.of(OutcomeKind.MISMATCH)

    assert mismatches(AcceptedSignature("known", until=301.0, max_rate=0.2)) == 0
    assert mismatches(AcceptedSignature("known", until=300.0)) == 2
    assert mismatches(AcceptedSignature("known", max_rate=0.19)) == 2
    assert mismatches(AcceptedSignature("know")) == 2


def test_findings_group_by_signature_and_show_one_example(journal: Journal) -> None:
    fill(
        journal,
        judged("a", OutcomeKind.MISMATCH, "i1", "s"),
        judged("b", OutcomeKind.MISMATCH, "i1", "s"),
        judged("c", OutcomeKind.MISMATCH, "i2", "s", "t"),
    )
    found = journal.findings(OP, "now")
    assert [(f.signature, f.count, f.inputs) for f in found] == [("s", 3, 2), ("t", 1, 1)]
    assert (found[0].example_exchange_id, found[0].example_path, found[0].old, found[0].new) == ("a", "$.s", "1", "2")
    assert journal.findings("health.find-patient") == []


def test_window_tells_what_callers_heard_from_new(journal: Journal) -> None:
    def new(n: int, status: int = 200) -> Exchange:
        answer = Observation(Side.NEW, status, (), b"", 0, None, 100.0, 0.5 if n == 99 else 0.1)
        return exchange(f"n{n}", at=110.0, answer=answer, asked=Side.OLD, stage=Stage.LIVE)

    fell_back = Observation(Side.NEW, None, failure=Failure.TIMEOUT)
    journal.append([new(n) for n in range(100)] + [new(200, 503), exchange("f", at=111.0, fell_back=fell_back)])
    journal.append([exchange("before", at=90.0, answer=Observation(Side.NEW, 500))])
    journal.finish([judged("n1", OutcomeKind.MISMATCH, "i", "s"), judged("n2", OutcomeKind.MATCH, "j")], 112.0)
    stats = journal.window(OP, 100.0)
    assert (stats.requests, stats.failed, stats.fell_back) == (102, 2, 1)
    assert stats.failures == {503: 1, Failure.TIMEOUT: 1}
    assert (stats.compared, stats.mismatches) == (2, 1)
    assert stats.p99_new_ms == pytest.approx(100.0, rel=1 / 64)
    assert stats.p99_old_ms is None
    assert journal.window(OP, 100.0, [AcceptedSignature("s")]).mismatches == 0


def test_builds_are_the_latest_of_each_side(journal: Journal) -> None:
    assert journal.latest_builds(OP) is None
    fill(journal, judged("a", OutcomeKind.MATCH, "i"))
    assert journal.latest_builds(OP) == Builds("old-1", "new-1")
    answer = Observation(Side.OLD, 200, build="old-2")
    journal.append([exchange("b", at=300.0, answer=answer)])
    assert journal.latest_builds(OP) == Builds("old-2", "new-1")


def test_builds_are_not_learnt_from_failures(journal: Journal) -> None:
    fill(journal, judged("a", OutcomeKind.MATCH, "i"))
    journal.append([exchange("b", at=300.0, answer=Observation(Side.OLD, 502))])
    assert journal.latest_builds(OP) == Builds("old-1", "new-1")
    assert journal.last_reached_old(OP) == 300.0


def test_builds_are_not_learnt_from_answers_without_their_header(journal: Journal) -> None:
    fill(journal, judged("a", OutcomeKind.MATCH, "i"))
    journal.append([exchange("b", at=300.0, answer=Observation(Side.OLD, 404))])
    assert journal.latest_builds(OP) == Builds("old-1", "new-1")
    assert journal.last_reached_old(OP) == 300.0


def judged_one_by_one(journal: Journal, *begun: tuple[str, float]) -> None:
    """Outcomes of exchanges that began then, under these fingerprints; judged one second apart, in this order."""
    for number, (fingerprint, at) in enumerate(begun):
        journal.append([exchange(f"x{number}", key=f"k{number}", at=at)])
        one = judged(f"x{number}", OutcomeKind.MATCH, f"i{number}", fingerprint=fingerprint)
        journal.finish([one], 1000.0 + number)


@pytest.mark.parametrize(
    ("begun", "interleaved", "alone"),
    [
        ([("old", 1.0), ("old", 2.0), ("now", 3.0), ("now", 4.0)], 0, 0),
        ([("old", 1.0), ("now", 3.0), ("old", 2.0), ("now", 4.0)], 0, 0),  # a slow one that was under way
        ([("now", 1.0), ("old", 2.0), ("now", 3.0), ("old", 4.0), ("now", 5.0)], 2, 1),
        ([("now", 1.0), ("old", 2.0)], 1, 0),
    ],
)
def test_parity_tells_other_builds_outcomes_among_the_present_ones(
    journal: Journal, begun: list[tuple[str, float]], interleaved: int, alone: int
) -> None:
    judged_one_by_one(journal, *begun)
    seen = journal.parity(OP, "now", 2000.0)
    assert (seen.interleaved, seen.alone) == (interleaved, alone)


def test_parity_forgets_other_builds_after_a_day(journal: Journal) -> None:
    judged_one_by_one(journal, ("now", 1.0), ("old", 2.0), ("now", 3.0))
    assert journal.parity(OP, "now", 80_000.0).interleaved == 1
    assert journal.parity(OP, "now", 88_000.0).interleaved == 0


def test_parity_counts_what_both_sides_refused(journal: Journal) -> None:
    refused = Outcome(OutcomeKind.MATCH, "now", "i", Reason.BOTH_REFUSED)
    fill(journal, Judged("a", refused), judged("b", OutcomeKind.MATCH, "j"))
    seen = journal.parity(OP, "now", 300.0)
    assert (seen.refused, seen.exchanges.by_kind, seen.exchanges.not_compared) == (1, {OutcomeKind.MATCH: 2}, {})
    assert journal.exchange("a")[2] == refused


def test_lost_write_leaves_a_gap_until_it_is_closed(journal: Journal) -> None:
    journal.record_losses([Loss(OP, Effect.WRITE, Reason.NOT_JOURNALED, 1, 5.0, "AB123456C", why="the queue is full")])
    (gap,) = journal.gaps(OP)
    assert (gap.key, gap.why, gap.count) == ("AB123456C", "the queue is full", 1)
    journal.close_gap(gap.id, "rows reconciled", "ana", 9.0)
    assert journal.gaps() == []
    assert [closed.closed_by for closed in journal.gaps(closed=True)] == ["ana"]
    with pytest.raises(UsageError, match="no open gap"):
        journal.close_gap(gap.id, "again", "ana", 10.0)


def test_requests_are_the_newest_with_their_bodies(journal: Journal) -> None:
    journal.append([exchange(f"x{n}", at=float(n)) for n in range(5)])
    journal.append([exchange("w", at=9.0, effect=Effect.WRITE)])
    assert [x.id for x in journal.requests(OP, Effect.READ, 2)] == ["x4", "x3"]
    assert [x.id for x in journal.requests(since=4.0)] == ["w", "x4"]


def test_recorded_requests_are_all_there_page_by_page(journal: Journal) -> None:
    journal.append([exchange(f"x{n}", at=float(n)) for n in range(4_100)])
    journal.append([exchange("probe", at=9.0, origin=Origin.PROBE)])
    found = [name for name, _ in journal.recorded()]
    assert found == [f"x{n}" for n in reversed(range(4_100))]
    assert [name for name, _ in journal.recorded(since=4_098.0, limit=1)] == ["x4099"]
    assert next(journal.recorded())[1] == exchange("x").request


def test_load_prefers_the_present_fingerprint(journal: Journal) -> None:
    side = LoadSide(10, 0, 1.0, 2.0, 3.0, 4.0)
    run = LoadEvidence("r1", OP, "peak", "now", 10.0, 30.0, 5.0, 5.0, side, side)
    journal.record_load(run, b"histogram")
    later = replace(run, run="r2", fingerprint="other", at=20.0)
    journal.record_load(later)
    assert journal.load(OP, "now") == run
    assert (
        journal.load(OP, "none of these")
        == journal.loads(OP)[0]
        == replace(run, run="r2", fingerprint="other", at=20.0)
    )
    assert journal.load_histograms("r1", OP) == b"histogram"


def test_purge_drops_bodies_and_keeps_counts(journal: Journal) -> None:
    fill(journal, judged("a", OutcomeKind.MISMATCH, "i", "s"))
    journal.append([exchange("late", at=101.0), exchange("new", at=900.0)])
    assert journal.purge(before=500.0, now=1000.0) == 2
    old, observations, outcome = journal.exchange("a")
    assert (old.request.body, old.key, observations) == (None, None, ())
    assert outcome is not None
    assert outcome.kind is OutcomeKind.MISMATCH
    evidence = journal.parity(OP, "now", 1100.0)
    assert evidence.exchanges.of(OutcomeKind.MISMATCH) == 1
    assert evidence.exchanges.not_compared == {Reason.EXPIRED: 1}
    (finding,) = journal.findings()
    assert (finding.old, finding.new) == (None, None)
    assert [x.id for x in journal.claim("w", 10, 30, 1000.0)] == ["new"]


def test_purged_finding_takes_a_new_example(journal: Journal) -> None:
    fill(journal, judged("a", OutcomeKind.MISMATCH, "i", "s"))
    journal.purge(before=500.0, now=1000.0)
    journal.append([exchange("b", at=1001.0)])
    journal.finish([judged("b", OutcomeKind.MISMATCH, "i", "s")], 1002.0)
    (finding,) = journal.findings()
    assert (finding.example_exchange_id, finding.old, finding.count) == ("b", "1", 2)


def test_nothing_personal_is_stored_in_clear(journal: Journal, store_url: str, tmp_path: Path) -> None:
    fill(journal, judged("a", OutcomeKind.MISMATCH, "i", "s"))
    journal.record_losses([Loss(OP, Effect.WRITE, Reason.NOT_JOURNALED, 1, 5.0, "AB123456C")])
    if not store_url.startswith("sqlite"):
        pytest.skip("only a file can be read as bytes here")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"AB123456C" not in content
    assert b"<answer/>" not in content


def test_another_key_opens_nothing(journal: Journal, store_url: str) -> None:
    journal.append([exchange("a")])
    with Journal.open(store_url, key=bytes(32)) as stranger, pytest.raises(StoreError, match="does not open"):
        stranger.exchange("a")


def test_open_without_create_refuses_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no journal"):
        Journal.open(f"sqlite:///{tmp_path / 'none.db'}", key=KEY, create=False)


def test_reserve_is_drained_into_the_journal_once(journal: Journal, tmp_path: Path) -> None:
    reserve = GapReserve(tmp_path / "gaps.reserve", Sealer(KEY))
    reserve.add(OP, "AB123456C", 5.0, "disk full")
    assert reserve.drain(journal) == 1
    assert reserve.drain(journal) == 0
    assert [gap.key for gap in journal.gaps()] == ["AB123456C"]


WORKER = """
import sys, time
from strangler.journal import Journal
journal = Journal.open(sys.argv[1], key=bytes(range(32)))
print(*(x.id for x in journal.claim("doomed", 5, 10.0, 1000.0)), flush=True)
time.sleep(60)
"""


def test_killed_worker_loses_nothing_and_nothing_is_held_twice(journal: Journal, store_url: str) -> None:
    journal.append([exchange(f"x{n}", key=None, at=float(n)) for n in range(8)])
    doomed = subprocess.Popen([sys.executable, "-c", WORKER, store_url], stdout=subprocess.PIPE, text=True)
    assert doomed.stdout is not None
    held = doomed.stdout.readline().split()
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.communicate()
    meanwhile = [x.id for x in journal.claim("w", 99, 100.0, 1005.0)]
    later = [x.id for x in journal.claim("w", 99, 100.0, 1011.0)]
    assert (held, meanwhile, later) == (["x0", "x1", "x2", "x3", "x4"], ["x5", "x6", "x7"], held)


WRITER = """
import sys
from strangler.exchange import *
from strangler.journal import Journal
from strangler.stages import *
journal = Journal.open(sys.argv[1], key=bytes(range(32)))
for n in range(10_000):
    batch = [Exchange(f"{n}-{i}", "a.b", Effect.READ, None, None, Stage.OFF, Request("GET", "/"),
                      Observation(Side.OLD, 200), None, "e", 1.0) for i in range(5)]
    journal.append(batch)
    print(n, flush=True)
"""


def test_killed_writer_leaves_every_acknowledged_batch_whole(journal: Journal, store_url: str) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, store_url], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(20):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged = 20 + len(writer.communicate()[0].split())
    stored = [x.id for x in journal.requests(limit=100_000)]
    assert len(stored) % 5 == 0
    assert acknowledged * 5 <= len(stored) <= (acknowledged + 1) * 5


def test_judged_write_that_the_other_side_lacks_leaves_one_gap(journal: Journal) -> None:
    journal.append([exchange("a", effect=Effect.WRITE), exchange("b", effect=Effect.WRITE, key=None)])
    results = [replace(judged(name, OutcomeKind.NEW_FAILED, name), gap=f"{name} was refused") for name in "ab"]
    journal.finish(results, 200.0)
    journal.finish(results, 201.0)
    assert [(gap.key, gap.why, gap.count, gap.at) for gap in journal.gaps(OP)] == [
        ("AB123456C", "a was refused", 1, 100.0),
        (None, "b was refused", 1, 100.0),
    ]


def test_write_that_cannot_be_compared_still_waits_for_the_other_side(journal: Journal) -> None:
    owed = exchange("a", effect=Effect.WRITE, not_compared=Reason.TOO_LARGE)
    journal.append([owed, exchange("b", effect=Effect.WRITE, asked=None, not_compared=Reason.NOT_ASKED)])
    assert journal.claim("w", 10, 30, 200.0) == [owed]
    assert [(tally.reason, tally.count) for tally in journal.outcomes_count()] == [(Reason.NOT_ASKED, 1)]


def test_purged_write_that_was_never_asked_leaves_a_gap(journal: Journal) -> None:
    journal.append([exchange("a"), exchange("b", effect=Effect.WRITE), exchange("c", effect=Effect.WRITE, asked=None)])
    assert journal.purge(before=500.0, now=1000.0) == 3
    (gap,) = journal.gaps()
    assert (gap.key, gap.why) == ("AB123456C", "exchange b: its body expired before the other side was asked")


def test_purge_takes_no_more_than_its_limit(journal: Journal) -> None:
    journal.append([exchange(f"x{n}") for n in range(5)])
    assert [journal.purge(500.0, 1000.0, 2) for _ in range(4)] == [2, 2, 1, 0]


def test_last_builds_tell_each_side_that_answered(journal: Journal) -> None:
    journal.append([exchange("a")])
    assert journal.last_builds(OP) == {Side.OLD: "old-1"}
    failed = Observation(Side.NEW, 503, (), b"", 0, None, 101.0, 0.03)
    journal.finish([Judged("a", Outcome(OutcomeKind.NEW_FAILED, "f", "i"), (failed,))], 200.0)
    assert journal.last_builds(OP) == {Side.OLD: "old-1"}


@pytest.mark.parametrize("origin", [Origin.REPLAY, Origin.PROBE])
def test_replays_and_probes_are_evidence_and_no_traffic(journal: Journal, origin: Origin) -> None:
    failed = Observation(Side.NEW, 503, (), b"", 0, None, 100.0, 9.0, "new-9")
    asked = exchange("a", origin=origin, answer=failed, asked=Side.OLD, stage=Stage.LIVE)
    journal.append([asked, exchange("b", origin=origin, key="Z")])
    journal.finish([judged(name, OutcomeKind.MISMATCH, name, "s") for name in "ab"], 200.0)
    assert journal.exchange("a")[0] == asked
    assert journal.parity(OP, "now", 300.0).exchanges.by_kind == {OutcomeKind.MISMATCH: 2}
    assert list(journal.requests()) == []
    assert journal.last_reached_old(OP) is None
    stats = journal.window(OP, 0.0)
    assert (stats.requests, stats.failed, stats.compared, stats.mismatches) == (0, 0, 0, 0)
    assert journal.latest_builds(OP) == Builds("old-1", "new-1")


def test_only_what_callers_asked_is_heard(journal: Journal) -> None:
    journal.append(
        [exchange("a", origin=Origin.REPLAY), exchange("b"), exchange("c"), exchange("d", origin=Origin.PROBE)]
    )
    seen = []
    for name, now in (("a", 200.0), ("b", 300.0), ("c", 400.0), ("d", 500.0)):
        journal.finish([judged(name, OutcomeKind.MATCH, name)], now)
        parity = journal.parity(OP, "now", 600.0)
        seen.append((parity.first_at, parity.last_at, parity.heard_first_at, parity.heard_last_at))
    assert seen == [
        (200.0, 200.0, None, None),
        (200.0, 300.0, 300.0, 300.0),
        (200.0, 400.0, 300.0, 400.0),
        (200.0, 500.0, 300.0, 400.0),
    ]


def test_recorded_answer_tells_no_newer_build(journal: Journal) -> None:
    journal.append([exchange("a", answer=Observation(Side.OLD, 200, build="old-2", at=150.0), at=150.0)])
    recorded = Observation(Side.OLD, 200, build="old-1", at=100.0)
    journal.append([exchange("b", at=900.0, origin=Origin.REPLAY, answer=recorded)])
    assert journal.last_builds(OP) == {Side.OLD: "old-2"}


def test_window_takes_no_latency_from_replays(journal: Journal) -> None:
    journal.append([exchange(f"x{n}", key=None, origin=Origin.REPLAY) for n in range(40)])
    journal.finish([judged(f"x{n}", OutcomeKind.MATCH, f"x{n}") for n in range(40)], 200.0)
    assert journal.window(OP, 0.0).p99_new_ms is None


def test_replay_of_a_build_that_answers_nobody_does_not_interleave(journal: Journal) -> None:
    judged_one_by_one(journal, ("now", 1.0), ("now", 3.0))
    journal.append([exchange("r", at=2.0, origin=Origin.REPLAY)])
    journal.finish([judged("r", OutcomeKind.MATCH, "i0", fingerprint="candidate")], 1002.0)
    assert journal.parity(OP, "now", 2000.0).interleaved == 0
    assert journal.parity(OP, "candidate", 2000.0).interleaved == 0


def with_hidden(name: str, *hidden: int, kind: OutcomeKind = OutcomeKind.MATCH) -> Judged:
    made = judged(name, kind, name)
    return replace(made, outcome=replace(made.outcome, hidden=hidden))


def test_rules_are_counted_where_they_hide_something(journal: Journal) -> None:
    fill(journal, with_hidden("a", 0, 3), with_hidden("b", 0, 1, kind=OutcomeKind.NOISE), with_hidden("c"), now=200.0)
    journal.append([exchange("d")])
    journal.finish([with_hidden("d", 0, 0, 5)], 300.0)
    journal.finish([with_hidden("d", 0, 0, 5)], 301.0)
    assert journal.rule_uses(OP, "now") == {1: RuleUse(2, 4, 200.0, 200.0), 2: RuleUse(1, 5, 300.0, 300.0)}
    assert journal.rule_uses(OP, "before") == {}


def drawn(name: str, again: str, beside: str) -> Judged:
    """A result with a draw: paths that differ between old and old, and between old and new."""
    halves = (frozenset((f"$.{path}", DifferenceKind.VALUE) for path in half) for half in (again, beside))
    return replace(judged(name, OutcomeKind.MATCH, name), sample=NoiseSample(*halves))


def test_noise_counts_every_draw_and_where_its_halves_differ(journal: Journal) -> None:
    fill(journal, drawn("a", "pq", "p"), drawn("b", "", "r"), drawn("c", "", ""), judged("d", OutcomeKind.MATCH, "d"))
    journal.append([exchange("e")])
    journal.finish([drawn("e", "p", "r")], 300.0)
    value = DifferenceKind.VALUE
    assert journal.noise(OP, "now") == NoiseEvidence(
        4,
        (NoisyPath("$.p", value, 1, 1, 0), NoisyPath("$.q", value, 0, 1, 0), NoisyPath("$.r", value, 0, 0, 2)),
    )
    assert journal.noise(OP, "before") == NoiseEvidence()


def test_finding_keeps_its_smallest_example(journal: Journal) -> None:
    for name, size in (("a", 900), ("b", 40), ("c", 500)):
        journal.append([exchange(name, request=Request("GET", "/", (), os.urandom(size), size))])
    journal.finish([judged("a", OutcomeKind.MISMATCH, "a", "s")], 200.0)
    large = journal.findings()[0]
    journal.finish([judged(name, OutcomeKind.MISMATCH, name, "s") for name in "bc"], 201.0)
    (small,) = journal.findings()
    assert (large.example_exchange_id, small.example_exchange_id, small.count) == ("a", "b", 3)
    assert large.example_bytes - small.example_bytes == pytest.approx(860, abs=4)


def valued(name: str, *pairs: tuple[str | None, str | None]) -> Judged:
    differences = tuple(Difference(DifferenceKind.VALUE, "$.s", old, new, "s", "$.s") for old, new in pairs)
    return Judged(name, Outcome(OutcomeKind.MISMATCH, "now", name, None, differences))


def test_finding_samples_a_few_distinct_pairs_of_values(journal: Journal) -> None:
    fill(journal, valued("a", ("1", "2"), ("1", "2"), (None, "x" * 5_000)), valued("b", ("3", None)))
    assert journal.findings()[0].samples == (("1", "2"), ("3", None))
    fill(journal, valued("c", ("1", "2"), *((str(n), "0") for n in range(20))))
    samples = journal.findings()[0].samples
    assert samples[:3] == (("1", "2"), ("3", None), ("0", "0"))
    assert len(samples) == len(set(samples)) == 8


def test_finding_loses_all_its_values_when_the_first_of_them_expires(journal: Journal) -> None:
    fill(journal, valued("long ago", ("1", "2")), now=200.0)
    journal.append([exchange("b", at=900.0, request=Request("GET", "/"))])
    journal.finish([valued("b", ("3", "4"))], 901.0)
    assert journal.findings()[0].example_exchange_id == "b"
    journal.purge(before=500.0, now=1000.0)
    (finding,) = journal.findings()
    assert (finding.old, finding.samples, finding.count) == (None, (), 2)
    journal.append([exchange("c", at=1001.0)])
    journal.finish([valued("c", ("5", "6"))], 1002.0)
    (finding,) = journal.findings()
    assert (finding.old, finding.samples, finding.example_exchange_id) == ("5", (("5", "6"),), "c")


def test_minor_paths_count_as_accepted_where_nothing_else_differs(journal: Journal) -> None:
    fill(
        journal,
        judged("a", OutcomeKind.MISMATCH, "i1", "note"),
        judged("b", OutcomeKind.MISMATCH, "i2", "note", "amount"),
        judged("c", OutcomeKind.MISMATCH, "i3", "note", fingerprint="before"),
    )
    minor = [parse_path("$..note")]
    seen = journal.parity(OP, "now", 300.0, minor=minor)
    assert seen.inputs.by_kind == {OutcomeKind.ACCEPTED: 1, OutcomeKind.MISMATCH: 1}
    assert journal.parity(OP, "now", 300.0).inputs.by_kind == {OutcomeKind.MISMATCH: 2}


def test_noise_leaves_out_what_people_agreed_to(journal: Journal) -> None:
    fill(journal, judged("a", OutcomeKind.MISMATCH, "a", "p"), drawn("b", "", "pq"))

    def paths(*accepted: str, minor: str = "$.none") -> list[str]:
        agreed = [AcceptedSignature(one) for one in accepted]
        noise = journal.parity(OP, "now", 300.0, agreed, minor=[parse_path(minor)]).noise
        return [path.general_path for path in noise.paths] if noise and noise.samples == 1 else []

    assert [paths(), paths("p"), paths(minor="$.q")] == [["$.p", "$.q"], ["$.q"], ["$.p"]]


def test_parity_is_told_by_cohort_too(journal: Journal) -> None:
    cohorts = {"a": "Leeds", "b": "York", "c": None, "d": "Leeds"}
    journal.append([exchange(name, cohort=cohort) for name, cohort in cohorts.items()])
    journal.finish(
        [
            judged("a", OutcomeKind.MISMATCH, "same", "s"),
            judged("b", OutcomeKind.MATCH, "same"),
            judged("c", OutcomeKind.MATCH, "other"),
            judged("d", OutcomeKind.MATCH, "same"),
        ],
        200.0,
    )
    match, mismatch = OutcomeKind.MATCH, OutcomeKind.MISMATCH
    everybody, leeds, york = (journal.parity(OP, "now", 300.0, cohort=name) for name in (None, "Leeds", "York"))
    assert everybody.inputs.by_kind == {mismatch: 1, match: 1}
    assert (leeds.inputs.by_kind, leeds.exchanges.by_kind) == ({mismatch: 1}, {mismatch: 1, match: 1})
    assert (york.inputs.by_kind, york.exchanges.by_kind) == ({match: 1}, {match: 1})
    assert sum(tally.count for tally in journal.outcomes_count()) == 4
    assert [finding.count for finding in journal.findings()] == [1]
    assert journal.cohorts(OP, "now") == ["Leeds", "York"]
    assert journal.parity(OP, "now", 300.0, cohort="Hull").first_at is None


def traffic(rng: random.Random, count: int) -> tuple[list[Exchange], list[Judged]]:
    """Callers' exchanges of a minute, most of them judged, in every way that the guard cares for."""
    exchanges, results = [], []
    for n in range(count):
        at, side = 100.0 + rng.random() * 60, rng.choice(list(Side))
        status = rng.choice([200, 200, 200, 503]) if side is Side.NEW else 200
        fell_back = Observation(Side.NEW, None, failure=Failure.TIMEOUT) if n % 7 == 0 and side is Side.OLD else None
        answer = Observation(side, status, at=at, duration_s=rng.random())
        name = f"{count}-{n}"
        exchanges.append(exchange(name, key=None, at=at, answer=answer, asked=side.other, fell_back=fell_back))
        if n % 5:
            kind = rng.choice([OutcomeKind.MATCH, OutcomeKind.MISMATCH, OutcomeKind.NEW_FAILED])
            seen = Observation(side.other, 200, at=at + 1, duration_s=rng.random())
            result = judged(name, kind, name, *("s",) * (kind is OutcomeKind.MISMATCH))
            results.append(replace(result, observations=(seen,)))
    return exchanges, results


@pytest.mark.parametrize("since", [0.0, 99.0, 105.0, 112.345, 120.0, 158.9, 161.0])
def test_window_begins_exactly_where_it_was_asked_to(journal: Journal, since: float) -> None:
    exchanges, results = traffic(random.Random(7), 400)
    for start in range(0, 400, 50):
        journal.append(exchanges[start : start + 50])
    journal.finish(results, 300.0)
    within = {one.id: one for one in exchanges if one.at >= since}
    tried = [one for one in within.values() if one.answer.side is Side.NEW or one.fell_back]
    failed = [one for one in tried if one.fell_back or one.answer.status == 503]
    kinds = [result.outcome.kind for result in results if result.exchange_id in within]
    stats = journal.window(OP, since)
    assert (stats.requests, stats.failed) == (len(tried), len(failed))
    assert stats.fell_back == stats.failures.get(Failure.TIMEOUT, 0) == sum(1 for one in failed if one.fell_back)
    assert stats.mismatches == kinds.count(OutcomeKind.MISMATCH)
    assert stats.compared == stats.mismatches + kinds.count(OutcomeKind.MATCH)
    assert journal.window(OP, since, [AcceptedSignature("s")]).mismatches == 0
    for side, told in ((Side.NEW, stats.p99_new_ms), (Side.OLD, stats.p99_old_ms)):
        seen = sorted(one.answer.duration_s for one in within.values() if one.answer.side is side)
        if len(seen) >= 20:
            assert told == pytest.approx(seen[-(-len(seen) * 99 // 100) - 1] * 1000, rel=1 / 60)


def test_window_takes_latencies_of_asked_answers_where_callers_had_few(journal: Journal) -> None:
    journal.append([exchange(f"x{n}", key=None, at=100.0 + n) for n in range(30)])
    seen = [Observation(Side.NEW, 200, at=110.0 + n, duration_s=0.04) for n in range(30)]
    outcome = Outcome(OutcomeKind.MATCH, "now", "i")
    journal.finish([Judged(f"x{n}", outcome, (seen[n],)) for n in range(30)], 200.0)
    assert journal.window(OP, 102.0).p99_new_ms == pytest.approx(40.0, rel=1 / 60)
    assert journal.window(OP, 122.0).p99_new_ms is None


def test_window_counts_what_comes_again_once(journal: Journal) -> None:
    new = exchange("a", at=101.0, answer=Observation(Side.NEW, 503, duration_s=0.1), asked=Side.OLD)
    again = replace(new, answer=Observation(Side.NEW, 200, duration_s=9.0))
    journal.append([new, new])
    journal.append([again, exchange("b", at=102.0, answer=Observation(Side.NEW, 200), asked=Side.OLD)])
    result = judged("a", OutcomeKind.MATCH, "i")
    journal.finish([result, result], 200.0)
    journal.finish([result], 201.0)
    stats = journal.window(OP, 100.0)
    assert (stats.requests, stats.failed, stats.compared) == (2, 1, 1)


def test_purge_drops_slots_with_the_bodies(journal: Journal) -> None:
    new = Observation(Side.NEW, 200)
    journal.append([exchange("a", at=101.0, answer=new, asked=None), exchange("b", at=901.0, answer=new, asked=None)])
    journal.purge(before=500.0, now=1000.0)
    assert journal.window(OP, 95.0).requests == 1


def asked_by(journal: Journal, run: str, count: int) -> None:
    """One exchange of each of so many keys."""
    journal.append([exchange(f"{run}{n}", key=f"k{n}") for n in range(count)])
    journal.finish([judged(f"{run}{n}", OutcomeKind.MATCH, f"{run}{n}") for n in range(count)], 200.0)


def test_parity_tells_about_how_many_keys_there_were(journal: Journal) -> None:
    def keys() -> int:
        return journal.parity(OP, "now", 300.0).keys

    journal.append([exchange("nobody's", key=None)])
    journal.finish([judged("nobody's", OutcomeKind.MATCH, "i")], 200.0)
    assert keys() == 0
    asked_by(journal, "a", 90)
    asked_by(journal, "b", 90)
    assert keys() == 90
    asked_by(journal, "c", 2_000)
    assert keys() == pytest.approx(2_000, rel=0.2)
    assert journal.parity(OP, "before", 300.0).keys == 0
    journal.purge(before=500.0, now=1000.0)
    assert keys() == 0
