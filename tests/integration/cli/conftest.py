"""A small programme with a real journal and a real ledger, and the command line as a person calls it."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from strangler.cli import main
from strangler.evidence import Builds, LoadEvidence, LoadSide
from strangler.exchange import (
    Difference,
    DifferenceKind,
    Exchange,
    Judged,
    Observation,
    Outcome,
    OutcomeKind,
    Reason,
    Request,
)
from strangler.overview import Session, open_session
from strangler.rollout import rollout_from
from strangler.stages import Effect, Side, Stage

READ, WRITE = "library.get-book", "library.lend-book"
SIGNATURE = "a1b2c3d4e5f60718"
PLAN = """\
version: 1
programme: library
systems:
  old-catalogue: {department: library, speaks: http, url: "http://127.0.0.1:9", build: "2019", serves: [/]}
  new-catalogue: {department: shared, speaks: http, url: "http://127.0.0.1:9", build: "7"}
operations:
  library.get-book:
    effect: read
    match: {method: GET, path: {type: PathPrefix, value: /books}}
    old: old-catalogue
    new: new-catalogue
    key: {path: "^/books/([^/]+)"}
    gates: {parity: {max_mismatch: 0.1}, load: {budget: noon}, soak_h: 0, approvals: 1}
    rollback: {when: {mismatch_over: 0.05, errors_over: 0.02}}
  library.lend-book:
    effect: write
    match: {method: POST, path: {value: /loans}}
    old: old-catalogue
    new: new-catalogue
    key: {json: "$.book"}
    writes: {policy: dual, idempotency_header: Idempotency-Key}
budgets:
  noon: {rate_per_s: 10, duration_s: 1, min_requests: 1}
people:
  ann: {roles: [operator]}
  bob: {roles: [approver]}
"""


@dataclass(frozen=True)
class Told:
    """What one command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class Programme:
    """A plan with its state in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.plan = folder / "migration.yaml"
        self.plan.write_text(PLAN, encoding="utf-8")
        self._capsys = capsys
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """The stores, opened when first asked for."""
        if self._session is None:
            self._session = open_session(self.plan, None)
        return self._session

    def run(self, *arguments: str, bare: bool = False) -> Told:
        """Call the command line with this programme's plan."""
        self._capsys.readouterr()
        code = 0
        try:
            main([*arguments] if bare else [*arguments, "--plan", str(self.plan)])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        told = self._capsys.readouterr()
        return Told(code, told.out, told.err)

    def change_plan(self, before: str, after: str) -> None:
        """Replace one piece of the plan."""
        assert before in PLAN
        self.plan.write_text(PLAN.replace(before, after, 1), encoding="utf-8")

    def compare(self, count: int, kind: OutcomeKind = OutcomeKind.MATCH, **values: str) -> None:
        """Comparisons of different inputs under the present evidence."""
        now = time.time() - 1
        names = [f"{kind}-{n}" for n in range(count)]
        self.session.journal.append([self.exchange(name, now) for name in names])
        found = (difference(**values),) if kind is OutcomeKind.MISMATCH else ()
        fingerprint = self.fingerprint()
        seen = (Observation(Side.NEW, 200, build="7"),)
        reason = Reason.UNPARSABLE if kind is OutcomeKind.NOT_COMPARED else None
        outcomes = [Judged(name, Outcome(kind, fingerprint, name, reason, found), seen) for name in names]
        self.session.journal.finish(outcomes, now)

    def fingerprint(self) -> str:
        """What evidence stands under now."""
        return self.session.cutover.evidence(READ, Builds("2019", "7")).fingerprint

    def exchange(self, name: str, at: float) -> Exchange:
        """One answered request."""
        answer = Observation(Side.OLD, 200, at=at, build="2019")
        request = Request("GET", f"/books/{name}")
        return Exchange(name, READ, Effect.READ, name, None, Stage.SHADOW, request, answer, Side.NEW, "e", at)

    def load(self) -> None:
        """A load run within its budget."""
        side = LoadSide(10, 0, 1.0, 2.0, 3.0, 4.0)
        evidence = LoadEvidence("r1", READ, "noon", self.fingerprint(), time.time() - 1, 1.0, 10.0, 10.0, side, side)
        self.session.journal.record_load(evidence)

    def earn(self, to: str) -> None:
        """Everything that a move of the read to ``to`` needs."""
        self.session.cutover.move(READ, rollout_from({"shadow": 100}, Effect.READ), "ann", "begin")
        self.compare(200)
        self.load()
        assert self.run("approve", READ, "--to", to, "--as", "bob").code == 0

    def close(self) -> None:
        """Close what was opened."""
        if self._session is not None:
            self._session.close()


def difference(old: str = "Ann O'Neill 1932", new: str = "ANN ONEILL 1932", path: str = "$.title") -> Difference:
    """A difference that a finding is made of."""
    return Difference(DifferenceKind.VALUE, path, old, new, SIGNATURE, path)


@pytest.fixture
def programme(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Programme]:
    """A programme, with nothing of this machine's environment in it."""
    for name in ("PLAN", "STATE", "WHO", "JOURNAL_URL", "LEDGER_URL", "JOURNAL_KEY"):
        monkeypatch.delenv(f"STRANGLER_{name}", raising=False)
    made = Programme(tmp_path, capsys)
    yield made
    made.close()


@pytest.fixture
def run(programme: Programme) -> Callable[..., Told]:
    """Calls the command line."""
    return programme.run


class Building:
    """A system whose health page names its build."""

    def __init__(self) -> None:
        self.build = "7"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("x-build-id", outer.build)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def building() -> Iterator[Building]:
    """A running system."""
    made = Building()
    yield made
    made.close()
