"""Ids of exchanges: version 7 UUIDs, unique, and in the order in which they were made."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from strangler.exchange_ids import ExchangeIds


def test_id_is_the_example_of_the_rfc() -> None:
    """RFC 9562, A.6: rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F, at 2022-02-22T19:22:22Z."""
    ids = ExchangeIds(lambda _: 0xCC3 << 62 | 0x18C4DC0C0C07398F)
    assert ids.made(1645557742.0) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_id_is_a_uuid_of_version_7_with_its_time_first() -> None:
    made = UUID(ExchangeIds().made(1_800_000_000.123))
    assert (made.version, made.variant, made.int >> 80) == (7, RFC_4122, 1_800_000_000_123)


@given(st.lists(st.floats(-1e6, 1e12), min_size=2, max_size=50))
def test_ids_rise_whatever_the_clock_does(times: list[float]) -> None:
    ids = ExchangeIds()
    made = [ids.made(at) for at in times]
    assert made == sorted(set(made))


def test_ids_of_one_millisecond_rise_and_keep_its_time() -> None:
    ids = ExchangeIds()
    made = [ids.made(1_800_000_000.0) for _ in range(1_000)]
    assert made == sorted(set(made))
    assert {UUID(each).int >> 80 for each in made} == {1_800_000_000_000}


def test_ids_carry_into_the_time_where_the_random_part_is_full() -> None:
    ids = ExchangeIds(lambda bits: (1 << 74) - 1 if bits > 32 else 0)
    assert [ids.made(0.001), ids.made(0.001)] == [
        "00000000-0001-7fff-bfff-ffffffffffff",
        "00000000-0002-7000-8000-000000000000",
    ]


def test_ids_of_two_makers_differ() -> None:
    first, second = ExchangeIds(), ExchangeIds()
    assert len({maker.made(5.0) for maker in (first, second) for _ in range(100)}) == 200
