import yaml

from parity_checks.report.rule_text import rule_text


def test_rule_text_is_one_line_that_reads_back_as_the_rule() -> None:
    rule = {"path": "$..nino", "as": "text", "spaces": "drop", "why": "written in groups: say so"}
    text = rule_text(rule)
    assert "\n" not in text
    assert text.startswith("- {")
    assert yaml.safe_load(text) == [rule]
