"""A cutover with real stores in a folder of its own, for the tests of everything that decides."""

import sqlite3
from pathlib import Path

import orjson

from strangler.cutover import Cutover
from strangler.evidence import Builds
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
from strangler.ledger import Ledger
from strangler.plan.models import Plan
from strangler.review import Review
from strangler.rollout import Rollout, rollout_from
from strangler.stages import Effect, Side, Stage
from strangler.state import StateFolder

OP, WRITE = "pensions.get-entitlement", "pensions.change-address"
KEY = bytes(range(32))
BUILDS = Builds("old-1", "new-1")


def operation(effect: str, **more: object) -> dict[str, object]:
    return {
        "effect": effect,
        "match": {"path": {"value": f"/{effect}"}},
        "old": "pensions",
        "new": "citizen-record",
        "gates": {"parity": {"max_mismatch": 0.01}, "soak_h": 1, "approvals": 1},
        "rollback": {"when": {"errors_over": 0.02}},
        **more,
    }


PLAN = Plan.model_validate(
    {
        "version": 1,
        "programme": "elderly-care",
        "systems": {
            "pensions": {"department": "pensions", "speaks": "http", "url": "http://127.0.0.1:1"},
            "citizen-record": {"department": "shared", "speaks": "http", "url": "http://127.0.0.1:2"},
        },
        "operations": {
            OP: operation("read"),
            WRITE: operation("write", writes={"policy": "dual", "idempotency_header": "Idempotency-Key"}),
        },
        "people": {
            "olu": {"roles": ["operator"]},
            "ana": {"roles": ["approver"]},
            "both": {"roles": ["operator", "approver"]},
        },
    }
)


class Room:
    """A cutover with its stores and a clock that tests set."""

    def __init__(self, folder: Path) -> None:
        self.state = StateFolder(folder / "state", environ={})
        self.journal = Journal.open(self.state.journal_url, key=KEY)
        self.ledger = Ledger.open(self.state.ledger_url)
        self.now = 10_000.0
        self.cutover = self.another()
        self.review = Review(PLAN, self.ledger, lambda: self.now)

    def another(self, plan: Plan = PLAN) -> Cutover:
        return Cutover(plan, self.journal, self.ledger, self.state, lambda: self.now)

    def compare(self, count: int, kind: OutcomeKind = OutcomeKind.MATCH, prefix: str = "x") -> None:
        """Comparisons of different inputs under the present fingerprint."""
        fingerprint = self.cutover.evidence(OP, BUILDS).fingerprint
        names = [f"{prefix}{n}" for n in range(count)]
        self.journal.append([exchange(name, self.now) for name in names])
        differences = (Difference(DifferenceKind.VALUE, "$.a", "1", "2", "sig", "$.a"),)
        found = differences if kind is OutcomeKind.MISMATCH else ()
        seen = (Observation(Side.NEW, 200, build="new-1"),)
        self.journal.finish(
            [Judged(name, Outcome(kind, fingerprint, name, None, found), seen) for name in names], self.now
        )

    def earn(self, to: Rollout) -> None:
        """Everything that a move needs."""
        self.compare(500)
        self.now += 3601
        self.compare(5, prefix="later")
        self.cutover.approve(OP, to, "ana", "reviewed")

    def close(self) -> None:
        self.journal.close()
        self.ledger.close()


def exchange(name: str, at: float) -> Exchange:
    answer = Observation(Side.OLD, 200, at=at, build="old-1")
    return Exchange(name, OP, Effect.READ, name, None, Stage.SHADOW, Request("GET", "/"), answer, Side.NEW, "e", at)


def read(**shares: object) -> Rollout:
    return rollout_from(shares, Effect.READ)


def published(room: Room) -> dict[str, object]:
    content: dict[str, object] = orjson.loads(room.state.rollouts_file.read_bytes())
    return content


def alter(room: Room, statement: str) -> None:
    """Change the ledger behind its back."""
    connection = sqlite3.connect(room.state.path / "ledger.db")
    connection.execute(statement)
    connection.commit()
    connection.close()
