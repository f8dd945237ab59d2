"""Custom gates as they are asked: real processes, a real server on the loopback, and everything that can go wrong."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from strangler.custom_gates import ask
from strangler.evidence import Counts, Evidence, ParityEvidence, Result, Verdict
from strangler.exchange import OutcomeKind
from strangler.plan.gate_models import CustomGate
from strangler.plan.models import Gates
from strangler.rollout import Rollout
from tests.unit.strangler.room import BUILDS, OP, PLAN, Room, read

COUNTS = Counts({OutcomeKind.MATCH: 500})
EVIDENCE = Evidence("a.b", "now", parity=ParityEvidence("now", COUNTS, COUNTS, first_at=1.0, last_at=2.0))
FUNCTIONS = """\
import os, sys, time
def enough(evidence):
    count = evidence["parity"]["inputs"]["by_kind"]["match"]
    print("chatter")
    return {"result": "PASS" if count >= 500 else "HOLD", "reasons": [f"{count} matches"], "value": str(count)}
def holds(evidence): return {"result": "HOLD", "reasons": ["not on a Friday\\n"], "remedy": "a Monday"}
def raises(evidence): raise ValueError("secret")
def loops(evidence):
    while True: time.sleep(1)
def leaves(evidence): os._exit(0)
def exits(evidence): sys.exit(0)
def odd(evidence): return object()
def true(evidence): return True
def forks(evidence):
    os.fork()
    return {"result": "PASS"}
def surroundings(evidence): return {"result": "HOLD", "reasons": sorted(os.environ)}
"""


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gates_of_ours.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(tmp_path)


def said_by(function: str, timeout_s: float = 20.0) -> Verdict:
    gate = CustomGate(name="desk", function=f"gates_of_ours:{function}", timeout_s=timeout_s)
    (verdict,) = ask([gate], EVIDENCE, Rollout())
    return verdict


@pytest.mark.usefixtures("functions")
def test_custom_function_reads_the_evidence_and_passes() -> None:
    assert said_by("enough") == Verdict("custom desk", Result.PASS, ("500 matches",), "500", "PASS of the function")


@pytest.mark.usefixtures("functions")
def test_custom_function_that_holds_says_why() -> None:
    told = said_by("holds")
    assert (told.result, told.reasons, told.remedy) == (Result.HOLD, ("not on a Friday",), "a Monday")


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("raises", "it raised ValueError"),
        ("exits", "it raised SystemExit"),
        ("leaves", "its process ended without an answer"),
        ("odd", "it raised TypeError"),
        ("true", "it gave no answer that can be read"),
        ("missing", "it raised AttributeError"),
    ],
)
def test_custom_function_that_fails_is_no_data(function: str, reason: str) -> None:
    told = said_by(function)
    assert (told.result, told.reasons) == (Result.NO_DATA, (reason,))


@pytest.mark.usefixtures("functions")
def test_custom_function_that_is_late_is_no_data_and_ended() -> None:
    told = said_by("loops", timeout_s=0.5)
    assert (told.result, told.reasons) == (Result.NO_DATA, ("it took longer than 0.5 s",))


@pytest.mark.usefixtures("functions")
def test_custom_function_that_forks_answers_once() -> None:
    assert said_by("forks").result is Result.PASS


@pytest.mark.usefixtures("functions")
def test_custom_function_sees_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_KEY", "secret")
    assert "JOURNAL_KEY" not in said_by("surroundings").reasons


class Hook(BaseHTTPRequestHandler):
    """Answers by its path, and keeps what it was sent."""

    sent: dict[str, object]
    release = Event()

    def do_POST(self) -> None:
        Hook.sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/slow":
            Hook.release.wait(20)
        status = {"/ok": 200, "/moved": 302, "/no": 409}.get(self.path, 500)
        body = b"" if status == 500 else b"the desk is closed\x1b[2J " + b"x" * 9_000
        self.send_response(status)
        self.send_header("location", "/ok")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the base class calls it so
        """Nothing is printed."""


@pytest.fixture
def hook() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    Hook.release.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    Hook.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def said_by_hook(url: str, timeout_s: float = 20.0) -> Verdict:
    (verdict,) = ask([CustomGate(name="board", url=url, timeout_s=timeout_s)], EVIDENCE, read(shadow=90, live=10))
    return verdict


def test_hook_is_told_of_the_move_and_passes_with_2xx(hook: str) -> None:
    assert said_by_hook(f"{hook}/ok") == Verdict("custom board", Result.PASS, (), "status 200", "2xx of the hook")
    assert sorted(Hook.sent) == ["evidence", "name", "operation", "rollout"]
    assert (Hook.sent["name"], Hook.sent["operation"]) == ("board", "a.b")
    assert Hook.sent["rollout"] == read(shadow=90, live=10).as_dict()


@pytest.mark.parametrize("path", ["/no", "/moved"])
def test_hook_that_answers_anything_else_holds_with_the_beginning_of_its_body(hook: str, path: str) -> None:
    told = said_by_hook(hook + path)
    assert told.result is Result.HOLD
    assert told.reasons[0].startswith("the desk is closed [2J xxx")
    assert len(told.reasons[0]) <= 200


def test_hook_that_breaks_without_a_word_holds_with_its_status(hook: str) -> None:
    assert said_by_hook(f"{hook}/broken").reasons == ("it answered with status 500",)


def test_hook_that_is_slow_or_not_there_is_no_data(hook: str) -> None:
    assert said_by_hook(f"{hook}/slow", timeout_s=1.5).result is Result.NO_DATA
    gone = said_by_hook("http://127.0.0.1:1/")
    assert (gone.result, gone.reasons) == (Result.NO_DATA, ("the hook could not be reached: ConnectError",))


@pytest.mark.usefixtures("functions")
def test_custom_gate_that_holds_is_among_the_verdicts_of_a_move(room: Room) -> None:
    policy = Gates.model_validate({"custom": [{"name": "desk", "function": "gates_of_ours:holds", "timeout_s": 20}]})
    entry = PLAN.operations[OP].model_copy(update={"gates": policy})
    plan = PLAN.model_copy(update={"operations": {**PLAN.operations, OP: entry}})
    room.compare(3)
    proposal = room.another(plan).propose(OP, read(shadow=90, live=10), "olu", BUILDS)
    assert "custom desk: HOLD: not on a Friday; needed: a Monday" in proposal.reasons


@pytest.mark.usefixtures("functions")
def test_custom_gate_of_a_scheduled_step_is_asked_only_while_all_others_pass(room: Room) -> None:
    policy = {"custom": [{"name": "desk", "function": "gates_of_ours:enough", "timeout_s": 20}], "soak_h": 0}
    gates = Gates.model_validate({**policy, "parity": {"max_mismatch": 0.01}, "approvals": 0})
    entry = PLAN.operations[OP].model_copy(update={"gates": gates})
    plan = PLAN.model_copy(update={"operations": {**PLAN.operations, OP: entry}})
    step, end = read(shadow=90, live=10), read(live=100)
    room.compare(3)
    before = room.another(plan).propose(OP, step, "olu", BUILDS, approved_as=end)
    room.compare(500, prefix="y")
    after = room.another(plan).propose(OP, step, "olu", BUILDS, approved_as=end)
    assert "custom desk" not in {verdict.gate for verdict in before.verdicts}
    assert not before.allowed
    assert "custom desk" in {verdict.gate for verdict in after.verdicts}
    assert {verdict.result for verdict in after.verdicts} == {Result.PASS}
