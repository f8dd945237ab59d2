from collections.abc import Callable

import pytest

from strangler.errors import PlanError, Problem
from strangler.plan import LoadedPlan

Load = Callable[..., LoadedPlan]
Problems = Callable[..., tuple[Problem, ...]]
GATE = "operations.pensions.get-entitlement.gates.coverage"
BEFORE = "      load: {budget: peak-hour}\n"


def gate(text: str) -> str:
    """The gates with a coverage gate among them."""
    return f"{BEFORE}      coverage: {text}\n"


def test_coverage_gate_of_an_operation_with_a_contract_is_taken(good: str, load: Load) -> None:
    never = '[{item: "answer //status = S", why: "suspended awards are answered by another office"}]'
    loaded = load(good.replace(BEFORE, gate(f"{{min: 0.8, never: {never}}}")))
    assert [warning.code for warning in loaded.warnings if "coverage" in warning.key] == []


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        ('{never: [{item: "*", why: "a reason"}]}', "leaves-all-out", f"{GATE}.never[0].item"),
        (
            '{never: [{item: "fault A", why: "a reason"}, {item: "fault A", why: "a reason"}]}',
            "left-out-twice",
            f"{GATE}.never[1].item",
        ),
        ('{never: [{item: "fault A"}]}', "rule-without-why", f"{GATE}.never[0].why"),
    ],
)
def test_coverage_gate_that_leaves_out_wrongly_is_refused(problems: Problems, text: str, code: str, key: str) -> None:
    found = problems(BEFORE, gate(text))
    assert [(problem.code, problem.key) for problem in found] == [(code, key)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{min: 0}", "covers-nothing"),
        ('{never: [{item: "answer * = S", why: "a reason"}]}', "inner-star"),
    ],
)
def test_coverage_gate_that_may_be_meant_otherwise_is_warned_of(good: str, load: Load, text: str, code: str) -> None:
    loaded = load(good.replace(BEFORE, gate(text)))
    assert [warning.code for warning in loaded.warnings if "coverage" in warning.key] == [code]


def test_coverage_gate_takes_the_elements_of_json_lists_for_what_they_are(good: str, load: Load) -> None:
    loaded = load(good.replace(BEFORE, gate('{never: [{item: "answer 200 $.a[*].b = *", why: "a reason"}]}')))
    assert [warning.code for warning in loaded.warnings if "coverage" in warning.key] == []


def test_coverage_gate_without_any_contract_is_refused(good: str, load: Load) -> None:
    text = good.replace(BEFORE, gate("{}")).replace("    old: pensions\n", "    old: stand-in\n")
    with pytest.raises(PlanError) as caught:
        load(text)
    assert "no-contract" in [problem.code for problem in caught.value.problems]
