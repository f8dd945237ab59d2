"""The HTTP listener under both web systems: the standard library's threaded server, kept lean.

A system gives an ``answer`` function from call to reply; this module reads the one and writes the other, and obeys the
switches in the system's data folder.
"""

import json
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BODY_LIMIT_BYTES = 1_048_576
SWITCHES_READ_EVERY_S = 0.1

log = logging.getLogger("estate")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: header names in lower case, ``target`` with its query, the whole body."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Switches:
    """What the people who run the system may switch: ``down`` is the batch window, ``slow_ms`` a wait per answer."""

    down: bool = False
    slow_ms: float = 0.0


@dataclass(slots=True)
class SwitchFile:
    """The switches as a file says them. A file that is missing or unreadable switches nothing."""

    path: Path
    _read_at: float = 0.0
    _now: Switches = field(default_factory=Switches)

    def current(self) -> Switches:
        """The switches, at most 0.1 s old."""
        now = time.monotonic()
        if now - self._read_at > SWITCHES_READ_EVERY_S:
            self._read_at = now
            self._now = self._read()
        return self._now

    def _read(self) -> Switches:
        try:
            said = json.loads(self.path.read_bytes())
            return Switches(bool(said.get("down", False)), float(said.get("slow_ms", 0.0)))
        except FileNotFoundError:
            return Switches()
        except (OSError, ValueError, AttributeError, TypeError) as error:
            log.warning("%s is not read: %s", self.path, error)
            return Switches()


UNAVAILABLE = Reply(
    503,
    "text/html; charset=UTF-8",
    b"<html><head><title>Service unavailable</title></head><body><h1>Service unavailable</h1>"
    b"<p>The overnight batch is running. Please try again after 06:00.</p></body></html>",
    (("retry-after", "3600"),),
)
HEALTHY = Reply(200, "text/plain; charset=UTF-8", b"up\n")

REASONS = {status.value: status.phrase for status in HTTPStatus}


class Listener(ThreadingHTTPServer):
    """A thread for each connection, connections kept open, a backlog that a burst fits into."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], build: str, switches: SwitchFile, answer: Callable[[Call], Reply]):
        self.build = build
        self.switches = switches
        self.answer = answer
        super().__init__(address, _Conversation)

    def reply(self, call: Call) -> Reply:
        """The answer to one call, with the switches obeyed. ``/health`` obeys none."""
        if call.target == "/health":
            return HEALTHY
        switches = self.switches.current()
        if switches.slow_ms:
            time.sleep(switches.slow_ms / 1000)
        return UNAVAILABLE if switches.down else self.answer(call)

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that went away is no news; anything else is logged, and the other callers are served."""
        gone = isinstance(sys.exception(), ConnectionError | TimeoutError)
        log.log(
            logging.DEBUG if gone else logging.ERROR,
            "%s of %s ended in an error",
            request,
            client_address,
            exc_info=True,
        )

    def server_bind(self) -> None:
        """As the base class does, but without asking the name service for this host's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Conversation(BaseHTTPRequestHandler):
    """One connection. The whole answer goes out in one write."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 600
    server: Listener

    def do_GET(self) -> None:
        self._converse()

    def do_POST(self) -> None:
        self._converse()

    def _converse(self) -> None:
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY_LIMIT_BYTES or "transfer-encoding" in self.headers:
            self.send_error(413 if length.isdecimal() else 411)
            self.close_connection = True
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            reply = self.server.reply(Call(self.command, self.path, headers, body))
        except Exception:
            log.exception("%s %s failed", self.command, self.path)
            reply = Reply(500, "text/html; charset=UTF-8", b"<html><title>Application error</title></html>")
        self.wfile.write(self._head(reply) + reply.body)

    def _head(self, reply: Reply) -> bytes:
        lines = [
            f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Other')}",
            f"server: {self.server.build}",
            f"date: {self.date_time_string()}",
            f"content-type: {reply.content_type}",
            f"content-length: {len(reply.body)}",
            *(f"{name}: {value}" for name, value in reply.headers),
            *(("connection: close",) if self.close_connection else ()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        log.debug(format, *args)


def serve_until_stopped(listener: Listener) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are not waited for."""

    def stop(_signal: int, _frame: object) -> None:
        threading.Thread(target=listener.shutdown, name="stop", daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("%s listens on port %s", listener.build, listener.server_port)
    try:
        listener.serve_forever(poll_interval=0.1)
    finally:
        listener.server_close()
