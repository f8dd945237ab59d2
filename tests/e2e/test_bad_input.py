"""What bad input gets, on a running ``strangler up``: callers notice nothing that is not theirs, and all is counted."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from strangler.exchange import OutcomeKind
from strangler.journal import Journal
from strangler.state import StateFolder
from tests.e2e.product import Caller, Reply, Service, Up, eventually, strangler, up

PLAN = """
version: 1
programme: letters
systems:
  old-desk: {{department: desk, speaks: http, url: "http://127.0.0.1:{old}", build: "1999", timeout_s: 1}}
  new-desk: {{department: shared, speaks: http, url: "http://127.0.0.1:{new}", build_header: x-build-id, timeout_s: 1}}
operations:
  desk.get-letter:
    effect: read
    match: {{method: GET, path: {{type: PathPrefix, value: /letters}}}}
    old: old-desk
    new: new-desk
    key: {{path: "^/letters/([^/]+)"}}
  desk.find-letter:
    effect: read
    match: {{method: POST, path: {{type: Exact, value: /find}}}}
    old: old-desk
    new: new-desk
    key: {{json: "$.id"}}
  desk.get-scan:
    effect: read
    match: {{method: POST, path: {{type: PathPrefix, value: /scans}}}}
    old: old-desk
    new: new-desk
    key: {{path: "^/scans/([^/]+)"}}
people:
  ann: {{roles: [operator]}}
  bob: {{roles: [approver]}}
capture: {{body_bytes: 65536}}
"""
LARGE = b'"' + b"x" * 300_000 + b'"'


def letter(_method: str, target: str, body: bytes) -> Reply:
    if target.startswith("/scans/"):
        return Reply(200, LARGE if target.endswith("/large") else b'{"bytes": %d}' % len(body))
    if target.endswith("/torn"):
        return Reply(200, b'{"torn": ')
    return Reply(200, json.dumps({"letter": target}).encode())


@dataclass
class Desk:
    """A running programme, all its operations in shadow."""

    folder: Path
    plan: str
    old: Service
    new: Service
    up: Up
    requests: int = 0

    @property
    def plan_path(self) -> Path:
        return self.folder / "migration.yaml"

    def ask(self, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
        self.requests += 1
        with Caller(self.up.port) as caller:
            heard = caller.ask(method, target, body)
        return heard.status, heard.body

    def get(self, target: str) -> tuple[int, bytes]:
        return self.ask("GET", target)

    def outcomes(self) -> Counter[str]:
        """How many exchanges of all operations had which outcome, once every one has its own."""
        eventually(lambda: self._counted().total() >= self.requests, f"{self.requests} requests judged")
        return self._counted()

    def _counted(self) -> Counter[str]:
        state = StateFolder(self.folder / ".strangler")
        counts: Counter[str] = Counter()
        with Journal.open(state.journal_url, key=state.journal_key()) as journal:
            for tally in journal.outcomes_count():
                name = f"{tally.kind}({tally.reason})" if tally.kind is OutcomeKind.NOT_COMPARED else str(tally.kind)
                counts[name] += tally.count
        return counts

    def until_new_is_trusted(self) -> None:
        """Wait until the worker asks the new side again: after failures its breaker spares it for a while."""

        def has_matched() -> bool:
            before = self.outcomes()
            self.get("/letters/0")
            return (self.outcomes() - before)["match"] == 1

        eventually(has_matched, "new is asked again")

    def has_counted(self, before: Counter[str], **more: int) -> bool:
        """Whether there are just so many more of these outcomes, and no other, once all are judged."""
        expected = Counter({name.replace("__", "(") + ")" * ("__" in name): count for name, count in more.items()})
        assert self.outcomes() - before == expected
        return True


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    old, new = Service(letter).start(), Service(letter, build="1").start()
    plan = PLAN.format(old=old.port, new=new.port)
    (folder / "migration.yaml").write_text(plan, "utf-8")
    try:
        for operation in ("desk.get-letter", "desk.find-letter", "desk.get-scan"):
            moved = strangler("cutover", operation, "--to", "shadow", "--yes", "--as", "ann", cwd=folder)
            assert moved.code == 0, moved.err
        with up(folder) as running:
            yield Desk(folder, plan, old, new, running)
            assert "Traceback" not in running.log
    finally:
        for service in (old, new):
            service.wake()
            service.stop()


@pytest.fixture
def before(desk: Desk) -> Counter[str]:
    """What was counted before this test."""
    return desk.outcomes()


def test_a_broken_plan_is_named_and_the_table_in_use_stays(desk: Desk, before: Counter[str]) -> None:
    broken = desk.plan.replace("effect: read", "efect: read", 1)
    line = broken[: broken.index("efect")].count("\n") + 1
    try:
        desk.plan_path.write_text(broken, "utf-8")
        checked = strangler("plan", "check", cwd=desk.folder)
        assert checked.code == 2
        assert f"migration.yaml:{line}: operations.desk.get-letter.efect" in checked.out
        assert "did you mean 'effect'" in checked.out
        eventually(lambda: "the table in use stays" in desk.up.log, "the engine says so")
        assert f"migration.yaml:{line}" in desk.up.log
        assert desk.get("/letters/1") == (200, b'{"letter": "/letters/1"}')
        assert desk.has_counted(before, match=1)
    finally:
        desk.plan_path.write_text(desk.plan, "utf-8")
    assert strangler("plan", "check", cwd=desk.folder).code == 0


def test_a_plan_broken_from_the_start_is_no_stack_trace(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "migration.yaml").write_text("version: 1\nprogramme: [\n", "utf-8")
    for command in (("status",), ("serve",), ("worker",), ("gate", "desk.get-letter")):
        said = strangler(*command, cwd=tmp_path)
        assert (said.code, "migration.yaml:" in said.err) == (2, True), f"{command}: {said.err}"
        assert "Traceback" not in said.err


def test_an_unreachable_old_system_is_a_problem_that_names_it(desk: Desk, before: Counter[str]) -> None:
    desk.old.stop()
    try:
        status, body = desk.get("/letters/2")
        problem = json.loads(body)
        assert (status, problem["status"], problem["system"]) == (502, 502, "old-desk")
        assert b"Traceback" not in body
        assert desk.has_counted(before, not_compared__old_failed=1)
    finally:
        desk.old.start()
    before = desk.outcomes()
    assert desk.get("/letters/2")[0] == 200
    assert desk.has_counted(before, match=1)


def test_an_unreachable_new_system_is_not_noticed(desk: Desk, before: Counter[str]) -> None:
    desk.new.stop()
    try:
        assert [desk.get(f"/letters/{n}") for n in range(3)] == [
            (200, f'{{"letter": "/letters/{n}"}}'.encode()) for n in range(3)
        ]
        assert desk.has_counted(before, new_failed=3)
    finally:
        desk.new.start()
    desk.until_new_is_trusted()


def test_a_hanging_new_system_is_not_noticed(desk: Desk, before: Counter[str]) -> None:
    desk.new.hang()
    desk.new.asked.clear()
    try:
        assert [desk.get(f"/letters/{n}") for n in range(3)] == [
            (200, f'{{"letter": "/letters/{n}"}}'.encode()) for n in range(3)
        ]
        assert desk.has_counted(before, new_failed=3)
        assert len(desk.new.asked) > 0
    finally:
        desk.new.wake()
    desk.until_new_is_trusted()


@pytest.mark.parametrize("body", [b'{"id": 7', b"\xff\xfe\x00", b"<letter>"])
def test_a_request_that_does_not_parse_is_passed_on_untouched(desk: Desk, before: Counter[str], body: bytes) -> None:
    desk.old.asked.clear()
    assert desk.ask("POST", "/find", body) == (200, b'{"letter": "/find"}')
    assert desk.old.asked == [("POST", "/find", body)]
    assert desk.has_counted(before, not_compared__unparsable=1)


def test_an_answer_that_does_not_parse_is_passed_on_untouched(desk: Desk, before: Counter[str]) -> None:
    assert desk.get("/letters/torn") == (200, b'{"torn": ')
    assert desk.has_counted(before, not_compared__unparsable=1)


def test_a_large_request_is_streamed_and_counted(desk: Desk, before: Counter[str]) -> None:
    desk.old.asked.clear()
    assert desk.ask("POST", "/scans/1", LARGE) == (200, b'{"bytes": %d}' % len(LARGE))
    assert desk.old.asked == [("POST", "/scans/1", LARGE)]
    assert desk.has_counted(before, not_compared__too_large=1)


def test_a_large_answer_is_streamed_and_counted(desk: Desk, before: Counter[str]) -> None:
    assert desk.ask("POST", "/scans/large", b"small") == (200, LARGE)
    assert desk.has_counted(before, not_compared__too_large=1)


def test_a_killed_worker_is_not_noticed_and_catches_up(desk: Desk, before: Counter[str]) -> None:
    worker = desk.up.running("worker")
    os.kill(worker, signal.SIGKILL)
    assert [desk.get(f"/letters/{n}")[0] for n in range(20)] == [200] * 20
    eventually(lambda: "worker" in desk.up.log and "start 1 in" in desk.up.log, "the worker is started again")
    assert desk.has_counted(before, match=20)
    assert desk.up.running("worker") != worker


def test_a_second_up_on_the_same_state_is_refused_by_name(desk: Desk) -> None:
    second = strangler("up", cwd=desk.folder)
    assert second.code == 1
    assert f"'strangler up' already runs on {desk.folder / '.strangler'} as process {desk.up.process.pid}" in second.err
    assert desk.get("/letters/3")[0] == 200
