"""The process that runs one custom rule's function: it reads pairs of values, a line each, and answers a line each.

It is started on its own (``python -I custom_process.py SETTINGS``), imports nothing of ours, and trusts the function
with nothing: the pipes are out of its reach by their usual numbers, what it prints goes nowhere, its memory, its files
and its children are limited, and a timer ends the process where the worker that should do it is gone.

Lines are JSON in ASCII: ``[1, "old", null]`` is answered by ``[1, true]``, or ``[1, null, "why there is no answer"]``.
What goes wrong is told without any value: an exception's text may hold what nobody may see.
"""

import importlib
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final

MEMORY_BYTES: Final = 1 << 30
_GRACE_S = 2.0
"""How much longer than its limit a call may take before the process ends itself, because nobody else did."""


def _main() -> None:
    settings: dict[str, Any] = json.loads(sys.argv[1])
    lines, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    sys.path[:] = settings["path"]
    _limit("RLIMIT_AS", MEMORY_BYTES)
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_CORE", 0)
    signal.setitimer(signal.ITIMER_REAL, settings["start_s"] + _GRACE_S)
    owner = os.getpid()
    try:
        function, trouble = _loaded(settings), ""
    except BaseException as error:  # noqa: BLE001  whatever the module does at its import
        function, trouble = _nothing, str(error) if isinstance(error, _Unfit) else f"its import raised {_named(error)}"
    _end_unless(owner)
    _limit("RLIMIT_NPROC", 0)
    _say(answers, [0, not trouble, trouble])
    signal.setitimer(signal.ITIMER_REAL, 0)
    for line in lines:
        number, old, new = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, settings["within_s"] + _GRACE_S)
        answer = _answer(function, old, new)
        _end_unless(owner)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _say(answers, [number, *answer])


class _Unfit(Exception):
    """The function cannot be had."""


def _loaded(settings: dict[str, Any]) -> Callable[[str | None, str | None], object]:
    """The function, from the very bytes whose digest the plan names."""
    name, _, attribute = settings["function"].partition(":")
    content = Path(settings["source"]).read_bytes()
    found = sha256(content).hexdigest()[: len(settings["code"])]
    if found != settings["code"]:
        raise _Unfit(f"its code is {found} now, and the plan says {settings['code']}")
    package = name.rpartition(".")[0]
    if package:
        importlib.import_module(package)
    spec = importlib.util.spec_from_file_location(name, settings["source"])
    if spec is None:
        raise _Unfit("its module cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(content, settings["source"], "exec"), module.__dict__)  # noqa: S102  the plan's author's own code
    function = getattr(module, attribute, None)
    if not callable(function):
        raise _Unfit(f"its module has no function {attribute!r}")
    return function  # type: ignore[no-any-return]


def _answer(function: Callable[[str | None, str | None], object], old: str | None, new: str | None) -> list[object]:
    try:
        result = function(old, new)
    except BaseException as error:  # noqa: BLE001  exits and interrupts are its own too
        return [None, f"it raised {_named(error)}"]
    if isinstance(result, bool):
        return [result]
    return [None, f"it returned {type(result).__name__}, which is no bool"]


def _named(error: BaseException) -> str:
    """The exception's type and its line; never its text, which may hold values."""
    trace: TracebackType | None = error.__traceback__
    line = 0
    while trace is not None:
        line, trace = trace.tb_lineno, trace.tb_next
    return f"{type(error).__name__} in line {line}"


def _nothing(old: str | None, new: str | None) -> object:  # noqa: ARG001  it is never asked
    return None


def _end_unless(owner: int) -> None:
    """A copy that the function made of this process must not answer beside it."""
    if os.getpid() != owner:
        os._exit(0)


def _limit(what: str, most: int) -> None:
    try:
        import resource

        resource.setrlimit(getattr(resource, what), (most, most))
    except (ImportError, AttributeError, ValueError, OSError):
        return  # this system knows no such limit; the worker's own hold


def _say(answers: int, answer: list[object]) -> None:
    os.write(answers, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    _main()
