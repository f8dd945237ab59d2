"""Who starts after whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.cli.supervisor.order import order
from strangler.errors import UsageError


def test_order_lets_those_start_together_that_need_not_wait() -> None:
    sorter = order({"c": ["a", "b"], "a": [], "b": []})
    assert set(sorter.get_ready()) == {"a", "b"}
    sorter.done("a", "b")
    assert sorter.get_ready() == ("c",)


@given(st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=10))
def test_order_starts_everybody_after_those_before(earlier: list[set[int]]) -> None:
    after = {str(n): sorted(str(e) for e in some if e < n) for n, some in enumerate(earlier)}
    started: list[str] = []
    sorter = order(after)
    while sorter.is_active():
        for name in sorter.get_ready():
            assert set(after[name]) <= set(started)
            started.append(name)
            sorter.done(name)
    assert sorted(started) == sorted(after)


def test_order_names_the_cycle() -> None:
    with pytest.raises(UsageError, match=r"these processes wait for each other: a -> a"):
        order({"a": ["a"]})


def test_order_names_who_is_not_there() -> None:
    with pytest.raises(UsageError, match=r"a: after names ghost; known processes: a, b"):
        order({"a": ["ghost"], "b": []})
