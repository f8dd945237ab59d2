"""``Journal.append`` against SQLite's own ``executemany``: what encryption, framing and a queue's indexes cost.

Both store the same exchanges into a fresh file in batches of 100, with the same journal mode and the same
``synchronous`` setting. An exchange has 5 KB in its two bodies: a SOAP request, and an answer with a list of payments
whose dates, amounts and references are drawn at random. The peer is as bare as it can be: one table of three columns
without a further index, bodies in clear, no second table, each row made beforehand. It keeps SQLite's own page size
and checkpoints, as bare use does.

What makes the journal quick is that it writes less: it compresses before it encrypts, and copying pages into the
write-ahead log and from there into the file costs more than compressing. ``journal_append_random`` is the same with
bodies that do not compress at all, without a goal: its ratio says what is left where that does not help.

The figures are thousands of exchanges a second, medians of interleaved turns; the ratio is the median of the turns'
ratios.
"""

import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from strangler.exchange import Exchange, Observation, Request
from strangler.exchange_ids import ExchangeIds
from strangler.journal import Journal
from strangler.stages import Effect, Side, Stage

GOAL = 0.75
BATCH = 100
_BATCHES = 80
_TURNS = 9
_ASKED, _ANSWERED = 560, 4_560
"""Bytes of the request's body and of the answer's."""

_HEADERS = (("host", "pensions.local"), ("content-type", "text/xml"), ("soapaction", "GetEntitlement"))
_ASK = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><requestId>{:032x}'
    '</requestId></s:Header><s:Body><p:GetEntitlement xmlns:p="urn:pensions"><p:nino>{}</p:nino></p:GetEntitlement>'
    "</s:Body></s:Envelope>"
)
_PAYMENT = (
    '<p:payment><p:date>{}-{:02}-{:02}</p:date><p:amount currency="GBP">{}.{:02}</p:amount><p:ref>{:012X}</p:ref>'
    "</p:payment>"
)


def _bodies(rng: random.Random, key: str, *, plain: bool) -> tuple[bytes, bytes]:
    """A request's body and its answer's, of their sizes; of text, or of random bytes."""
    if not plain:
        return rng.randbytes(_ASKED), rng.randbytes(_ANSWERED)
    draw = rng.randrange
    payments = (
        _PAYMENT.format(draw(2010, 2027), draw(1, 13), draw(1, 29), draw(100, 300), draw(100), rng.getrandbits(48))
        for _ in range(40)
    )
    asked = _ASK.format(rng.getrandbits(128), key)
    answered = asked.replace("GetEntitlement", "GetEntitlementResponse") + "".join(payments)
    return asked.encode().ljust(_ASKED), answered.encode()[:_ANSWERED]


def _exchange(rng: random.Random, ids: ExchangeIds, number: int, *, plain: bool) -> Exchange:
    """An exchange as the engine hands it over, one a millisecond, with an id as engines make it."""
    key = f"QQ{rng.randrange(5000):06}C"
    asked, answered = _bodies(rng, key, plain=plain)
    at = 1_800_000_000.0 + number / 1_000
    took_s = rng.lognormvariate(-4, 0.5)
    answer = Observation(Side.OLD, 200, _HEADERS, answered, len(answered), None, at, took_s, "old-1")
    request = Request("POST", "/pensions", _HEADERS, asked, len(asked))
    return Exchange(
        ids.made(at), "a.read", Effect.READ, key, None, Stage.SHADOW, request, answer, Side.NEW, "e" * 32, at
    )


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
    return [_figure("journal_append", GOAL, plain=True), _figure("journal_append_random", None, plain=False)]


def _figure(name: str, goal: float | None, *, plain: bool) -> dict[str, object]:
    rng = random.Random(7)
    ids = ExchangeIds(rng.getrandbits)
    batches = [
        [_exchange(rng, ids, batch * BATCH + number, plain=plain) for number in range(BATCH)]
        for batch in range(_BATCHES)
    ]
    thousands = BATCH * _BATCHES / 1_000
    turns: list[tuple[float, float]] = []
    for turn in range(_TURNS):
        order = (_ours, _bare) if turn % 2 else (_bare, _ours)
        took = {measure: _timed(measure, batches) for measure in order}
        turns.append((thousands / took[_ours], thousands / took[_bare]))
    ours, peer = (statistics.median(values) for values in zip(*turns, strict=True))
    ratio = statistics.median(our_rate / bare_rate for our_rate, bare_rate in turns)
    return {
        "name": name,
        "ours": round(ours, 2),
        "peer": round(peer, 2),
        "peer_name": "sqlite3.executemany, bare table in clear, thousands/s",
        "ratio": round(ratio, 3),
        "goal": goal,
        "met": goal is None or ratio >= goal,
    }
