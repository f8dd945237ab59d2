"""gateway, worker, guard, console, serve: each starts on a free port, and ends cleanly when it is told to."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest


@pytest.fixture
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def start(programme) -> Iterator[object]:
    """Starts a verb as a process of its own; what is left running at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def run(verb: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "strangler", verb, *options, "--plan", str(programme.plan)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until_it_listens(process: subprocess.Popen[bytes], port: int, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    if process.poll() is None:
        process.kill()
    raise AssertionError(process.communicate()[1].decode())


@pytest.mark.parametrize(("verb", "path"), [("gateway", "/-/health"), ("console", "/health"), ("serve", None)])
def test_listening_verb_serves_and_ends_on_sigterm(start, port: int, verb: str, path: str | None) -> None:
    process = start(verb, "--port", str(port))
    until_it_listens(process, port)
    if path is not None:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            assert answer.status == 200
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, b"Traceback" in out + err) == (0, False), err.decode()


@pytest.mark.parametrize(("verb", "makes"), [("worker", "journal.db"), ("guard", "rollouts.json")])
def test_watching_verb_ends_on_sigint(programme, start, verb: str, makes: str) -> None:
    process = start(verb)
    made = programme.session.state.path / makes
    deadline = time.monotonic() + 30
    while not made.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, b"Traceback" in out + err) == (0, False), err.decode()


@pytest.mark.parametrize("verb", ["serve", "gateway", "worker", "guard", "console"])
def test_serving_verb_refuses_a_broken_plan_in_words(programme, start, verb: str) -> None:
    programme.change_plan("effect: read", "efect: read")
    process = start(verb)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, b"Traceback" in out + err) == (2, False), err.decode()
    assert b"did you mean 'effect'?" in err


def break_store(name: str, folder: Path) -> None:
    for path in folder.glob(f"{name}.db*"):
        path.unlink()
    (folder / f"{name}.db").write_bytes(b"x" * 4096 * 30)


@pytest.mark.parametrize("what", ["journal", "ledger", "environment", "plan"])
def test_serve_starts_again_with_something_of_ours_broken(programme, start, port: int, what: str) -> None:
    process = start("serve", "--port", str(port))
    until_it_listens(process, port)
    process.kill()
    process.communicate(timeout=20)
    folder = programme.session.state.path
    if what in ("journal", "ledger"):
        programme.session.close()
        break_store(what, folder)
    elif what == "environment":
        (folder / "environment.json").write_text("garb")
    else:
        programme.change_plan("effect: read", "efect: read")
    process = start("serve", "--port", str(port))
    until_it_listens(process, port)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, b"Traceback" in out + err) == (0, False), err.decode()
