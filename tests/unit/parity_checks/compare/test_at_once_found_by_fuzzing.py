"""Pairs of bodies of which the quick comparison once said something else than the exact one."""

import pytest

from parity_checks.compare.comparison import compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Observation
from strangler.plan.comparison import Compare
from strangler.stages import Side

RULES = compile_rules("op", Compare())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"[[1],{}]", b"[1.10,[1.0]]"),  # equal elements, spelled otherwise, were not seen to have moved
        (b"[[1],{}]", b"[1.5,[1.0]]"),
    ],
)
def test_at_once_says_what_the_exact_comparison_says(old: bytes, new: bytes) -> None:
    def observed(side: Side, body: bytes, encoding: tuple[tuple[str, str], ...]) -> Observation:
        return Observation(side, 200, (("content-type", "application/json"), *encoding), body)

    exact = (("content-encoding", "identity"),)  # which the quick comparison leaves to the exact one
    results = [compare(observed(Side.OLD, old, how), observed(Side.NEW, new, how), RULES) for how in ((), exact)]
    assert results[0] == results[1]
