"""What compared traffic has shown of a contract, as a person asks for it."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from strangler.evidence import entry_digest
from strangler.exchange import Judged, Outcome, OutcomeKind

READ = "library.get-book"
ITEMS = {"status 200", "status 404", "answer 200 $.title absent", "answer 200 $.title present"}
OLD = 'url: "http://127.0.0.1:9", build: "2019"'


def gate(programme: Any, coverage: str) -> None:
    """Give the old catalogue a contract, and the read a gate for it."""
    programme.change_plan("gates: {parity", f"gates: {{coverage: {coverage}, parity")
    text = programme.plan.read_text().replace(OLD, f"{OLD}, openapi: catalogue.yaml", 1)
    programme.plan.write_text(text)


def expect(programme: Any, *items: str, trouble: str = "") -> None:
    session = programme.session
    entry = entry_digest(session.plan, READ)
    session.journal.expect(READ, entry, items or ITEMS, source="catalogue.yaml", trouble=trouble, now=time.time())


def show(programme: Any, *items: str) -> None:
    journal = programme.session.journal
    journal.append([programme.exchange("x1", time.time())])
    outcome = Outcome(OutcomeKind.MATCH, programme.fingerprint(), "x1")
    journal.finish([Judged("x1", outcome, covered=frozenset(items))], time.time())


def test_coverage_lists_what_was_seen_with_an_example_and_what_was_not(run: Callable[..., Any], programme: Any) -> None:
    gate(programme, "{min: 0.5}")
    expect(programme)
    show(programme, "status 200", "answer 200 $.title present")
    told = run("parity", "coverage", READ)
    assert told.code == 0
    assert "2 of 4 items seen, 50 %, of 50 % wanted: PASS" in told.out
    assert told.out.index("answer 200 $.title absent") < told.out.index("status 200  (first ")
    assert "exchange x1" in told.out


def test_coverage_below_the_gate_holds(run: Callable[..., Any], programme: Any) -> None:
    gate(programme, "{min: 0.9}")
    expect(programme)
    show(programme, "status 200")
    told = run("parity", "coverage", "--json")
    (document,) = [one for one in told.document if one["operation"] == READ]
    assert (told.code, document["verdict"], document["share"]) == (1, "HOLD", 0.25)
    assert document["unseen"] == ["answer 200 $.title absent", "answer 200 $.title present", "status 404"]


def test_coverage_without_a_contract_has_no_data(run: Callable[..., Any], programme: Any) -> None:
    gate(programme, "{min: 0.9}")
    assert run("parity", "coverage", READ).code == 3
    expect(programme, trouble="catalogue.yaml: No such file or directory")
    told = run("parity", "coverage", READ)
    assert (told.code, "catalogue.yaml: No such file or directory" in told.out) == (3, True)


def test_coverage_of_an_operation_that_names_no_contract_waits_for_no_worker(run: Callable[..., Any]) -> None:
    told = run("parity", "coverage", READ)
    assert ("names a contract" in told.out, "no worker" in told.out) == (True, False)


def test_coverage_tells_what_the_plan_leaves_out_and_whether_that_is_so(
    run: Callable[..., Any], programme: Any
) -> None:
    never = [
        '{item: "answer 200 $.title a*", why: "every book has one"}',
        '{item: "status 200", why: "nothing works"}',
        '{item: "status 418", why: "a joke"}',
    ]
    gate(programme, f"{{min: 0.5, never: [{', '.join(never)}]}}")
    expect(programme)
    show(programme, "status 200", "answer 200 $.title present")
    told = run("parity", "coverage", READ)
    assert "2 of 3 items seen" in told.out
    assert "answer 200 $.title a*: every book has one (1)" in told.out
    assert "status 200: nothing works – but seen: status 200" in told.out
    assert "status 418: a joke – it matches no item: mend it, or take it out" in told.out


def test_coverage_of_everything_is_one_line_each(run: Callable[..., Any], programme: Any) -> None:
    gate(programme, "{min: 0.9}")
    expect(programme)
    told = run("parity", "coverage")
    assert told.code == 1
    assert [line.split()[:5] for line in told.out.splitlines() if line.startswith(READ)] == [[READ, "0", "4", "0", "%"]]


@pytest.mark.parametrize("arguments", [("library.get-bok",), ("nonsense",)])
def test_coverage_of_an_unknown_operation_is_wrong_use(run: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    assert run("parity", "coverage", *arguments).code == 2
