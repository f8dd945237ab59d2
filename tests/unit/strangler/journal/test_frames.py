"""Frames: what was captured is what comes back, whatever bytes it has."""

import random
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.errors import StoreError, UsageError
from strangler.exchange import Exchange, Failure, Observation, Request
from strangler.journal.crypto import Sealer
from strangler.journal.frames import pack_exchange, pack_observation, unpack_exchange, unpack_observation
from strangler.stages import Effect, Side, Stage

TEXT = st.text(max_size=20) | st.just("caf\udce9")
BODY = st.none() | st.binary(max_size=50)
HEADERS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)
OBSERVATIONS = st.builds(
    Observation,
    side=st.sampled_from(Side),
    status=st.none() | st.integers(100, 599),
    headers=HEADERS,
    body=BODY,
    body_bytes=st.integers(0, 2**40),
    failure=st.none() | st.sampled_from(Failure),
    at=st.floats(0, 2e9),
    duration_s=st.floats(0, 100),
    build=st.none() | TEXT,
)


@given(
    OBSERVATIONS,
    st.none() | OBSERVATIONS,
    st.none() | TEXT,
    st.builds(Request, TEXT, TEXT, HEADERS, BODY, st.integers(0, 2**40)),
)
def test_exchange_round_trips(
    answer: Observation, fell_back: Observation | None, key: str | None, asked: Request
) -> None:
    whole = Exchange("x", "a.b", Effect.READ, key, None, Stage.LIVE, asked, answer, None, "e", 1.0, fell_back=fell_back)
    assert unpack_exchange(pack_exchange(whole)) == (key, asked, answer, fell_back)


@given(OBSERVATIONS)
def test_observation_round_trips(observation: Observation) -> None:
    assert unpack_observation(pack_observation(observation)) == observation


def observed(body: bytes) -> Observation:
    return Observation(Side.OLD, 200, (), body, len(body))


@given(st.binary(max_size=64), st.integers(0, 500))
def test_bodies_of_any_size_round_trip(part: bytes, times: int) -> None:
    seen = observed(part * times)
    assert unpack_observation(pack_observation(seen)) == seen


def test_text_is_kept_smaller_than_it_is() -> None:
    seen = observed(b"<payment><amount>185.15</amount></payment>" * 100)
    assert len(pack_observation(seen)) < 500


def test_what_does_not_shrink_is_kept_as_it_is() -> None:
    body = random.Random(7).randbytes(5_000)
    assert pack_observation(observed(body)).endswith(body)


def test_frame_of_a_journal_that_did_not_compress_opens() -> None:
    body = b"<answer/>" * 1_000
    head = orjson.dumps(("old", 200, (), len(body), len(body), None, 0.0, 0.0, None))
    assert unpack_observation(len(head).to_bytes(4, "big") + head + body) == observed(body)


def test_threads_pack_at_once() -> None:
    bodies = [bytes([n]) * 20_000 for n in range(64)]
    with ThreadPoolExecutor(8) as threads:
        packed = list(threads.map(lambda body: pack_observation(observed(body)), bodies * 4))
    assert [unpack_observation(frame).body for frame in packed] == bodies * 4


def test_sealed_bytes_open_only_for_their_owner_and_unchanged() -> None:
    sealer = Sealer(bytes(range(32)))
    sealed = sealer.seal("x1", b"secret")
    assert sealer.open("x1", sealed) == b"secret"
    assert sealer.seal("x1", b"secret") != sealed
    for owner, content in [("x2", sealed), ("x1", sealed[:-1] + b"?"), ("x1", b""), ("x1", sealed[:5])]:
        with pytest.raises(StoreError, match="does not open"):
            sealer.open(owner, content)


def test_sealer_refuses_a_short_key() -> None:
    with pytest.raises(UsageError, match="has 5 bytes"):
        Sealer(b"short")


def test_key_digest_is_stable_and_keyed() -> None:
    first, second = Sealer(bytes(range(32))), Sealer(bytes(32))
    assert first.key_digest("AB123456C") == first.key_digest(" AB123456C ")
    assert first.key_digest("AB123456C") != second.key_digest("AB123456C")
