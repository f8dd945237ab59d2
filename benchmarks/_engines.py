"""What the engine's figures share: systems, engines, stock mitmdump and a load, each a process on a core of its own."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

BODY = (
    '{"nino":"QQ123456C","name":"Ada Lovelace","weekly":"173.20","from":"2026-04-06","address":{"line":"1 High Street",'
    '"town":"Leeds","postcode":"LS1 1AA"},"payments":[{"on":"2026-05-01","amount":"692.80"},'
    '{"on":"2026-06-01","amount":"692.80"},{"on":"2026-07-01","amount":"692.80"}]}'
)

_NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; client_max_body_size 0;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location / {{ default_type application/json; return 200 '{body}'; }} }} }}
"""

_PLAN = """
version: 1
programme: bench
systems:
  old-records: {{department: a, speaks: http, url: "http://127.0.0.1:{old}", timeout_s: 30}}
  new-records: {{department: b, speaks: http, url: "http://127.0.0.1:{new}", timeout_s: 2}}
operations:
  records.get:
    effect: read
    match: {{method: GET, path: {{type: PathPrefix, value: /records}}}}
    old: old-records
    new: new-records
    key: {{path: "^/records/([^/?]+)"}}
  records.upload:
    effect: read
    match: {{method: PUT, path: {{type: PathPrefix, value: /uploads}}}}
    old: old-records
    new: new-records
people:
  ada: {{roles: [approver]}}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a load run gave: answers per second, the 99th percentile in milliseconds, and what went wrong."""

    rps: float
    p99_ms: float
    errors: int


class Processes:
    """Child processes, each bound to cores, all ended with the ``with`` block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, command: Sequence[str], cores: set[int], *, name: str) -> "subprocess.Popen[bytes]":
        """Start a process on these cores."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509
            )
        self._running.append(process)
        return process

    def nginx(self, port: int, cores: set[int]) -> None:
        """A system that answers everything with the same 400 bytes."""
        folder = self.folder / f"nginx-{port}"
        folder.mkdir()
        conf = folder / "nginx.conf"
        conf.write_text(_NGINX.format(folder=folder, port=port, body=BODY))
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self.start([nginx, "-c", str(conf)], cores, name=f"nginx-{port}")
        until_listening(port)

    def engine(self, port: int, plan: Path, state: Path, cores: set[int], *, processes: int = 1) -> int:
        """The embedded engine; its process id."""
        command = [sys.executable, "-m", "proxy.mitm", "--plan", str(plan), "--state", str(state), "--port", str(port)]
        process = self.start([*command, "--processes", str(processes)], cores, name=f"engine-{port}")
        until_listening(port)
        return process.pid

    def mitmdump(self, port: int, system: int, cores: set[int]) -> int:
        """Stock mitmdump in reverse mode, without an addon."""
        mitmdump = str(Path(sys.executable).with_name("mitmdump"))
        mode = f"reverse:http://127.0.0.1:{system}"
        process = self.start([mitmdump, "-q", "--mode", mode, "-p", str(port)], cores, name=f"mitmdump-{port}")
        until_listening(port)
        return process.pid

    def stop(self) -> None:
        """End them, last started first."""
        for process in reversed(self._running):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self._running):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def processes() -> Iterator[Processes]:
    """A folder of its own, and processes that end with the block."""
    with tempfile.TemporaryDirectory(prefix="strangler-bench-") as folder:
        running = Processes(Path(folder))
        try:
            yield running
        finally:
            running.stop()


def write_plan(folder: Path, old: int, new: int) -> Path:
    """A plan with one operation between two systems."""
    path = folder / "migration.yaml"
    path.write_text(_PLAN.format(old=old, new=new))
    return path


def load(port: int, cores: set[int], *, seconds: int = 4, connections: int = 16) -> Load:
    """Load a port with wrk on these cores."""
    wrk = shutil.which("wrk") or "/usr/bin/wrk"
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{port}/records/7"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, cores)
    )
    out = done.stdout
    rps = float(re.findall(r"Requests/sec:\s+([\d.]+)", out)[0])
    value, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)", out)[0]
    errors = sum(int(count) for count in re.findall(r"Non-2xx or 3xx responses: (\d+)", out))
    errors += sum(int(count) for line in re.findall(r"Socket errors: (.*)", out) for count in re.findall(r"\d+", line))
    return Load(rps, float(value) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit], errors)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def until_listening(port: int, within_s: float = 60.0) -> None:
    """Wait until somebody accepts on this port."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def cores() -> tuple[set[int], set[int]]:
    """One core for what is measured, the others for the load and the systems (the same one where there is only one)."""
    available = sorted(os.sched_getaffinity(0))
    return {available[0]}, set(available[1:]) or {available[0]}
