"""Jobs and results survive their way through the pipes."""

from hypothesis import given
from hypothesis import strategies as st

from load_tests.arrivals import Arrival
from load_tests.job import (
    LoadJob,
    LoadResult,
    SideJob,
    SideResult,
    decode_job,
    decode_result,
    encode_job,
    encode_result,
)
from load_tests.workload import Call
from strangler.stages import Side


@given(st.binary(max_size=50), st.text(max_size=20))
def test_a_job_comes_out_as_it_went_in(body: bytes, value: str) -> None:
    part = SideJob("http://127.0.0.1:1", (Arrival(0.25, 0, 0), Arrival(1.5, 0, 1)), 5.0, "x-build-id", ("idem",))
    call = Call("POST", "/a?b=ö", (("X-A", value), ("X-A", "2")), body)
    job = LoadJob("r", "a.read", (call,), {Side.OLD: part, Side.NEW: part}, 1.0, 10.0, 8)
    assert decode_job(encode_job(job)) == job
    assert encode_job(job).count(b"\n") == 1


def test_a_result_comes_out_as_it_went_in() -> None:
    part = SideResult("HIST", 10, 9, {"timeout": 1}, 2, 3.5, ("b1",))
    result = LoadResult({Side.OLD: part, Side.NEW: part}, 1.5, 2.5)
    assert decode_result(encode_result(result)) == result


def test_the_longest_a_run_takes_is_bounded_by_the_slowest_sides_limit() -> None:
    sides = {Side.OLD: SideJob("u", (), 5.0), Side.NEW: SideJob("u", (), 9.0)}
    assert LoadJob("r", "a.read", (), sides, 1.0, 10.0, 8).longest_s == 22.0
