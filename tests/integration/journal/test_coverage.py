"""Coverage of the contract in the journal, the same on SQLite and on PostgreSQL."""

from dataclasses import replace

import pytest

from strangler.evidence import CoverageEvidence
from strangler.exchange import Exchange, Judged, Observation, Outcome, OutcomeKind, Reason, Request
from strangler.journal import Journal
from strangler.stages import Effect, Side, Stage

OP = "pensions.get-entitlement"
ITEMS = {"status 200", "answer //status = A", "answer //status = D"}


def exchange(name: str) -> Exchange:
    return Exchange(
        id=name,
        operation=OP,
        effect=Effect.READ,
        key=None,
        cohort=None,
        stage=Stage.SHADOW,
        request=Request("POST", "/pensions"),
        answer=Observation(Side.OLD, 200),
        asked=Side.NEW,
        entry="entry",
        at=100.0,
    )


def judged(name: str, *items: str, kind: OutcomeKind = OutcomeKind.MATCH, fingerprint: str = "now") -> Judged:
    reason = Reason.OLD_FAILED if kind is OutcomeKind.NOT_COMPARED else None
    return Judged(name, Outcome(kind, fingerprint, name, reason), covered=frozenset(items))


def finish(journal: Journal, *results: Judged, now: float = 200.0) -> None:
    journal.append([exchange(result.exchange_id) for result in results])
    journal.finish(results, now)


def test_coverage_of_a_contract_that_nobody_has_read_is_no_data(journal: Journal) -> None:
    finish(journal, judged("a", "status 200"))
    assert journal.coverage(OP, "entry", "now") is None


def test_coverage_counts_what_was_seen_and_lists_what_was_not(journal: Journal) -> None:
    journal.expect(OP, "entry", ITEMS, source="pensions?wsdl", now=50.0)
    finish(journal, judged("a", "status 200"), judged("b", "status 200", "answer //status = D"))
    expected = CoverageEvidence(3, 2, ("answer //status = A",), "pensions?wsdl")
    assert journal.coverage(OP, "entry", "now") == expected


def test_coverage_keeps_the_first_exchange_that_showed_an_item(journal: Journal) -> None:
    journal.expect(OP, "entry", ITEMS)
    finish(journal, judged("a", "status 200"), now=200.0)
    finish(journal, judged("b", "status 200"), now=300.0)
    found = {item.item: (item.first_at, item.example) for item in journal.seen_items(OP, "entry", "now")}
    assert found == {
        "status 200": (200.0, "a"),
        "answer //status = A": (None, None),
        "answer //status = D": (None, None),
    }


def test_coverage_under_another_fingerprint_is_told_and_does_not_count(journal: Journal) -> None:
    journal.expect(OP, "entry", ITEMS)
    finish(journal, judged("a", "status 200", fingerprint="before"))
    seen = journal.coverage(OP, "entry", "now")
    assert seen is not None
    assert (seen.seen, seen.elsewhere) == (0, 1)


@pytest.mark.parametrize("kind", [OutcomeKind.NOT_COMPARED, OutcomeKind.NEW_FAILED])
def test_coverage_by_an_exchange_that_was_not_compared_does_not_count(journal: Journal, kind: OutcomeKind) -> None:
    journal.expect(OP, "entry", ITEMS)
    finish(journal, judged("a", "status 200", kind=kind))
    seen = journal.coverage(OP, "entry", "now")
    assert seen is not None
    assert seen.seen == 0


def test_coverage_by_items_that_the_contract_holds_no_more_does_not_count(journal: Journal) -> None:
    journal.expect(OP, "entry", ITEMS)
    finish(journal, judged("a", *ITEMS))
    journal.expect(OP, "entry", {"status 200", "status 404"})
    assert journal.coverage(OP, "entry", "now") == CoverageEvidence(2, 1, ("status 404",))


def test_expect_with_trouble_keeps_what_was_read_before(journal: Journal) -> None:
    journal.expect(OP, "entry", ITEMS, source="pensions?wsdl")
    journal.expect(OP, "entry", (), source="pensions?wsdl", trouble="no answer within 5 s")
    seen = journal.coverage(OP, "entry", "now")
    assert seen is not None
    assert (seen.expected, seen.trouble) == (3, "no answer within 5 s")


def test_expect_with_trouble_at_first_expects_nothing(journal: Journal) -> None:
    journal.expect(OP, "entry", (), source="pensions?wsdl", trouble="not well-formed XML")
    assert journal.coverage(OP, "entry", "now") == CoverageEvidence(0, 0, (), "pensions?wsdl", "not well-formed XML")


def test_coverage_of_a_result_that_comes_twice_is_stored_once(journal: Journal) -> None:
    journal.expect(OP, "entry", ITEMS)
    finish(journal, judged("a", "status 200"))
    journal.finish([replace(judged("a", *ITEMS))], 400.0)
    seen = journal.coverage(OP, "entry", "now")
    assert seen is not None
    assert seen.seen == 1
