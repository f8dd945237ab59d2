"""How much callers ask of an operation: a day of it, callers alone, and bounded."""

from dataclasses import replace

from strangler.exchange import Exchange, Observation, Origin, Request
from strangler.journal import Journal
from strangler.journal.traffic import Traffic, traffic
from strangler.stages import Effect, Side, Stage

OP, NOW = "pensions.get-entitlement", 200_000.0


def exchange(name: str, key: str | None, at: float) -> Exchange:
    answer = Observation(Side.OLD, 200, at=at)
    return Exchange(name, OP, Effect.READ, key, None, Stage.SHADOW, Request("GET", "/"), answer, None, "e", at)


def test_traffic_counts_callers_requests_and_different_keys(journal: Journal) -> None:
    probe = replace(exchange("probe", "probe", NOW - 5), origin=Origin.PROBE)
    journal.append([exchange("early", "early", NOW - 90_000), probe])
    journal.append([exchange(f"x{n}", f"k{n % 3}", NOW - 3600 + n) for n in range(10)])
    journal.append([exchange("bare", None, NOW - 7200), exchange("next", "next", NOW + 5)])
    seen = journal.traffic(OP, NOW - 86_400, NOW)
    assert seen == Traffic(NOW - 7200, NOW, requests=11, keyed=10, keys=3)
    assert (seen.span_h, seen.per_hour) == (2.0, 5.5)


def test_traffic_of_nobody_is_none(journal: Journal) -> None:
    assert journal.traffic(OP, NOW - 60, NOW) == Traffic(NOW - 60, NOW)


def test_traffic_counts_the_newest_where_there_are_too_many(journal: Journal) -> None:
    journal.append([exchange(f"x{n}", f"k{n}", NOW - 100 + n) for n in range(50)])
    with journal._database.reading() as connection:
        seen = traffic(connection, OP, NOW - 86_400, NOW, most=20)
    assert (seen.requests, seen.keys, seen.since, seen.is_capped) == (20, 20, NOW - 70, True)
