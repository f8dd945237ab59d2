"""The guard on real stores: it takes an operation back on what callers saw, once, and says so in the ledger."""

import time
from pathlib import Path
from threading import Event, Thread

from strangler.cutover import Cutover
from strangler.exchange import Exchange, Observation, Request
from strangler.guard import WHO, Guard
from strangler.journal import Journal
from strangler.ledger import EntryKind, Ledger
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage
from strangler.state import StateFolder

OP = "pensions.get-entitlement"
PLAN = Plan.model_validate(
    {
        "version": 1,
        "programme": "elderly-care",
        "systems": {
            "pensions": {"department": "pensions", "speaks": "http", "url": "http://127.0.0.1:1"},
            "citizen-record": {"department": "shared", "speaks": "http", "url": "http://127.0.0.1:2"},
        },
        "operations": {
            OP: {
                "effect": "read",
                "match": {"path": {"value": "/x"}},
                "old": "pensions",
                "new": "citizen-record",
                "rollback": {"when": {"errors_over": 0.02}, "min_requests": 20, "to": "shadow"},
            }
        },
    }
)


def answered_by_new(n: int, status: int) -> Exchange:
    now = time.time()
    answer = Observation(Side.NEW, status, at=now, duration_s=0.01)
    return Exchange(f"x{n}", OP, Effect.READ, None, None, Stage.LIVE, Request("GET", "/x"), answer, None, "e", now)


def test_guard_takes_back_what_fails_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    state = StateFolder(tmp_path, environ={})
    stop = Event()
    with Journal.open(state.journal_url, key=bytes(32)) as journal, Ledger.open(state.ledger_url) as ledger:
        cutover = Cutover(PLAN, journal, ledger, state, time.time)
        body = {"operation": OP, "before": {"shadow": "100"}, "after": {"live": "100"}}
        ledger.append(EntryKind.ROLLOUT, "olu", body, now=time.time())
        journal.append([answered_by_new(n, 200) for n in range(30)])
        watching = Thread(target=Guard(PLAN, journal, cutover, time.time).run, args=(stop, 0.02))
        watching.start()
        journal.append([answered_by_new(100 + n, 503) for n in range(10)])
        for _ in range(500):
            if len(ledger.entries()) > 1:
                break
            time.sleep(0.02)
        journal.append([answered_by_new(200 + n, 503) for n in range(10)])
        time.sleep(0.2)
        stop.set()
        watching.join()
        (entry,) = ledger.entries(since=1)
        assert (entry.kind, entry.who, entry.body["after"]) == (EntryKind.ROLLBACK, WHO, {"shadow": "100"})
        assert (entry.body["figures"]["requests"], entry.body["figures"]["failed"]) == (40, 10)
        assert cutover.rollouts()[OP].as_dict() == {"shadow": "100"}
        assert b'"shadow"' in state.rollouts_file.read_bytes()
