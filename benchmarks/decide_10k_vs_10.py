"""``decide`` with 10,000 operations against 10: the time of one decision must not grow with the plan.

Both tables have the same mixture, repeated: SOAP operations that share one path, exact paths, prefixes and regular
expressions. Each decides a thousand requests of the same mixture, spread over all of its operations, in turns, so the
larger table also pays for what does not fit into the processor's cache. The figures are
medians of the turns, and the ratio is the median of the turns' ratios: another process then disturbs both alike.
"""

import gc
import statistics
import time
from collections.abc import Sequence

from proxy.decide import Table, compile_table, decide
from strangler.exchange import Request
from strangler.plan.models import Plan
from strangler.rollout import rollout_from
from strangler.stages import Effect

GOAL = 1.5
_TURNS = 61


def _match(number: int) -> dict[str, object]:
    department = f"d{number // 40}"
    match number % 10:
        case 0 | 1 | 2 | 3:
            return {"method": "POST", "path": {"value": "/soap"}, "soap_action": f"Do{number}"}
        case 4 | 5 | 6:
            return {"method": "GET", "path": {"value": f"/{department}/records/{number}"}}
        case 7 | 8:
            return {"path": {"type": "PathPrefix", "value": f"/{department}/cases/{number}"}}
        case _:
            return {"path": {"type": "RegularExpression", "value": f"/{department}/r{number}/[^/]+/contact"}}


def _request(number: int) -> Request:
    key = (("x-citizen", f"C{number:05}"), ("host", "localhost"), ("accept", "*/*"), ("user-agent", "bench"))
    department = f"d{number // 40}"
    match number % 10:
        case 0 | 1 | 2 | 3:
            return Request("POST", "/soap", (*key, ("SOAPAction", f'"Do{number}"')), b"<a/>", 4)
        case 4 | 5 | 6:
            return Request("GET", f"/{department}/records/{number}?page=1", key)
        case 7 | 8:
            return Request("GET", f"/{department}/cases/{number}/letters/7", key)
        case _:
            return Request("PUT", f"/{department}/r{number}/C1/contact", key)


def _table(size: int) -> Table:
    systems = {
        side: {"department": "d", "speaks": "http", "url": f"http://127.0.0.1:{port}"}
        for side, port in (("old", 7101), ("new", 7201))
    }
    operations = {
        f"bench.m{number}": {
            "effect": "read",
            "match": _match(number),
            "old": "old",
            "new": "new",
            "key": {"header": "x-citizen"},
        }
        for number in range(size)
    }
    plan = Plan.model_validate({"version": 1, "programme": "bench", "systems": systems, "operations": operations})
    rollout = rollout_from({"shadow": 90, "live": 10}, Effect.READ)
    return compile_table(plan, dict.fromkeys(operations, rollout))


def _seconds_each(table: Table, requests: Sequence[Request]) -> float:
    """Seconds for one decision, over all the requests."""
    start = time.perf_counter()
    for request in requests:
        decide(table, request)
    return (time.perf_counter() - start) / len(requests)


def run() -> list[dict[str, object]]:
    """Measure both tables in turns. ``ours`` and ``peer`` are microseconds for one decision."""
    small, large = _table(10), _table(10_000)
    near = [_request(number) for number in range(10)] * 100
    far = [_request(number) for number in range(0, 10_000, 7)][:1_000]
    for table, requests in ((small, near), (large, far)):
        missed = [request.target for request in requests if decide(table, request).operation is None]
        if missed:
            raise AssertionError(f"no operation for {missed}: this would measure the wrong thing")
    turns: list[tuple[float, float]] = []
    gc.collect()
    gc.freeze()
    for turn in range(_TURNS):
        pair = [(large, far), (small, near)] if turn % 2 else [(small, near), (large, far)]
        measured = {id(table): _seconds_each(table, requests) for table, requests in pair}
        turns.append((measured[id(large)], measured[id(small)]))
    gc.unfreeze()
    ours, peer = (statistics.median(values) * 1e6 for values in zip(*turns, strict=True))
    ratio = statistics.median(large_s / small_s for large_s, small_s in turns)
    return [
        {
            "name": "decide_10k_vs_10",
            "ours": round(ours, 3),
            "peer": round(peer, 3),
            "peer_name": "decide with 10 operations, microseconds",
            "ratio": round(ratio, 3),
            "goal": GOAL,
            "met": ratio <= GOAL,
        }
    ]
