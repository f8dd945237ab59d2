"""A rule as the line that a tester pastes into the plan. Pure."""

from collections.abc import Mapping

import yaml


def rule_text(rule: Mapping[str, object]) -> str:
    """One line of YAML in flow form, such as ``- {path: //name, as: text, fold: case, why: "..."}``."""
    text: str = yaml.safe_dump([dict(rule)], default_flow_style=None, sort_keys=False, allow_unicode=True, width=10_000)
    return text.rstrip("\n")
