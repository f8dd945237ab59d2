import json
from typing import Any

import pytest

from parity_checks.identity.learning import Told, told
from strangler.exchange import Observation
from strangler.plan.comparison import LearnId
from strangler.stages import Side


def answered(side: Side, said: Any) -> Observation:
    return Observation(side, 201, (("content-type", "application/json"),), json.dumps(said).encode())


def of(old: Any, new: Any, new_path: str | None = None) -> Told:
    one = LearnId(name="thing", old="$..id", new=new_path)
    return told("t.create", [one], answered(Side.OLD, old), answered(Side.NEW, new))


@pytest.mark.parametrize(
    ("old", "new", "pairs", "untold"),
    [
        ({"id": 17}, {"id": "N"}, (("thing", "17", "N"),), ()),
        ([{"id": 1}, {"id": 2}], [{"id": "a"}, {"id": "b"}], (("thing", "1", "a"), ("thing", "2", "b")), ()),
        ({}, {}, (), ("thing",)),
    ],
)
def test_told_pairs_belong_together_in_their_order(old: Any, new: Any, pairs: Any, untold: Any) -> None:
    assert of(old, new) == Told(pairs, (), untold)


def test_told_from_another_path_on_the_new_side() -> None:
    assert of({"id": 17}, {"made": {"number": "N"}}, "$.made.number").pairs == (("thing", "17", "N"),)


@pytest.mark.parametrize(
    ("old", "new", "kind", "values"),
    [
        ({"id": 17}, {}, "missing", ("17", None)),
        ({}, {"id": "N"}, "surplus", (None, "N")),
        ([{"id": 1}, {"id": 2}], {"id": "N"}, "identity", ("2 ids", "N")),
    ],
)
def test_told_unlike_numbers_are_a_difference(old: Any, new: Any, kind: str, values: Any) -> None:
    found = of(old, new)
    (difference,) = found.differences
    assert (found.pairs, difference.kind.value, difference.general_path) == ((), kind, "ids.thing")
    assert (difference.old, difference.new) == values
