"""Rules in the page on rules are rules that load, and what it says of them is so."""

import re
from pathlib import Path

import pytest
import yaml

from parity_checks.noise import CONFIDENCE, LEAST_DRAWS, LEAST_RATE
from parity_checks.rules.custom_process import MEMORY_BYTES
from strangler.plan.breadth import WIDE_NUMBER, WIDE_S, check_breadth
from strangler.plan.comparison import Compare

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "say-what-may-differ.md").read_text("utf-8")
RULES = [rule for rule in re.findall(r"`(\{as: .*?\})`", PAGE) if "…" not in rule]


@pytest.mark.parametrize("rule", RULES)
def test_rule_of_the_page_loads_without_complaint(rule: str) -> None:
    said = {"path": "$.a", "why": "the page says so", **yaml.safe_load(rule)}
    assert list(check_breadth((), Compare.model_validate({"rules": [said]}))) == []


def test_custom_rule_of_the_page_loads() -> None:
    excerpt = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert excerpt is not None
    assert [rule.as_ for rule in Compare.model_validate({"rules": yaml.safe_load(excerpt[1])}).rules] == ["custom"]


def test_figures_of_the_page_are_those_of_the_code() -> None:
    assert (LEAST_DRAWS, LEAST_RATE, CONFIDENCE) == (3, 0.005, 0.95)
    assert (WIDE_S, WIDE_NUMBER, MEMORY_BYTES) == (86_400, 1_000, 1 << 30)
    assert len(RULES) == 11
