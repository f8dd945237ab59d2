"""The supervisor with real processes."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from strangler.cli.supervisor import ProcessSpec, ProcessState, Ready, Supervisor
from strangler.errors import Refused, SystemUnreachable, UsageError

SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ.get("WORD", "none").encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
print("listening")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def server(name: str, **more: object) -> ProcessSpec:
    fields: dict[str, object] = {
        "command": ("{python}", "-c", SERVER.replace("{", "{{").replace("}", "}}"), "{port}"),
        "ready": Ready(http="/health", within_s=20),
        "stop_s": 2,
        **more,
    }
    return ProcessSpec(name=name, **fields)


def script(name: str, code: str, **more: object) -> ProcessSpec:
    command = ("{python}", "-c", code.replace("{", "{{").replace("}", "}}"), "{state}", "{port}")
    return ProcessSpec(name=name, command=command, **more)


class Room:
    """A state folder, and every line that was logged."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.lines: list[tuple[str, str]] = []

    def supervisor(self, *specs: ProcessSpec, **environment: str) -> Supervisor:
        inherited = {**os.environ, **environment}
        return Supervisor(specs, state=self.state, environment=inherited, log=lambda *line: self.lines.append(line))

    def said(self, name: str) -> list[str]:
        return [line for who, line in self.lines if who == name]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def until(condition, within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        await asyncio.sleep(0.02)


async def test_processes_learn_each_others_addresses_and_start_in_order(room: Room) -> None:
    reader = script(
        "reader",
        "import os,sys,urllib.request as u; print(u.urlopen(os.environ['SHOP_URL']).read().decode())",
        once=True,
        after=("shop",),
    )
    shop = server("shop", provides={"SHOP_URL": "http://127.0.0.1:{port}/x"}, env={"WORD": "hello"})
    supervisor = room.supervisor(reader, shop)
    await supervisor.start()
    try:
        assert room.said("reader") == ["hello"]
        port = supervisor.port("shop")
        assert json.loads((room.state / "environment.json").read_text()) == {"SHOP_URL": f"http://127.0.0.1:{port}/x"}
        assert [(s.name, s.state) for s in supervisor.status()] == [
            ("reader", ProcessState.DONE),
            ("shop", ProcessState.UP),
        ]
    finally:
        await supervisor.stop()
    assert [s.pid for s in supervisor.status()] == [None, None]


async def test_stop_ends_grandchildren_too(room: Room) -> None:
    code = (
        "import subprocess,sys,time,os\n"
        "deaf='import signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(60)'\n"
        "p=subprocess.Popen([sys.executable,'-c',deaf])\n"
        "print(p.pid, flush=True); open(sys.argv[1]+'/up','w').close(); time.sleep(60)"
    )
    supervisor = room.supervisor(script("parent", code, ready=Ready(file="{state}/up"), stop_s=1))
    await supervisor.start()
    (pid,) = [status.pid for status in supervisor.status()]
    await until(lambda: room.said("parent"))
    grandchild = int(room.said("parent")[0])
    assert is_alive(grandchild)
    await supervisor.stop()
    await until(lambda: not is_alive(grandchild))
    assert not is_alive(pid)


async def test_a_process_deaf_to_sigterm_is_killed(room: Room) -> None:
    code = (
        "import signal,sys,time; signal.signal(15, signal.SIG_IGN); open(sys.argv[1]+'/up','w').close(); time.sleep(60)"
    )
    supervisor = room.supervisor(script("deaf", code, ready=Ready(file="{state}/up"), stop_s=0.2))
    await supervisor.start()
    await supervisor.stop()
    assert room.said("deaf") == ["did not stop within 0.2 s: killed"]


async def test_a_crash_at_start_tells_the_last_lines(room: Room) -> None:
    supervisor = room.supervisor(
        server("fine"), script("broken", "print('no such table'); raise SystemExit(3)", ready=Ready(tcp=True))
    )
    with pytest.raises(SystemUnreachable) as caught:
        await supervisor.start()
    assert caught.value.system == "broken"
    assert "ended (exit code 3)" in str(caught.value)
    assert "    no such table" in str(caught.value).splitlines()
    assert [s.pid for s in supervisor.status()] == [None, None]


async def test_one_that_is_never_ready_is_named_with_its_last_lines(room: Room) -> None:
    code = "import time; print('thinking', flush=True); time.sleep(60)"
    supervisor = room.supervisor(script("slow", code, ready=Ready(tcp=True, within_s=1.0)))
    with pytest.raises(SystemUnreachable, match=r"slow: gave no sign within 1 s; waited for conn(?s:.*)thinking"):
        await supervisor.start()
    assert [s.state for s in supervisor.status()] == [ProcessState.FAILED]


async def test_a_command_that_does_not_exist_is_named(room: Room) -> None:
    supervisor = room.supervisor(ProcessSpec(name="ghost", command=("/no/such/program",), ready=Ready(tcp=True)))
    with pytest.raises(SystemUnreachable, match="cannot run /no/such/program"):
        await supervisor.start()


async def test_a_taken_port_is_refused_by_name(room: Room) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        supervisor = room.supervisor(server("shop", port=port))
        with pytest.raises(Refused, match=f"shop: port {port} is taken"):
            await supervisor.start()


async def test_a_cycle_is_refused_by_name(room: Room) -> None:
    supervisor = room.supervisor(server("a", after=("b",)), server("b", after=("a",)))
    with pytest.raises(UsageError, match=r"wait for each other: (a -> b -> a|b -> a -> b)"):
        await supervisor.start()
    assert [s.pid for s in supervisor.status()] == [None, None]


async def test_an_unknown_placeholder_is_refused_before_anything_starts(room: Room) -> None:
    supervisor = room.supervisor(
        server("shop", provides={"SHOP_URL": "http://127.0.0.1:{port}"}), server("b", env={"X": "{SHOP_URI}"})
    )
    with pytest.raises(UsageError, match=r"b.env.X: \{SHOP_URI\} is unknown; did you mean \{SHOP_URL\}\?"):
        await supervisor.start()
    assert room.lines == []


async def test_one_that_dies_is_started_again_on_its_port(room: Room) -> None:
    supervisor = room.supervisor(server("shop"))
    await supervisor.start()
    try:
        (before,) = supervisor.status()
        os.kill(before.pid, signal.SIGKILL)
        await until(lambda: supervisor.status()[0].restarts == 1 and supervisor.status()[0].state is ProcessState.UP)
        (after,) = supervisor.status()
        assert after.port == before.port
        assert after.pid != before.pid
        assert any(line.startswith("died: SIGKILL; start 1 of 5") for line in room.said("shop"))
    finally:
        await supervisor.stop()


async def test_one_that_keeps_dying_is_given_up(room: Room) -> None:
    supervisor = room.supervisor(script("moody", "print('hm')", restarts=2))
    await supervisor.start()
    try:
        await asyncio.wait_for(supervisor.gave_up.wait(), 10)
        assert [(s.state, s.restarts) for s in supervisor.status()] == [(ProcessState.FAILED, 2)]
        assert room.said("moody")[-1] == "died: exit code 0; given up after 2 starts"
    finally:
        await supervisor.stop()


async def test_one_without_limit_is_tried_again_for_ever_and_said_to_be_down(room: Room) -> None:
    supervisor = room.supervisor(script("moody", "print('hm')", restarts=None))
    await supervisor.start()
    try:
        await until(lambda: supervisor.status()[0].restarts >= 5)
        assert not supervisor.gave_up.is_set()
        assert "IS DOWN, the others go on: exit code 0; start 4 in 1.6 s" in room.said("moody")
    finally:
        await supervisor.stop()


async def test_an_optional_one_that_does_not_come_up_keeps_nobody_from_starting(room: Room) -> None:
    broken = script("gateway", "raise SystemExit(2)", ready=Ready(tcp=True), optional=True, restarts=None)
    supervisor = room.supervisor(broken, server("proxy", after=("gateway",)))
    await supervisor.start()
    try:
        states = {status.name: status.state for status in supervisor.status()}
        assert states["proxy"] is ProcessState.UP
        assert states["gateway"] is not ProcessState.UP
        await until(lambda: supervisor.status()[0].restarts >= 2)
        assert not supervisor.gave_up.is_set()
    finally:
        await supervisor.stop()


async def test_an_optional_one_that_is_given_up_ends_nothing(room: Room) -> None:
    supervisor = room.supervisor(script("moody", "print('hm')", restarts=1, optional=True), server("proxy"))
    await supervisor.start()
    try:
        await until(lambda: room.said("moody")[-1:] == ["IS DOWN, the others go on"])
        assert not supervisor.gave_up.is_set()
        assert [status.state for status in supervisor.status()] == [ProcessState.FAILED, ProcessState.UP]
    finally:
        await supervisor.stop()


async def test_replace_keeps_the_port(room: Room) -> None:
    provides = {"SHOP_URL": "http://127.0.0.1:{port}"}
    supervisor = room.supervisor(server("shop", provides=provides, env={"WORD": "one"}))
    await supervisor.start()
    try:
        port = supervisor.port("shop")
        status = await supervisor.replace("shop", server("shop", provides=provides, env={"WORD": "two"}))
        assert (status.port, status.restarts) == (port, 0)
        _, out = await _get(port)
        assert out == "two"
        assert supervisor.environment == {"SHOP_URL": f"http://127.0.0.1:{port}"}
    finally:
        await supervisor.stop()


async def test_add_run_once_and_stop_process(room: Room) -> None:
    supervisor = room.supervisor(server("shop", provides={"SHOP_URL": "http://127.0.0.1:{port}"}))
    await supervisor.start()
    try:
        added = await supervisor.add(server("till", after=("shop",), provides={"TILL_URL": "t:{port}"}))
        assert supervisor.environment["TILL_URL"] == f"t:{added.port}"
        await supervisor.run_once(script("seed", "import os; print(os.environ['TILL_URL'])"))
        assert room.said("seed") == [f"t:{added.port}"]
        with pytest.raises(SystemUnreachable, match="exit code 7"):
            await supervisor.run_once(script("seed", "raise SystemExit(7)"))
        await supervisor.stop_process("till")
        assert not is_alive(added.pid)
        assert (await supervisor.start_process("till")).port == added.port
        assert [s.name for s in supervisor.status()] == ["shop", "till"]
    finally:
        await supervisor.stop()


async def test_a_line_without_end_and_bytes_that_are_not_utf8_are_logged(room: Room) -> None:
    code = "import sys; sys.stdout.buffer.write(b'x'*200000 + b'\\n\\xe9\\nlast')"
    supervisor = room.supervisor(script("noisy", code, once=True))
    await supervisor.start()
    await supervisor.stop()
    said = room.said("noisy")
    assert "".join(said[:-2]) == "x" * 200_000
    assert said[-2:] == ["\ufffd", "last"]


async def _get(port: int) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), body.decode()


# -- a supervisor that is a process of its own -------------------------------------------------------------------------

PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from strangler.cli.supervisor import PrefixedLog, Supervisor, load_processes, supervise
from strangler.errors import Refused
from strangler.state import StateFolder

async def main(state):
    specs = load_processes(state / "processes.yaml").specs()
    log = PrefixedLog(spec.name for spec in specs)
    supervisor = Supervisor(specs, state=state, environment=dict(os.environ), log=log)
    async def once_up():
        print("UP", *(status.pid for status in supervisor.status()), flush=True)
    return await supervise(supervisor, lock=StateFolder(state).lock("up"), once_up=once_up)

try:
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
except Refused as refused:
    sys.exit(str(refused))
"""

FAMILY = """
processes:
  parent:
    command: ["{python}", "{here}/family.py", "{state}"]
    ready: {file: "{state}/grandchild"}
  plain:
    command: ["sleep", "60"]
"""

FAMILY_CODE = """
import os, pathlib, subprocess, sys, time
deaf = "import signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", deaf])
state = pathlib.Path(sys.argv[1])
(state / "part").write_text(str(child.pid)); (state / "part").rename(state / "grandchild")
time.sleep(60)
"""


def start_family(state: Path) -> tuple[subprocess.Popen[str], list[int]]:
    (state / "processes.yaml").write_text(FAMILY)
    (state / "family.py").write_text(FAMILY_CODE)
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(state)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    line = next(line for line in program.stdout if line.startswith("UP"))
    pids = [int(word) for word in line.split()[1:]] + [int((state / "grandchild").read_text())]
    assert [is_alive(pid) for pid in pids] == [True, True, True]
    return program, pids


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_leaves_nothing_running(tmp_path: Path, number: int) -> None:
    program, pids = start_family(tmp_path)
    program.send_signal(number)
    assert program.wait(15) == 0
    program.stdout.close()
    await until(lambda: not any(is_alive(pid) for pid in pids))


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
async def test_kill_9_of_the_supervisor_leaves_nothing_running(tmp_path: Path) -> None:
    program, pids = start_family(tmp_path)
    program.kill()
    assert program.wait(5) == -signal.SIGKILL
    program.stdout.close()
    await until(lambda: not any(is_alive(pid) for pid in pids))


async def test_a_second_start_on_the_same_state_is_refused_by_name(tmp_path: Path) -> None:
    program, pids = start_family(tmp_path)
    second = subprocess.run(  # noqa: ASYNC221  nothing else runs in this loop
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert second.returncode == 1
    assert str(program.pid) in second.stderr
    assert "UP" not in second.stdout
    program.send_signal(signal.SIGINT)
    assert program.wait(15) == 0
    program.stdout.close()
    await until(lambda: not any(is_alive(pid) for pid in pids))


def start_one_that_is_never_ready(state: Path) -> tuple[subprocess.Popen[str], int]:
    (state / "processes.yaml").write_text(
        "processes:\n  never:\n    command: [sh, -c, 'echo pid $$; exec sleep 60']\n    ready: {tcp: true}\n"
    )
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(state)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    return program, int(next(line for line in program.stdout if "pid" in line).split()[-1])


async def test_ctrl_c_while_starting_leaves_nothing_running(tmp_path: Path) -> None:
    program, pid = start_one_that_is_never_ready(tmp_path)
    assert is_alive(pid)
    program.send_signal(signal.SIGINT)
    assert program.wait(15) == 0
    program.stdout.close()
    await until(lambda: not is_alive(pid))
