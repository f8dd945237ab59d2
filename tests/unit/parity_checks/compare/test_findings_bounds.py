"""What was found stays small, whatever the bodies hold."""

import json

import pytest

from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Observation
from strangler.plan.comparison import Compare
from strangler.plan.rule_paths import parse_path
from strangler.stages import Side

RULES = compile_rules("op", Compare(headers=()))


def compared(old: bytes, new: bytes, content_type: str) -> Comparison:
    headers = (("content-type", content_type),)
    result = compare(Observation(Side.OLD, 200, headers, old), Observation(Side.NEW, 200, headers, new), RULES)
    assert isinstance(result, Comparison), result
    return result


def test_findings_below_an_endless_name_are_small() -> None:
    old, new = (json.dumps({"n" * 2_000_000: {f"m{at}": at + by for at in range(3_000)}}).encode() for by in (0, 1))
    result = compared(old, new, "application/json")
    assert len(result.differences) == 1_000
    assert max(len(one.path) + len(one.general_path) for one in result.differences) < 1_000


def test_findings_of_endless_names_are_told_apart() -> None:
    names = ["n" * 5_000 + end for end in "ab"]
    old, new = (json.dumps(dict.fromkeys(names, value)).encode() for value in (1, 2))
    assert len({one.signature for one in compared(old, new, "application/json").differences}) == 2


def test_findings_below_an_endless_element_name_are_small() -> None:
    name = "n" * 40_000
    old, new = (f"<{name}><a>{value}</a></{name}>".encode() for value in (1, 2))
    (found,) = compared(old, new, "text/xml").differences
    assert len(found.path) + len(found.general_path) < 1_000


@pytest.mark.parametrize("name", ["\\ud800", "\\u0000", "a\\n'b\\\\"])
def test_findings_at_a_name_that_no_database_takes_spell_it(name: str) -> None:
    old, new = (f'{{"{name}":{value}}}'.encode() for value in (1, 2))
    (found,) = compared(old, new, "application/json").differences
    assert found.path == found.general_path
    assert found.path.encode().isascii()
    assert found.path.isprintable()
    assert [json.loads(f'"{name}"')] == [step.label for step in parse_path(found.path).steps]
