"""A parity report over 1 million outcomes and 10,000 mismatches: how long it takes, how large it is, how it opens.

The journal is a real one, filled through ``append`` and ``finish`` (that takes minutes and is not timed); set
``STRANGLER_BENCH_OUTCOMES`` for another number. The peer for the time is the least that a report without rollups would
have to do: one scan of the same journal that counts outcomes. The page is opened in Chromium, headless, and an empty
page beside it: the difference is what the report costs.
"""

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from parity_checks.compare.signature import signature
from parity_checks.report import build_report, write_html
from strangler.evidence import Builds, entry_digest, fingerprint
from strangler.exchange import (
    Difference,
    DifferenceKind,
    Exchange,
    Judged,
    Observation,
    Outcome,
    OutcomeKind,
    Request,
)
from strangler.journal import Journal
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage

SECONDS, MEGABYTES, OPEN_SECONDS = 5.0, 5.0, 2.0
_OUTCOMES = int(os.environ.get("STRANGLER_BENCH_OUTCOMES", "1000000"))
_MISMATCHES = 10_000
_BATCH = 2_000
_PATHS = 400
_TURNS = 3
_OPERATIONS = ("pensions.get-entitlement", "pensions.get-payments", "health.find-patient", "council.get-assessment")
_KEY = bytes(32)
_NOW = 1_800_000_000.0


def _plan() -> Plan:
    sides = {name: {"department": "d", "speaks": "http", "url": "http://127.0.0.1:9"} for name in ("old", "new")}
    operations = {
        name: {"effect": "read", "match": {"path": {"value": f"/{name}"}}, "old": "old", "new": "new"}
        for name in _OPERATIONS
    }
    return Plan.model_validate({"version": 1, "programme": "bench", "systems": sides, "operations": operations})


def _judged(plan: Plan) -> Iterator[tuple[Exchange, Judged]]:
    entries = {name: entry_digest(plan, name) for name in _OPERATIONS}
    marks = {name: fingerprint(entry, Builds("1", "2")) for name, entry in entries.items()}
    every = max(1, _OUTCOMES // _MISMATCHES)
    for number in range(_OUTCOMES):
        name = _OPERATIONS[number % len(_OPERATIONS)]
        old = Observation(Side.OLD, 200, (), b'{"amount":"187.29"}', 19, at=_NOW, duration_s=0.01, build="1")
        request = Request("GET", f"/{name}?n={number}")
        at = _NOW + number / 100
        differences: tuple[Difference, ...] = ()
        if number % every == (number // every) % len(_OPERATIONS):
            path = f"$.payments[*].line{(number // every) % _PATHS}"
            mark = signature(name, path, DifferenceKind.VALUE)
            values = f"{number}.29", f"{number}.30"
            differences = (Difference(DifferenceKind.VALUE, path.replace("*", "3"), *values, mark, path),)
        kind = OutcomeKind.MISMATCH if differences else OutcomeKind.MATCH
        exchange = Exchange(
            f"x{number}", name, Effect.READ, None, None, Stage.SHADOW, request, old, Side.NEW, entries[name], at
        )
        yield exchange, Judged(exchange.id, Outcome(kind, marks[name], f"{number:032x}", None, differences))


def _fill(journal: Journal, plan: Plan) -> None:
    batch: list[tuple[Exchange, Judged]] = []
    for pair in _judged(plan):
        batch.append(pair)
        if len(batch) == _BATCH:
            _store(journal, batch)
            batch = []
    if batch:
        _store(journal, batch)


def _store(journal: Journal, batch: list[tuple[Exchange, Judged]]) -> None:
    journal.append([exchange for exchange, _ in batch])
    journal.finish([judged for _, judged in batch], _NOW + _OUTCOMES / 100)


def _report(journal: Journal, plan: Plan, page: Path) -> float:
    start = time.perf_counter()
    write_html(build_report(plan, journal, [], {}, _NOW + _OUTCOMES), page)
    return time.perf_counter() - start


def _scan(engine: sa.Engine) -> float:
    start = time.perf_counter()
    with engine.connect() as connection:
        connection.execute(
            sa.text("SELECT operation, outcome, reason, count(*) FROM exchanges GROUP BY operation, outcome, reason")
        ).all()
    return time.perf_counter() - start


def _opened(browser: str, page: str) -> float:
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--dump-dom")
    start = time.perf_counter()
    subprocess.run([browser, *flags, page], check=True, capture_output=True, timeout=120)
    return time.perf_counter() - start


def run() -> list[dict[str, object]]:
    """Seconds to write it, megabytes of it, seconds more than an empty page takes to open."""
    plan = _plan()
    with tempfile.TemporaryDirectory() as folder:
        page, address = Path(folder) / "parity.html", f"sqlite:///{folder}/journal.db"
        with Journal.open(address, key=_KEY) as journal:
            _fill(journal, plan)
            engine = sa.create_engine(address)
            turns = [(_report(journal, plan, page), _scan(engine)) for _ in range(_TURNS)]
            engine.dispose()
        ours, peer = (statistics.median(values) for values in zip(*turns, strict=True))
        size = page.stat().st_size / 1e6
        rows = [
            _row("report_1m_s", ours, peer, f"one scan of {_OUTCOMES:,} exchanges, s", SECONDS),
            _row("report_1m_mb", size, None, "size of the page, MB", MEGABYTES),
        ]
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if browser is None:
            return rows
        empty = Path(folder) / "empty.html"
        empty.write_text("<!doctype html><title>empty</title>", "utf-8")
        opened = [(_opened(browser, page.as_uri()), _opened(browser, empty.as_uri())) for _ in range(_TURNS)]
        full, bare = (statistics.median(values) for values in zip(*opened, strict=True))
        rows.append(_row("report_1m_open_s", full - bare, bare, "an empty page in the same Chromium, s", OPEN_SECONDS))
        return rows


def _row(name: str, ours: float, peer: float | None, peer_name: str, goal: float) -> dict[str, object]:
    ratio = None if not peer else round(ours / peer, 3)
    return {
        "name": name,
        "ours": round(ours, 3),
        "peer": None if peer is None else round(peer, 3),
        "peer_name": peer_name,
        "ratio": ratio,
        "goal": f"under {goal:g}",
        "met": ours < goal,
    }
