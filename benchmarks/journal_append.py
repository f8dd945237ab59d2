"""``Journal.append`` against SQLite's own ``executemany``: what encryption, framing and a queue's indexes cost.

Both store the same exchanges into a fresh file in batches of the engine's size, with the same journal mode and the same
``synchronous`` setting. The peer is as bare as it can be: one table of three columns without a further index, bodies in
clear, no second table, each row made beforehand. It keeps SQLite's own page size, as bare use does; the journal's
larger pages are part of what is measured. (With the journal's pages the peer is two to three times as quick again:
then nothing but copying memory is left of it.)

The figures are thousands of exchanges a second, medians of interleaved turns; the ratio is the median of the turns'
ratios.
"""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from strangler.exchange import Exchange, Observation, Request
from strangler.journal import Journal
from strangler.stages import Effect, Side, Stage

GOAL = 0.75
BATCH = 500
_BATCHES = 24
_TURNS = 9
_BODY = 1_024
"""Bytes of each of the two bodies."""


def _exchange(number: int, run: int) -> Exchange:
    headers = (("host", "pensions.local"), ("content-type", "text/xml"), ("soapaction", "GetEntitlement"))
    body = (b"<nino>%09d</nino>" % number) * (_BODY // 22)
    answer = Observation(Side.OLD, 200, headers, body, len(body), None, 1.0, 0.02, "old-1")
    request = Request("POST", "/pensions", headers, body, len(body))
    at = 1_800_000_000.0 + number
    name, key = f"{run}-{number}", f"QQ{number % 5000:06}C"
    return Exchange(name, "a.read", Effect.READ, key, None, Stage.SHADOW, request, answer, Side.NEW, "e" * 32, at)


def _ours(folder: Path, batches: list[list[Exchange]]) -> float:
    with Journal.open(f"sqlite:///{folder}/journal.db", key=bytes(32)) as journal:
        start = time.perf_counter()
        for batch in batches:
            journal.append(batch)
        return time.perf_counter() - start


def _bare(folder: Path, batches: list[list[Exchange]]) -> float:
    rows = [[(x.id, x.at, (x.request.body or b"") + (x.answer.body or b"")) for x in batch] for batch in batches]
    store = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-16000"):
        store.execute(f"PRAGMA {pragma}")
    store.execute("CREATE TABLE exchanges (id TEXT, at REAL, body BLOB)")
    start = time.perf_counter()
    for batch in rows:
        store.execute("BEGIN IMMEDIATE")
        store.executemany("INSERT INTO exchanges VALUES (?, ?, ?)", batch)
        store.execute("COMMIT")
    took = time.perf_counter() - start
    store.close()
    return took


def _timed(measure: Callable[[Path, list[list[Exchange]]], float], batches: list[list[Exchange]]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), batches)


def run() -> list[dict[str, object]]:
    """Measure in turns. ``ours`` and ``peer`` are thousands of exchanges a second."""
    numbers = range(_BATCHES)
    batches = [[_exchange(batch * BATCH + n, batch) for n in range(BATCH)] for batch in numbers]
    thousands = BATCH * _BATCHES / 1_000
    turns: list[tuple[float, float]] = []
    for turn in range(_TURNS):
        order = (_ours, _bare) if turn % 2 else (_bare, _ours)
        took = {measure: _timed(measure, batches) for measure in order}
        turns.append((thousands / took[_ours], thousands / took[_bare]))
    ours, peer = (statistics.median(values) for values in zip(*turns, strict=True))
    ratio = statistics.median(our_rate / bare_rate for our_rate, bare_rate in turns)
    return [
        {
            "name": "journal_append",
            "ours": round(ours, 2),
            "peer": round(peer, 2),
            "peer_name": "sqlite3.executemany, bare table in clear, thousands/s",
            "ratio": round(ratio, 3),
            "goal": GOAL,
            "met": ratio >= GOAL,
        }
    ]
