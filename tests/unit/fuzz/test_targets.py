"""The fuzzer's own parts: every target has something to begin with, gets through it, and can fail."""

import pytest

from fuzz.grown import Garden
from fuzz.seeds import SEEDS
from fuzz.targets import RULED, TARGETS, compared_both_ways, guarded
from parity_checks.canonical.decoding import Unreadable
from strangler.exchange import Reason


def test_targets_all_have_seeds() -> None:
    assert list(SEEDS) == list(TARGETS)
    assert all(SEEDS.values())


@pytest.mark.parametrize("name", TARGETS)
def test_targets_get_through_their_seeds_and_parts_of_them(name: str) -> None:
    for seed in (b"", *SEEDS[name]):
        for end in {len(seed), len(seed) // 2, max(len(seed) - 1, 0)}:
            guarded(TARGETS[name])(seed[:end])


def test_targets_let_only_refusals_by_name_pass() -> None:
    def refuses(_: bytes) -> None:
        raise Unreadable(Reason.UNPARSABLE, "as it should")

    def fails(_: bytes) -> None:
        raise RecursionError

    guarded(refuses)(b"")
    with pytest.raises(RecursionError):
        guarded(fails)(b"")


def test_grown_pairs_repeat_and_are_compared_both_ways() -> None:
    pairs = [[garden.pair() for _ in range(40)] for garden in (Garden(3), Garden(3))]
    assert pairs[0] == pairs[1]
    for media, old, new in pairs[0]:
        quick, exact = compared_both_ways(old, new, media, RULED)
        assert quick == exact
