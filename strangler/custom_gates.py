"""Asks the gates that the plan's author wrote: a function, or an HTTP hook. Each in a process of its own, in time.

::

    evidence ─► ask ─► JSON on a pipe ─► custom_gate_process ─► function(evidence), or POST to the hook
                 ▲                                                        │
                 └── what was answered, or why nothing was ◄── a line ◄───┘

A gate that loops, crashes, raises, prints or answers nonsense holds the move with NO DATA, and does nothing else: its
process is ended. No failure is ever a PASS.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable

import orjson

from strangler import custom_gate_process
from strangler.evidence import Evidence, Verdict
from strangler.gates.custom_gate import custom
from strangler.plan.gate_models import CustomGate
from strangler.rollout import Rollout

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
"""What a gate sees of our environment, which may hold secrets."""


def ask(gates: Iterable[CustomGate], evidence: Evidence, to: Rollout) -> tuple[Verdict, ...]:
    """What each custom gate says of a move, one after the other.

    Args:
        gates: the plan's entries.
        evidence: what the gates read; it holds counts, names and paths, and nothing of a caller.
        to: the rollout asked for.
    """
    return tuple(custom(gate, _answer(gate, evidence, to)) for gate in gates)


def _answer(gate: CustomGate, evidence: Evidence, to: Rollout) -> object:
    """What the gate answered, as plain values."""
    payload = {"name": gate.name, "operation": evidence.operation, "rollout": to.as_dict(), "evidence": evidence}
    settings = {
        "function": gate.function,
        "url": gate.url,
        "timeout_s": gate.timeout_s,
        "path": sys.path,
        "payload": payload,
    }
    try:
        sent = orjson.dumps(settings, default=_plain, option=orjson.OPT_NON_STR_KEYS)
        line = _run(sent, gate.timeout_s)
    except subprocess.TimeoutExpired:
        return {"trouble": f"it took longer than {gate.timeout_s:g} s"}
    except (OSError, TypeError) as error:
        return {"trouble": f"it could not be asked: {type(error).__name__}"}
    try:
        return json.loads(line)["answer"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {"trouble": "its process ended without an answer"}


def _run(sent: bytes, timeout_s: float) -> bytes:
    """Run the process to its end, and end whatever it started.

    Raises:
        TimeoutExpired: it took too long.
        OSError: it cannot be started.
    """
    process = subprocess.Popen(  # noqa: S603  our own interpreter and our own script
        [sys.executable, "-I", str(custom_gate_process.__file__)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        start_new_session=True,
    )
    with process:
        try:
            return process.communicate(sent, timeout_s)[0]
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                process.kill()


def _plain(value: object) -> object:
    if isinstance(value, Iterable):
        return dict(value) if hasattr(value, "keys") else list(value)
    return str(value)
