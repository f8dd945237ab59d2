"""The gateway as a process: how it starts, refuses and stops."""

import json
import signal
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest

PLAN = """
version: 1
programme: town
gateway: ${GATEWAY_URL}
systems:
  old: {department: d, speaks: http, url: "http://127.0.0.1:9", build: "1"}
  new: {department: d, speaks: http, url: "http://127.0.0.1:9", build: "2"}
operations:
  town.find:
    effect: read
    match: {method: GET, path: {value: /find}}
    key: {query: id}
    old: old
    new: {system: new, facade: "town_facades:find"}
"""
FACADES = """
from legacy_adapters.facade import JsonFacade
find = JsonFacade("/find", "/people")
"""


@pytest.fixture
def start(tmp_path, free_port):
    started = []

    def run(plan: str = PLAN) -> "subprocess.Popen[str]":
        (tmp_path / "migration.yaml").write_text(plan)
        (tmp_path / "town_facades.py").write_text(FACADES)
        state = tmp_path / ".strangler"
        state.mkdir()
        (state / "environment.json").write_text(json.dumps({"GATEWAY_URL": f"http://127.0.0.1:{free_port}"}))
        command = [sys.executable, "-m", "legacy_adapters", "--plan", "migration.yaml", "--port", str(free_port)]
        started.append(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_process_serves_and_stops_cleanly(start, free_port):
    process = start()
    until = time.monotonic() + 20
    told = None
    while told is None and time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{free_port}/-/builds") as answer:
                told = json.load(answer)
        except URLError:
            time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert told is not None
    assert told["town.find"]["old"] == "1"
    assert told["town.find"]["new"].startswith("2+facade.")


def test_process_refuses_a_plan_with_exit_code_2(start):
    process = start(PLAN.replace("town_facades:find", "town_facades:fnid"))
    assert process.wait(20) == 2
    assert process.stderr is not None
    told = process.stderr.read()
    assert "operations.town.find.new.facade" in told
    assert "did you mean town_facades:find?" in told
    assert "Traceback" not in told
