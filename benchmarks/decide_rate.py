"""Decisions a second on one core, with 1,000 operations, beside werkzeug's and Starlette's routers on the same paths.

The operations are a mixture: SOAP operations that share one path, exact paths, prefixes, regular expressions,
conditions on headers, and keys in a SOAP body, which has to be parsed. A decision finds the operation, reads the key,
and tells stage, sides and addresses. The peers only find the route of the path: no method's conditions, no header, no
key, no rollout. Figures are thousands a second, medians of interleaved turns.
"""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import Match, Route, Router
from werkzeug.routing import Map, Rule

from proxy.decide import Table, compile_table, decide
from strangler.exchange import Request
from strangler.plan.models import Plan
from strangler.rollout import rollout_from
from strangler.stages import Effect

RATE, RATIO = 150.0, 3.0
_OPERATIONS = 1_000
_TURNS = 21
_NAMESPACES = b'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:example:pensions:1"'
_BODY = (
    b"<s:Envelope %b><s:Body><p:Ask><p:nino>QQ%06dC</p:nino><p:requestId>7</p:requestId></p:Ask></s:Body></s:Envelope>"
)


def _operation(number: int) -> dict[str, Any]:
    department = f"d{number // 40}"
    key: dict[str, str] = {"header": "x-citizen"}
    match number % 20:
        case 0 | 1:
            match_ = {"method": "POST", "path": {"value": "/soap"}, "soap_action": f"Do{number}"}
            key = {"xpath": "//nino"}
        case 2 | 3 | 4 | 5 | 6 | 7:
            match_ = {"method": "POST", "path": {"value": "/soap"}, "soap_action": f"Do{number}"}
        case 8 | 9 | 10 | 11 | 12:
            match_ = {"method": "GET", "path": {"value": f"/{department}/records/{number}"}}
        case 13 | 14 | 15:
            match_ = {"path": {"type": "PathPrefix", "value": f"/{department}/cases/{number}"}}
        case 16 | 17:
            match_ = {"path": {"type": "RegularExpression", "value": f"/{department}/r{number}/[^/]+/contact"}}
        case _:
            headers = [{"name": "x-version", "value": "2"}]
            match_ = {"path": {"value": f"/{department}/versions/{number}"}, "headers": headers}
    return {"effect": "read", "match": match_, "old": "old", "new": "new", "key": key}


def _request(number: int) -> Request:
    head = (("x-citizen", f"C{number:05}"), ("host", "localhost"), ("accept", "*/*"), ("user-agent", "bench"))
    department = f"d{number // 40}"
    match number % 20:
        case 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7:
            body = _BODY % (_NAMESPACES, number)
            return Request("POST", "/soap", (*head, ("SOAPAction", f'"Do{number}"')), body, len(body))
        case 8 | 9 | 10 | 11 | 12:
            return Request("GET", f"/{department}/records/{number}?page=1", head)
        case 13 | 14 | 15:
            return Request("GET", f"/{department}/cases/{number}/letters/7", head)
        case 16 | 17:
            return Request("PUT", f"/{department}/r{number}/C1/contact", head)
        case _:
            return Request("GET", f"/{department}/versions/{number}", (*head, ("x-version", "2")))


def _table() -> Table:
    systems = {
        side: {"department": "d", "speaks": "http", "url": f"http://127.0.0.1:{port}"}
        for side, port in (("old", 7101), ("new", 7201))
    }
    operations = {f"bench.m{number}": _operation(number) for number in range(_OPERATIONS)}
    plan = Plan.model_validate({"version": 1, "programme": "bench", "systems": systems, "operations": operations})
    rollout = rollout_from({"shadow": 90, "live": 10}, Effect.READ)
    return compile_table(plan, dict.fromkeys(operations, rollout))


def _pattern(number: int, rest: str, one: str) -> str:
    """The path of an operation in a router's own language."""
    department = f"d{number // 40}"
    match number % 20:
        case 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7:
            return "/soap"
        case 8 | 9 | 10 | 11 | 12:
            return f"/{department}/records/{number}"
        case 13 | 14 | 15:
            return f"/{department}/cases/{number}/{rest}"
        case 16 | 17:
            return f"/{department}/r{number}/{one}/contact"
        case _:
            return f"/{department}/versions/{number}"


def _werkzeug() -> Callable[[Request], object]:
    patterns = dict.fromkeys(_pattern(number, "<path:rest>", "<one>") for number in range(_OPERATIONS))
    adapter = Map([Rule(pattern, endpoint=pattern) for pattern in patterns]).bind("localhost")
    return lambda request: adapter.match(request.path, request.method)


def _starlette() -> Callable[[Request], object]:
    async def endpoint(_: object) -> None:
        """Never called: only the route is found."""

    patterns = dict.fromkeys(_pattern(number, "{rest:path}", "{one}") for number in range(_OPERATIONS))
    routes = Router([Route(pattern, endpoint, methods=["GET", "POST", "PUT"]) for pattern in patterns]).routes

    def find(request: Request) -> object:
        scope = {"type": "http", "method": request.method, "path": request.path, "root_path": "", "headers": []}
        for route in routes:
            found, _ = route.matches(scope)
            if found is Match.FULL:
                return route
        raise AssertionError(f"Starlette has no route for {request.path}")

    return find


def _rate(find: Callable[[Request], object], requests: Sequence[Request]) -> float:
    """Thousands a second."""
    start = time.perf_counter()
    for request in requests:
        find(request)
    return len(requests) / (time.perf_counter() - start) / 1_000


def run() -> list[dict[str, object]]:
    """Measure all three in turns."""
    table = _table()
    requests = [_request(number) for number in range(_OPERATIONS)]
    missed = [request.target for request in requests if decide(table, request).key is None]
    if missed:
        raise AssertionError(f"no operation or no key for {missed}: this would measure the wrong thing")
    measured: dict[str, list[float]] = {"ours": [], "werkzeug": [], "starlette": []}
    finders = {"ours": lambda request: decide(table, request), "werkzeug": _werkzeug(), "starlette": _starlette()}
    gc.collect()
    gc.freeze()
    for turn in range(_TURNS):
        names = list(finders) if turn % 2 else list(finders)[::-1]
        for name in names:
            few = requests[::10] if name == "starlette" else requests
            measured[name].append(_rate(finders[name], few))
    gc.unfreeze()
    ours = statistics.median(measured["ours"])
    rows: list[dict[str, object]] = [
        {
            "name": "decide_rate",
            "ours": round(ours, 1),
            "peer": None,
            "peer_name": "decisions, thousands/s",
            "ratio": None,
            "goal": RATE,
            "met": ours >= RATE,
        }
    ]
    for peer in ("werkzeug", "starlette"):
        ratio = statistics.median(a / b for a, b in zip(measured["ours"], measured[peer], strict=True))
        rows.append(
            {
                "name": f"decide_vs_{peer}",
                "ours": round(ours, 1),
                "peer": round(statistics.median(measured[peer]), 1),
                "peer_name": f"{peer}'s router on the same paths, thousands/s",
                "ratio": round(ratio, 2),
                "goal": RATIO if peer == "starlette" else None,
                "met": peer != "starlette" or ratio >= RATIO,
            }
        )
    return rows
