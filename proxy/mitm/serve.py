"""Several engines on one port, under one parent: the kernel spreads the callers (SO_REUSEPORT)."""

import logging
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from proxy.mitm.engine import DRAIN_S, run_engine
from proxy.mitm.listener import bound_socket
from strangler.errors import StranglerError, UsageError
from strangler.state import StateFolder

log = logging.getLogger(__name__)

RESTART_AFTER_S = 1.0
STOP_S = DRAIN_S + 15.0


def serve(plan_path: Path, state: StateFolder, host: str, port: int, *, processes: int = 1) -> None:
    """Run the embedded engine until SIGTERM or SIGINT. Call it from the main thread.

    Args:
        plan_path: the plan; a change takes effect without a dropped connection.
        state: the state folder: journal, rollouts, hold.
        host: address to listen on.
        port: port to listen on.
        processes: how many engines share the port.

    Raises:
        PlanError: the plan cannot be used.
        UsageError: the address cannot be listened on.
    """
    if processes <= 1:
        run_engine(plan_path, state, host, port)
    else:
        _supervise(plan_path, state, host, port, processes)


def _supervise(plan_path: Path, state: StateFolder, host: str, port: int, processes: int) -> None:
    try:
        reserved = bound_socket(host, port, is_shared=True)  # bound, never listening: it only keeps the port ours
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    command = [sys.executable, "-m", "proxy.mitm", "--plan", str(plan_path), "--state", str(state.path)]
    command += ["--host", host, "--port", str(reserved.getsockname()[1]), "--one-of", str(processes)]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    children = [subprocess.Popen(command) for _ in range(processes)]  # noqa: S603  our own interpreter and module
    first = {child.pid for child in children}
    try:
        while not stop.wait(0.2):
            if any(child.poll() == 2 and child.pid in first for child in children):
                raise StranglerError("an engine process refused to start; its message is above")
            children = [_kept_alive(child, command, stop) for child in children]
    finally:
        _end(children)
        reserved.close()


def _kept_alive(
    child: "subprocess.Popen[bytes]", command: list[str], stop: threading.Event
) -> "subprocess.Popen[bytes]":
    if child.poll() is None:
        return child
    log.error("engine process %d ended with %s: another is started", child.pid, child.returncode)
    if stop.wait(RESTART_AFTER_S):
        return child
    return subprocess.Popen(command)  # noqa: S603  our own interpreter and module


def _end(children: "list[subprocess.Popen[bytes]]") -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    end = time.monotonic() + STOP_S
    for child in children:
        try:
            child.wait(timeout=max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("engine process %d did not stop in time: killed", child.pid)  # noqa: TRY400
            child.kill()
            child.wait()
