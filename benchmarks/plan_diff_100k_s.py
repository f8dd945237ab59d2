"""100,000 recorded requests held against two plans: ``strangler plan diff`` from a real journal.

Both plans have 1,000 operations of the mixture that ``decide_10k_vs_10`` has; the second one moves, splits and drops
some. The peer only reads the same requests out of the same journal, which nobody can do without: open, unseal, unpack.
The figures are seconds, medians of interleaved turns.
"""

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.decide_10k_vs_10 import _match, _request
from proxy.decide import Table, compile_table
from strangler.cli.plan_diff import moved
from strangler.exchange import Exchange, Observation, Request
from strangler.journal import Journal
from strangler.plan.models import Plan
from strangler.rollout import rollout_from
from strangler.stages import Effect, Side, Stage

GOAL = 3.0
_REQUESTS = 100_000
_OPERATIONS = 1_000
_BATCH = 1_000
_TURNS = 5
_BODY = b"<Envelope><Body><Ask><nino>QQ123456C</nino>" + b"<more>0123456789</more>" * 40 + b"</Ask></Body></Envelope>"


def _table(*, is_after: bool) -> Table:
    systems = {
        side: {"department": "d", "speaks": "http", "url": f"http://127.0.0.1:{port}"}
        for side, port in (("old", 7101), ("new", 7201))
    }
    operations = {}
    for number in range(_OPERATIONS):
        if is_after and number % 100 == 7:
            continue  # dropped
        match = _match(number)
        if is_after and number % 100 == 14:
            match = {"path": {"type": "PathPrefix", "value": f"/moved/{number}"}}
        operations[f"bench.m{number}"] = {
            "effect": "read",
            "match": match,
            "old": "old",
            "new": "new",
            "key": {"header": "x-citizen" if not (is_after and number % 100 == 20) else "x-other"},
        }
    plan = Plan.model_validate({"version": 1, "programme": "bench", "systems": systems, "operations": operations})
    rollout = rollout_from({"shadow": 90, "live": 10}, Effect.READ)
    return compile_table(plan, dict.fromkeys(operations, rollout))


def _fill(journal: Journal) -> None:
    headers = (("content-type", "text/xml"),)
    answer = Observation(Side.OLD, 200, headers, _BODY, len(_BODY), None, 1.0, 0.02, "old-1")
    for start in range(0, _REQUESTS, _BATCH):
        batch = []
        for number in range(start, start + _BATCH):
            head = _request(number % _OPERATIONS)
            request = Request(head.method, head.target, head.headers, _BODY, len(_BODY))
            at = 1.8e9 + number
            batch.append(
                Exchange(
                    f"x{number}", "bench.m1", Effect.READ, None, None, Stage.SHADOW, request, answer, None, "e", at
                )
            )
        journal.append(batch)


def _diff(journal: Journal, before: Table, after: Table) -> float:
    start = time.perf_counter()
    total, found = moved(before, after, journal.recorded(limit=_REQUESTS))
    took = time.perf_counter() - start
    count = sum(one.count for one in found)
    if total != _REQUESTS or not _REQUESTS * 0.015 < count < _REQUESTS * 0.035:
        raise AssertionError(f"{count:,} of {total:,} requests go elsewhere: this would measure the wrong thing")
    return took


def _read(journal: Journal) -> float:
    start = time.perf_counter()
    for _ in journal.recorded(limit=_REQUESTS):
        pass
    return time.perf_counter() - start


def run() -> list[dict[str, object]]:
    """Measure in turns; seconds."""
    before, after = _table(is_after=False), _table(is_after=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal.open(f"sqlite:///{Path(folder)}/journal.db", key=bytes(32)) as journal,
    ):
        _fill(journal)
        turns = []
        for turn in range(_TURNS):
            if turn % 2:
                turns.append((_diff(journal, before, after), _read(journal)))
            else:
                turns.append((_read(journal), _diff(journal, before, after))[::-1])
    ours, peer = (statistics.median(values) for values in zip(*turns, strict=True))
    return [
        {
            "name": "plan_diff_100k_s",
            "ours": round(ours, 3),
            "peer": round(peer, 3),
            "peer_name": "reading the same requests only, s",
            "ratio": round(statistics.median(a / b for a, b in turns), 3),
            "goal": f"at most {GOAL:g}",
            "met": ours <= GOAL,
        }
    ]
