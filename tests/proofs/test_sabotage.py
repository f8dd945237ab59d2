"""All of ``make sabotage``, in every run of the tests; and that the suite itself can fail."""

from collections import Counter

from strangler import gates
from tests.proofs import sabotage


def test_sabotage_good_evidence_passes_every_gate() -> None:
    assert [verdict.gate for verdict in sabotage.good().verdicts() if not gates.may_move([verdict])] == []


def test_sabotage_nothing_passes() -> None:
    tried = list(sabotage.sabotages())
    assert len(tried) >= 200
    assert [name for name, sabotaged in tried if sabotage.passed(sabotaged)] == []


def test_sabotage_ways_are_different() -> None:
    names = Counter(name for name, _ in sabotage.sabotages())
    assert [name for name, count in names.items() if count > 1] == []


def test_sabotage_of_nothing_is_told_as_passed() -> None:
    assert sabotage.passed(lambda room: room)


def test_sabotage_that_breaks_a_gate_is_told_as_passed() -> None:
    assert sabotage.passed(lambda room: room.nothing)  # type: ignore[attr-defined]
