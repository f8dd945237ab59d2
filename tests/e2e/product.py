"""The product as a user has it: the installed command, small real services, and callers."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

STRANGLER = str(Path(sys.executable).with_name("strangler"))
LOW, HIGH = 12_000, 19_000
"""Ports that neither the supervisor nor the kernel gives away."""


def free_port() -> int:
    """A port nobody listens on; different for each test process."""
    start = LOW + (os.getpid() * 37 + time.monotonic_ns() // 1000) % (HIGH - LOW)
    for port in [*range(start, HIGH), *range(LOW, start)]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


def eventually(is_so: Callable[[], object], what: str, within_s: float = 60.0) -> None:
    """Wait for something that another process does."""
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, f"did not happen within {within_s:g} s: {what}"
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answers."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass
class Service:
    """A small real HTTP service: it records what it was asked, and can hang, vanish and come back on its port."""

    answer: Callable[[str, str, bytes], Reply]
    build: str | None = None
    port: int = field(default_factory=free_port)
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    hangs: bool = False
    _server: ThreadingHTTPServer | None = None
    _go_on: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "Service":
        """Listen."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one piece: two would wait for each other's acknowledgement

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                service.asked.append((self.command, self.path, body))
                if service.hangs and self.path != "/health":
                    service._go_on.wait(60)
                reply = Reply(200, b"{}") if self.path == "/health" else service.answer(self.command, self.path, body)
                with suppress(ConnectionError):
                    self.send_response(reply.status)
                    self.send_header("content-type", reply.content_type)
                    self.send_header("content-length", str(len(reply.body)))
                    if service.build is not None:
                        self.send_header("x-build-id", service.build)
                    self.end_headers()
                    self.wfile.write(reply.body)

            do_GET = do_POST = handle_any  # noqa: N815  the names that http.server looks for

            def handle(self) -> None:
                with suppress(ConnectionError):
                    super().handle()

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def __init__(self) -> None:
                self.open: set[socket.socket] = set()
                super().__init__(("127.0.0.1", service.port), Handler)

            def process_request(self, request: Any, client_address: Any) -> None:
                self.open.add(request)
                super().process_request(request, client_address)

            def shutdown_request(self, request: Any) -> None:
                self.open.discard(request)
                super().shutdown_request(request)

        self._go_on.clear()
        self._server = Server()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Vanish: nobody listens any more, and connections that were open are closed."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self._go_on.set()
        server.shutdown()
        server.server_close()
        for connection in list(getattr(server, "open", ())):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def hang(self) -> None:
        """From now on, take requests and answer none."""
        self._go_on.clear()
        self.hangs = True

    def wake(self) -> None:
        """Answer again, those that wait too."""
        self.hangs = False
        self._go_on.set()


@dataclass(frozen=True, slots=True)
class Heard:
    """What a caller got."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Caller:
    """Somebody who asks over one kept connection; every request is answered or raises."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Heard:
        """Ask, and hear the whole answer. Header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, target, body, named)
        answer = self._connection.getresponse()
        return Heard(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, target: str) -> Heard:
        """Ask for a page."""
        return self.ask("GET", target)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


def environment() -> dict[str, str]:
    """A user's environment: nothing of ours in it, lines not broken."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STRANGLER_")}
    return {**kept, "COLUMNS": "200", "NO_COLOR": "1"}


def strangler(*arguments: str, cwd: Path, within_s: float = 120.0) -> Said:
    """Run one command to its end, as typed in this folder."""
    done = subprocess.run(
        [STRANGLER, *arguments],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


class Up:
    """A running ``strangler up``, its output, and the processes under it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.arguments = arguments
        self._log = folder / "up.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [STRANGLER, *arguments],
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """Everything said so far."""
        return self._log.read_text("utf-8", "replace")

    def until_up(self, within_s: float = 120.0) -> None:
        """Wait until callers can come."""
        eventually(lambda: "up: callers talk to" in self.log or self.process.poll() is not None, "up", within_s)
        assert self.process.poll() is None, self.log

    @property
    def port(self) -> int:
        """The proxy's port, as told to the user."""
        found = re.search(r"callers talk to http://127\.0\.0\.1:(\d+)", self.log)
        assert found is not None, self.log
        return int(found[1])

    def family(self) -> set[int]:
        """The process ids of this ``up`` and of everything under it."""
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                children.setdefault(parent_of(int(entry.name)), []).append(int(entry.name))
        found, waiting = set(), [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.add(pid)
            waiting.extend(children.get(pid, ()))
        return found

    def running(self, verb: str) -> int:
        """The process id of one of our own processes, such as ``worker``."""
        found = [pid for pid in self.family() if command_of(pid)[1:4] == ["-m", "strangler", verb]]
        assert len(found) == 1, f"{verb}: {found}"
        return found[0]

    def interrupt(self, within_s: float = 30.0) -> int:
        """Ctrl-C; the exit code."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGINT)
        return self.process.wait(within_s)

    def end(self) -> None:
        """Whatever happened, leave nothing behind."""
        try:
            self.interrupt()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


@contextmanager
def up(folder: Path, *arguments: str) -> Iterator[Up]:
    """``strangler up`` in this folder, ready for callers, ended afterwards."""
    running = Up(folder, *(arguments or ("up",)))
    try:
        running.until_up()
        yield running
    finally:
        running.end()


def parent_of(pid: int) -> int:
    """A process's parent; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def command_of(pid: int) -> list[str]:
    """A process's command line; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
