import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import compile_rules
from parity_checks.rules.known import NOTHING_KNOWN, Known
from strangler.exchange import Observation
from strangler.plan.comparison import Compare
from strangler.stages import Side

RULES = [
    {"path": "$.things", "as": "set", "why": "no order"},
    {"path": "$..id", "as": "id", "of": "thing", "why": "own ids"},
]


class Learnt:
    """A map of things alone."""

    def __init__(self, pairs: dict[str, str]) -> None:
        self.pairs = pairs

    def new_of(self, name: str, old: str) -> str | None:
        return self.pairs.get(old) if name == "thing" else None


def found(old: Any, new: Any, known: Known) -> list[tuple[str, str, str | None, str | None]]:
    rules = compile_rules("t.get", Compare.model_validate({"rules": RULES}))
    sides = [
        Observation(side, 200, (("content-type", "application/json"),), json.dumps(said).encode())
        for side, said in ((Side.OLD, old), (Side.NEW, new))
    ]
    result = compare(sides[0], sides[1], rules.knowing(known))
    assert isinstance(result, Comparison)
    return [(one.kind.value, one.path, one.old, one.new) for one in result.differences]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"id": "17"}, {"id": "N"}, []),
        ({"id": 17}, {"id": "N"}, []),
        ({"id": "17"}, {"id": "M"}, [("value", "$.id", "17", "M")]),
        ({"id": "18"}, {"id": "N"}, [("value", "$.id", "18", "N")]),
        ({"id": "99"}, {"id": "99"}, []),
        ({"id": "17"}, {"id": None}, [("type", "$.id", '"17"', "null")]),
        ({"id": "17"}, {}, [("missing", "$.id", "17", None)]),
        ({"id": ["17"]}, {"id": ["N"]}, [("value", "$.id[0]", "17", "N")]),
    ],
)
def test_known_ids_are_equal_where_the_map_says_so(old: Any, new: Any, expected: Any) -> None:
    assert found(old, new, Learnt({"17": "N", "18": "M"})) == expected


def test_known_nothing_makes_nothing_equal() -> None:
    assert found({"id": "17"}, {"id": "N"}, NOTHING_KNOWN) == [("value", "$.id", "17", "N")]


@given(st.lists(st.integers(0, 10_000), unique=True, max_size=30), st.randoms())
def test_known_ids_align_lists_in_any_order(numbers: list[int], dice: Any) -> None:
    old = {"things": [{"id": number, "name": f"n{number % 3}"} for number in numbers]}
    new = {"things": [{"id": f"N{number}", "name": f"n{number % 3}"} for number in numbers]}
    dice.shuffle(new["things"])
    assert found(old, new, Learnt({str(number): f"N{number}" for number in numbers})) == []
