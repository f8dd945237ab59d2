"""Workloads out of journaled requests."""

from collections.abc import Iterator

import pytest

from load_tests.workload import Call, traffic_model, workload
from strangler.errors import Refused
from strangler.exchange import Exchange, Observation, Request
from strangler.stages import Effect, Side, Stage


def exchange(request: Request, operation: str = "a.read", effect: Effect = Effect.READ) -> Exchange:
    answer = Observation(Side.OLD, 200)
    return Exchange("id", operation, effect, "k", None, Stage.OFF, request, answer, None, "e", 0.0)


class Requests:
    """A journal's side of it, in memory."""

    def __init__(self, *exchanges: Exchange) -> None:
        self._exchanges = exchanges

    def requests(
        self, operation: str | None = None, effect: Effect | None = None, limit: int = 1000, since: float = 0.0
    ) -> Iterator[Exchange]:
        chosen = [e for e in self._exchanges if e.operation == operation and e.effect is effect]
        return iter(chosen[:limit])


def test_workload_weights_each_distinct_request_by_how_often_it_came() -> None:
    often, once = Request("GET", "/a?n=1"), Request("GET", "/a?n=2")
    found = workload(Requests(exchange(often), exchange(once), exchange(often)), "a.read", Effect.READ)
    assert {(call.target, call.weight) for call in found.calls} == {("/a?n=1", 2), ("/a?n=2", 1)}


def test_workload_tells_requests_apart_by_their_bodies() -> None:
    requests = [Request("POST", "/a", body=body) for body in (b"x", b"y")]
    found = workload(Requests(*map(exchange, requests)), "a.read", Effect.READ)
    assert sorted(call.body for call in found.calls) == [b"x", b"y"]


def test_workload_sends_callers_fields_and_none_of_the_hop() -> None:
    headers = (
        ("SOAPAction", '"Get"'), ("Content-Type", "text/xml"), ("HOST", "h"), ("Connection", "close"),
        ("Content-Length", "3"), ("X-Forwarded-For", "1.2.3.4"), ("x-strangler-exchange", "e1"), ("Cookie", "s=1"),
    )  # fmt: skip
    found = workload(Requests(exchange(Request("POST", "/a", headers, b"abc"))), "a.read", Effect.READ)
    kept = (("SOAPAction", '"Get"'), ("Content-Type", "text/xml"), ("Cookie", "s=1"))
    assert found.calls == (Call("POST", "/a", kept, b"abc"),)


def test_workload_skips_and_counts_what_cannot_be_sent_again() -> None:
    streamed = Request("POST", "/a", body=None, body_bytes=9_999_999)
    absolute = Request("GET", "http://169.254.169.254/")
    found = workload(
        Requests(exchange(streamed), exchange(absolute), exchange(Request("GET", "/a"))), "a.read", Effect.READ
    )
    assert (found.skipped, [call.target for call in found.calls]) == (2, ["/a"])


def test_workload_without_requests_is_refused_and_says_the_way_out() -> None:
    with pytest.raises(Refused, match=r"no data: .*a\.read") as caught:
        workload(Requests(), "a.read", Effect.READ)
    assert caught.value.reasons == ("send callers' traffic through the proxy first, or look at 'strangler load model'",)


def test_draw_follows_the_weights_and_repeats() -> None:
    often, once = Request("GET", "/a?n=1"), Request("GET", "/a?n=2")
    found = workload(Requests(*[exchange(often)] * 3, exchange(once)), "a.read", Effect.READ)
    drawn = found.draw(4000, "seed")
    number = next(n for n, call in enumerate(found.calls) if call.target == "/a?n=1")
    assert drawn.count(number) == pytest.approx(3000, abs=120)
    assert drawn == found.draw(4000, "seed")


def test_traffic_model_is_the_mix_of_operations() -> None:
    exchanges = [exchange(Request("GET", "/a?n=1"))] * 3 + [exchange(Request("POST", "/b"), "b.write", Effect.WRITE)]
    model = traffic_model(exchanges)
    assert [(share.operation, share.requests, share.distinct, share.share) for share in model] == [
        ("a.read", 3, 1, 0.75),
        ("b.write", 1, 1, 0.25),
    ]


def test_traffic_model_of_nothing_is_empty() -> None:
    assert traffic_model([]) == ()
