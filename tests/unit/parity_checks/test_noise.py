import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_checks.noise import is_noisy, judge, learnt_paths, rate
from parity_checks.rules.compiled import compile_rules
from strangler.evidence import NoiseEvidence, NoisyPath
from strangler.exchange import Difference, DifferenceKind
from strangler.plan.comparison import Compare


def differs(kind: str, path: str, old: str | None, new: str | None, general: str | None = None) -> Difference:
    return Difference(DifferenceKind(kind), path, old, new, "s", general or path)


def test_without_anything_of_old_all_remains() -> None:
    found = (differs("value", "$.a", "1", "2"),)
    assert judge(found, []) == found
    assert judge(found, [[]]) == found
    assert judge((), [[differs("value", "$.a", "1", "2")]]) == ()


def test_what_differs_in_old_too_is_noise_and_the_rest_remains() -> None:
    noisy, clean = differs("value", "$.at", "100", "104"), differs("value", "$.name", "A", "B")
    assert judge((noisy, clean), [[differs("value", "$.at", "100", "103")]]) == (clean,)


def test_another_kind_at_the_same_path_remains() -> None:
    found = differs("missing", "$.at", "100", None)
    assert judge((found,), [[differs("value", "$.at", "100", "103")]]) == (found,)


@pytest.mark.parametrize("new", ["10400", "1.04", "-104", "n/a", ""])
def test_noisy_value_of_another_form_or_size_remains(new: str) -> None:
    found = differs("value", "$.at", "100", new)
    assert judge((found,), [[differs("value", "$.at", "100", "103")]]) == (found,)


def test_learnt_path_is_noise_though_old_held_still_in_this_exchange() -> None:
    learnt = frozenset({("$.at", DifferenceKind.VALUE)})
    time, hour = "2026-05-01T12:00:00Z", "2026-05-01T13:00:00Z"
    assert judge((differs("value", "$.at", time, "2026-05-01T12:00:09Z"),), [], learnt) == ()
    late = differs("value", "$.at", time, hour)
    assert judge((late,), [], learnt) == (late,)


def test_range_is_of_the_same_element_where_old_shows_it() -> None:
    own = [
        differs("value", f"$.l[{at}].b", str(value), str(value + 1), "$.l[*].b") for at, value in enumerate((5, 900))
    ]
    wrong = differs("value", "$.l[0].b", "5", "500", "$.l[*].b")
    right = differs("value", "$.l[1].b", "900", "902", "$.l[*].b")
    assert judge((wrong, right), [own]) == (wrong,)


def test_range_is_in_the_old_sides_terms() -> None:
    rules = [
        {"path": "$.a", "as": "money", "old": "pounds", "new": "pence", "why": "units"},
        {"path": "$.s", "as": "code", "table": {"A": "active", "C": "closed"}, "why": "codes"},
    ]
    terms = compile_rules("op.x", Compare.model_validate({"rules": rules})).in_old_terms
    own = [[differs("value", "$.a", "5.01", "5.03"), differs("value", "$.s", "A", "C")]]
    right = differs("value", "$.a", "5.01", "502"), differs("value", "$.s", "A", "closed")
    assert judge(right, own, frozenset(), terms) == ()
    wrong = (differs("value", "$.a", "5.01", "5.02"), differs("value", "$.b", "5", "6"))
    assert judge(wrong, own, frozenset(), terms) == wrong


def test_order_that_old_does_not_keep_is_noise() -> None:
    moved = differs("order", "$.l", "3 in this order", "2 of 3 at another place")
    assert judge((moved,), [[moved]]) == ()


def test_elements_that_come_and_go_are_noise_up_to_a_number() -> None:
    gone = [differs("missing", f"$.l[{at}]", "{}", None, "$.l[*]") for at in range(9)]
    assert judge(gone[:2], [gone[:1]]) == ()
    assert judge(gone[:3], [gone[:1]]) == tuple(gone[:3])
    assert judge(gone[:2], [[differs("surplus", "$.l[0]", None, "{}", "$.l[*]")]]) == ()


def test_lists_cut_to_what_one_exchange_keeps_are_not_excused_by_fewer() -> None:
    gone = [differs("missing", f"$.l[{at}]", "{}", None, "$.l[*]") for at in range(25)]
    assert judge(gone, [gone[:20]]) == tuple(gone)
    assert judge(gone, [gone]) == ()


def test_surplus_of_another_form_remains() -> None:
    found = differs("surplus", "$.ref", None, "n/a")
    assert judge((found,), [[differs("surplus", "$.ref", None, "100")]]) == (found,)


def test_type_must_be_one_that_old_has_shown() -> None:
    own = [[differs("type", "$.a", '"12"', "null")]]
    assert judge((differs("type", "$.a", '"12"', "null"),), own) == ()
    for new in ("12", "true", "[]", "{}"):
        found = differs("type", "$.a", '"12"', new)
        assert judge((found,), own) == (found,)


def test_learnt_type_excuses_null_alone() -> None:
    learnt = frozenset({("$.a", DifferenceKind.TYPE)})
    assert judge((differs("type", "$.a", '"12"', "null"),), [], learnt) == ()
    found = differs("type", "$.a", '"12"', "12")
    assert judge((found,), [], learnt) == (found,)


def test_status_must_be_one_that_old_has_shown() -> None:
    own = [[differs("status", "status", "200", "404")]]
    assert judge((differs("status", "status", "200", "404"),), own) == ()
    found = differs("status", "status", "200", "403")
    assert judge((found,), own, frozenset({("status", DifferenceKind.STATUS)})) == (found,)


@pytest.mark.parametrize("kind", ["unparsable", "identity", "noise_rate"])
def test_some_kinds_are_never_noise(kind: str) -> None:
    found = differs(kind, "$.a", "1", "2")
    assert judge((found,), [[found]], frozenset({("$.a", DifferenceKind(kind))})) == (found,)


def test_header_that_comes_and_goes_with_old() -> None:
    own = [[differs("header", "headers.age", None, "3")]]
    assert judge((differs("header", "headers.age", "3", None),), own) == ()
    found = differs("header", "headers.age", "3", None)
    assert judge((found,), [[differs("header", "headers.age", "3", "4")]]) == (found,)


@pytest.mark.parametrize(
    "draw",
    [
        lambda dice: str(dice.randrange(10**6)),
        lambda dice: f"{dice.random()}",
        lambda dice: f"{dice.gauss(1000, 5):.2f}",
        lambda dice: f"{dice.randrange(16**32):032x}",
        lambda dice: f"2026-05-01T12:00:{dice.randrange(60):02}Z",
        lambda dice: f"REQ-{dice.randrange(10**5)}",
    ],
)
def test_old_against_old_is_all_noise_once_settled(draw: Callable[[random.Random], str]) -> None:
    """Each draw is of one source; old is asked four times, new three, as a mismatch settles."""
    dice, left = random.Random(7), 0
    for _ in range(2_000):
        first, again = draw(dice), [[differs("value", "$.a", "", draw(dice))]]
        again = [[differs("value", "$.a", first, one[0].new)] for one in again]
        for _ in range(3):
            if not judge((differs("value", "$.a", first, draw(dice)),), again):
                break
            again.append([differs("value", "$.a", first, draw(dice))])
        else:
            left += 1
    assert left <= 1


@pytest.mark.parametrize(
    ("differed", "draws", "expected"),
    [
        (0, 100, False),
        (2, 4, False),
        (3, 3, True),
        (3, 50, True),
        (3, 2_000, False),
        (40, 2_000, True),
        (5, 1_000, False),
    ],
)
def test_path_is_noisy_only_at_a_sure_rate(differed: int, draws: int, expected: bool) -> None:
    assert is_noisy(differed, draws) is expected


@pytest.mark.parametrize(
    ("differed", "draws", "low", "high"),
    # As printed by R's binom.test(k, n)$conf.int
    [
        (0, 10, 0.0, 0.3084971),
        (3, 10, 0.0667395, 0.6524529),
        (10, 10, 0.6915029, 1.0),
        (50, 1000, 0.0373354, 0.0653905),
    ],
)
def test_rate_has_the_exact_interval(differed: int, draws: int, low: float, high: float) -> None:
    found = rate(differed, draws)
    assert (found.seen, found.low, found.high) == pytest.approx((differed / draws, low, high), abs=1e-6)


@given(st.integers(1, 1_000_000), st.data())
def test_rate_lies_in_its_interval(draws: int, data: st.DataObject) -> None:
    found = rate(data.draw(st.integers(0, draws)), draws)
    assert 0.0 <= found.low <= found.seen <= found.high <= 1.0
    assert math.isfinite(found.low)


def test_rate_of_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="no counts"):
        rate(3, 2)
    assert (rate(0, 0).low, rate(0, 0).high) == (0.0, 1.0)


def test_learnt_paths_are_those_at_which_old_differs_from_itself() -> None:
    value = DifferenceKind.VALUE
    paths = (
        NoisyPath("$.both", value, 20, 0, 0),
        NoisyPath("$.again", value, 0, 20, 0),
        NoisyPath("$.beside", value, 0, 0, 20),  # a defect of new's, however often
        NoisyPath("$.once", value, 1, 1, 0),
    )
    assert learnt_paths(NoiseEvidence(100, paths)) == {("$.both", value), ("$.again", value)}


@given(
    st.lists(st.sampled_from(["$.a", "$.b", "$.l[*]"]), max_size=5),
    st.lists(st.sampled_from(["$.a", "$.b", "$.l[*]"]), max_size=5),
)
def test_what_remains_is_a_part_of_what_was_found_in_its_order(found: list[str], own: list[str]) -> None:
    differences = tuple(differs("value", path, "1", str(at)) for at, path in enumerate(found))
    left = judge(differences, [[differs("value", path, "1", "2") for path in own]])
    assert left == tuple(one for one in differences if one in left)
    assert all(one in left for one in differences if one.path not in own)
