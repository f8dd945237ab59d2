"""Whole load runs: a real journal of requests, locust in its own process, two small servers."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from load_tests import run_load
from load_tests.arrivals import Arrival, constant
from load_tests.budgets import side_figures
from load_tests.job import LoadJob, SideJob, decode_result
from load_tests.launch import launch
from load_tests.report import as_json, text, write_html
from load_tests.workload import Call
from strangler.errors import Refused, UsageError
from strangler.evidence import Builds, LoadEvidence, entry_digest, fingerprint
from strangler.exchange import Exchange, Observation, Request
from strangler.journal import Journal
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage


class Quiet(ThreadingHTTPServer):
    """Says nothing about callers who went away."""

    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


class System:
    """A small server: answers after ``delay_s``, and while ``stall`` is held answers nobody."""

    def __init__(self, delay_s: float = 0.0, build: str = "b1", status: int = 200) -> None:
        self.delay_s, self.build, self.status = delay_s, build, status
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.stall = threading.Lock()
        system = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                system.seen.append((self.command, self.path, headers, body))
                time.sleep(system.delay_s)
                with system.stall:
                    pass
                self.send_response(system.status)
                self.send_header("x-build-id", system.build)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def old() -> Iterator[System]:
    system = System(build="old-7")
    yield system
    system.close()


@pytest.fixture
def new() -> Iterator[System]:
    system = System(build="new-1")
    yield system
    system.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(f"sqlite:///{tmp_path / 'journal.db'}", key=b"k" * 32)
    yield opened
    opened.close()


def plan_for(old: System, new: System, rate: float = 40, duration: float = 2.0, timeout: float = 5.0) -> Plan:
    writes = {"policy": "dual", "idempotency_header": "idempotency-key"}
    shared = {"effect": "read", "match": {"path": {"value": "/find"}}, "old": "register", "new": "index"}
    system = {"department": "d", "speaks": "http", "build_header": "x-build-id", "timeout_s": timeout}
    return Plan.model_validate({
        "version": 1,
        "programme": "test",
        "systems": {"register": {**system, "url": old.url}, "index": {**system, "url": new.url}},
        "operations": {
            "people.find": shared,
            "people.move": {**shared, "effect": "write", "writes": writes},
            "people.never": {**shared, "effect": "write", "writes": {"policy": "never"}},
        },
        "budgets": {"short": {"rate_per_s": rate, "duration_s": duration}},
    })  # fmt: skip


def journaled(number: int, operation: str = "people.find", effect: Effect = Effect.READ, **request: object) -> Exchange:
    fields: dict[str, object] = {
        "method": "POST",
        "target": f"/find?n={number}",
        "headers": (("Content-Type", "text/plain"), ("Host", "callers"), ("X-Strangler-Key", "forged")),
        "body": f"body {number}".encode(),
        **request,
    }
    return Exchange(
        id=f"{operation}-{number}",
        operation=operation,
        effect=effect,
        key=str(number),
        cohort=None,
        stage=Stage.OFF,
        request=Request(**fields),
        answer=Observation(Side.OLD, 200),
        asked=None,
        entry="e",
        at=float(number),
    )


def load(
    plan: Plan,
    journal: Journal,
    operation: str = "people.find",
    *,
    before_each: Callable[[], object] = lambda: None,
    attempts: int = 3,
    **more: object,
) -> LoadEvidence:
    """A run; once more where the machine was too busy with other tests to keep the schedule."""
    more.setdefault("on_progress", lambda _: None)
    fixed = {"operation": operation, "budget_name": "short", "seed": 7, "now": lambda: 1000.0}
    while True:
        attempts -= 1
        before_each()
        try:
            return run_load(plan, journal, **fixed, **more)
        except Refused as refused:
            if attempts < 1 or "the load generator itself was late" not in str(refused):
                raise


def test_run_load_compares_both_sides_in_one_run(old: System, new: System, journal: Journal, tmp_path: Path) -> None:
    new.delay_s = 0.08
    journal.append([journaled(number) for number in range(20)])
    plan = plan_for(old, new)
    progress: list[float] = []
    evidence = load(plan, journal, on_progress=progress.append)

    assert (evidence.old.requests, evidence.new.requests) == (80, 80)
    assert (evidence.old.errors, evidence.new.errors) == (0, 0)
    assert evidence.new.p50_ms > 80 > evidence.old.p50_ms
    assert evidence.fingerprint == fingerprint(entry_digest(plan, "people.find"), Builds("old-7", "new-1"))
    assert journal.load("people.find", evidence.fingerprint) == evidence
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    # Both sides got the same requests, as callers sent them, with nothing of the first hop.
    sent = {(path, body) for _, path, _, body in new.seen}
    assert sent == {(path, body) for _, path, _, body in old.seen}
    assert sent <= {(f"/find?n={number}", f"body {number}".encode()) for number in range(20)}
    _, _, headers, _ = old.seen[0]
    assert headers["content-type"] == "text/plain"
    assert headers["host"] != "callers"
    assert [name for name in headers if name.startswith("x-strangler")] == []
    assert {headers["x-strangler-role"] for _, _, headers, _ in new.seen} == {"asked"}

    details = journal.load_histograms(evidence.run, "people.find")
    page = tmp_path / "run.html"
    write_html(evidence, plan.budgets["short"], page, details)
    assert "<svg" in page.read_text()
    assert "p99" in text(evidence, plan.budgets["short"], details)
    assert as_json(evidence, plan.budgets["short"], details)["new"]["requests"] == 80


def test_a_stall_is_charged_to_everybody_who_had_to_wait(old: System, new: System, journal: Journal) -> None:
    """Coordinated omission: a closed loop would see one slow request, the open schedule all that came meanwhile."""
    journal.append([journaled(1)])

    def stall() -> None:
        while not new.seen:
            time.sleep(0.01)
        time.sleep(0.8)
        with new.stall:
            time.sleep(1.0)

    threads: list[threading.Thread] = []

    def begin() -> None:
        for thread in threads:
            thread.join()
        new.seen.clear()
        threads.append(threading.Thread(target=stall))
        threads[-1].start()

    evidence = load(plan_for(old, new, rate=50, duration=3), journal, before_each=begin)
    threads[-1].join()
    assert evidence.new.p99_ms > 900
    assert evidence.new.p95_ms > 700
    assert evidence.old.p95_ms < evidence.new.p95_ms / 2


def test_waiting_for_a_free_connection_counts_too(old: System, new: System) -> None:
    """With two connections a stall lets only two requests wait at the server; the others wait at the generator."""
    arrivals = tuple(Arrival(offset, 0, number) for number, offset in enumerate(constant(50, 2)))
    sides = {side: SideJob(system.url, arrivals, 5.0) for side, system in ((Side.OLD, old), (Side.NEW, new))}
    call = Call("POST", "/find", (), b"")

    def stall() -> None:
        with new.stall:
            while not new.seen:
                time.sleep(0.01)
            time.sleep(1.0)

    thread = threading.Thread(target=stall)
    thread.start()
    result = launch(LoadJob("r", "people.find", (call,), sides, 0.0, 2.0, users=2), lambda _: None)
    thread.join()
    figures = {side: side_figures(part) for side, part in result.sides.items()}
    assert result.sides[Side.NEW].queued > 20
    assert figures[Side.NEW].p95_ms > 700
    assert figures[Side.OLD].p95_ms < figures[Side.NEW].p95_ms / 2


def test_failures_are_counted_by_kind_and_time_out(old: System, new: System, journal: Journal) -> None:
    old.status = 503
    journal.append([journaled(1)])
    with new.stall:
        evidence = load(plan_for(old, new, rate=20, duration=1, timeout=0.5), journal)
    details = decode_result(journal.load_histograms(evidence.run, "people.find") or b"")
    assert details.sides[Side.OLD].errors == {"status 503": 20}
    assert details.sides[Side.NEW].errors == {"timeout": 20}
    assert evidence.new.p50_ms >= 500


def test_refused_and_broken_connections_are_told_apart() -> None:
    def hang_up(server: socket.socket) -> None:
        with suppress(OSError):  # closing the server ends it
            while True:
                connection, _ = server.accept()
                connection.recv(1024)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as nobody:
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    arrivals = tuple(Arrival(offset, 0, number) for number, offset in enumerate(constant(10, 0.5)))
    with socket.create_server(("127.0.0.1", 0)) as rude:
        thread = threading.Thread(target=hang_up, args=(rude,), daemon=True)
        thread.start()
        broken = f"http://127.0.0.1:{rude.getsockname()[1]}"
        sides = {Side.OLD: SideJob(closed, arrivals, 2.0), Side.NEW: SideJob(broken, arrivals, 2.0)}
        job = LoadJob("r", "people.find", (Call("GET", "/find", (), b""),), sides, 0.0, 0.5, users=2)
        result = launch(job, lambda _: None)
        rude.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert {side: part.errors for side, part in result.sides.items()} == {
        Side.OLD: {"unreachable": 5},
        Side.NEW: {"reset": 5},
    }


def test_no_request_in_the_journal_is_refused(old: System, new: System, journal: Journal) -> None:
    journal.append([journaled(1, "people.move", Effect.WRITE)])
    with pytest.raises(Refused, match=r"no data: the journal holds no read request of people\.find"):
        load(plan_for(old, new), journal)
    assert old.seen == []


def test_a_target_that_names_another_host_is_never_sent(old: System, new: System, journal: Journal) -> None:
    journal.append([journaled(1, target="http://elsewhere.invalid/"), journaled(2, target="@elsewhere.invalid/")])
    with pytest.raises(Refused, match="2 were too large to keep, or not addressed by a path"):
        load(plan_for(old, new), journal)


def test_writes_go_only_when_told_with_fresh_keys(old: System, new: System, journal: Journal) -> None:
    headers = (("Idempotency-Key", "caller-1"),)
    journal.append([journaled(1, "people.move", Effect.WRITE, headers=headers)])
    plan = plan_for(old, new, rate=20, duration=1)
    with pytest.raises(Refused, match="sends reads only"):
        load(plan, journal, "people.move")
    with pytest.raises(Refused, match="policy never"):
        load(plan, journal, "people.never", include_writes=True)
    assert old.seen == []

    def forget() -> None:
        old.seen.clear()
        new.seen.clear()

    load(plan, journal, "people.move", before_each=forget, include_writes=True)
    keys = [headers["idempotency-key"] for _, _, headers, _ in (*old.seen, *new.seen)]
    assert len(set(keys)) == len(keys) == 44
    assert "caller-1" not in keys


def test_a_release_during_the_run_is_no_evidence(old: System, new: System, journal: Journal) -> None:
    journal.append([journaled(1)])

    def release() -> None:
        while len(new.seen) < 20:
            time.sleep(0.01)
        new.build = "new-2"

    thread = threading.Thread(target=release)
    thread.start()
    with pytest.raises(Refused, match=r"the new side answered with more than one build \(new-1, new-2\)"):
        load(plan_for(old, new), journal, attempts=1)
    thread.join()
    assert journal.loads() == []


@pytest.mark.skipif(sys.platform != "linux", reason="finds the generator's process in /proc")
def test_a_late_generator_is_told_from_slow_systems(old: System, new: System, journal: Journal) -> None:
    journal.append([journaled(1)])
    generators: list[int] = []

    def freeze(done: float) -> None:
        if done > 0.3 and not generators:
            children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
            generators.extend(pid for pid in map(int, children) if b"load_tests.runner" in command_of(pid))
            os.kill(generators[0], signal.SIGSTOP)
            time.sleep(0.5)
            os.kill(generators[0], signal.SIGCONT)

    with pytest.raises(Refused, match="the load generator itself was late"):
        load(plan_for(old, new), journal, attempts=1, on_progress=freeze)
    assert len(generators) == 1
    assert journal.loads() == []


def command_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_names_and_bounds_are_checked_first(old: System, new: System, journal: Journal) -> None:
    with pytest.raises(UsageError, match=r"no operation 'people.lose'"):
        load(plan_for(old, new), journal, "people.lose")
    journal.append([journaled(1)])
    with pytest.raises(UsageError, match="at most 200000"):
        load(plan_for(old, new, rate=1e6), journal)
    with pytest.raises(UsageError, match="longer than a run may be"):
        load(plan_for(old, new, duration=4000), journal)
