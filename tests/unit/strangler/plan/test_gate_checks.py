"""The lint of gates that a plan adds: those that could never pass are refused, with what to write instead."""

from collections.abc import Callable

import pytest

from strangler.errors import Problem
from strangler.plan import LoadedPlan

Load = Callable[..., LoadedPlan]
Problems = Callable[..., tuple[Problem, ...]]
GATES = "operations.pensions.get-entitlement.gates"
FROZEN = "frozen: [{from: 2026-12-21, to: 2027-01-03, why: Christmas}]"
BEFORE = "      load: {budget: peak-hour}\n"


def gate(text: str) -> str:
    """The gates with one more among them."""
    return f"{BEFORE}      {text}\n"


@pytest.mark.parametrize(
    "text",
    [
        "window: {zone: Europe/London, open: [{from: 09:00, to: 16:30}]}",
        f"window: {{zone: UTC, open: [{{days: [sat], from: 20:00, to: '24:00'}}], {FROZEN}}}",
    ],
)
def test_gates_that_can_pass_are_taken(good: str, load: Load, text: str) -> None:
    loaded = load(good.replace(BEFORE, gate(text)))
    assert [warning for warning in loaded.warnings if warning.key.startswith(GATES)] == []


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        ("custom: [{name: a, function: 'm:f'}, {name: a, url: http://h/}]", "gate-twice", "custom[1].name"),
        ("custom: [{name: a, url: 'ftp://h/'}]", "bad-url", "custom[0].url"),
        ("rows: {name: citizens}", "unknown-rows", "rows.name"),
        ("window: {zone: Europe/Londn, open: [{from: 09:00, to: 16:30}]}", "bad-zone", "window.zone"),
        ("window: {zone: UTC, open: [{from: 16:30, to: 09:00}]}", "never-open", "window.open[0]"),
        (
            f"window: {{zone: UTC, open: [{{from: 09:00, to: 16:30}}], {FROZEN.replace('2026', '2028')}}}",
            "bad-freeze",
            "window.frozen[0]",
        ),
    ],
)
def test_gates_that_can_never_pass_are_refused(problems: Problems, text: str, code: str, key: str) -> None:
    found = problems(BEFORE, gate(text))
    assert [(problem.code, problem.key) for problem in found] == [(code, f"{GATES}.{key}")]
