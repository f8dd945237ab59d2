"""Custom rules: a function of the plan's author decides whether two values are equal. It runs in a process of its own.

::

    comparison ─► CustomFunctions.of(rule) ─► a line over a pipe ─► custom_process ─► function(old, new)
                        ▲                                                                  │
                        └── True, False, or RuleFailed: never late, never more than a line ◄┘

A function that loops, crashes, raises, prints, forks or answers no bool costs its exchange a ``not_compared`` that
names the rule, and nothing else: the process is ended and, for the next value, started again; where that happens over
and over a breaker leaves the function alone for a while. So does code whose digest is not the plan's: other code would
be other evidence.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Final

from parity_checks.breaker import Breaker
from parity_checks.rules import custom_process
from parity_checks.rules.compiled import Function, RuleFailed
from parity_checks.rules.source_code import digest_of, find_source
from strangler.plan.comparison import CustomRule, Rule

START_S: Final = 5.0
"""How long a process may take until it has imported its function."""

MOST_CHARACTERS: Final = 100_000
"""Longest value given to a function."""

MOST_ALIVE: Final = 8
"""Most processes kept; the one not asked for longest goes first."""

_LONGEST_ANSWER = 4_096
_THREADS = 4
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
"""What a function sees of the worker's environment, which may hold secrets."""


class CustomFunctions:
    """Every custom function that a worker uses, each in a process that is started when first needed.

    ``threads`` is where comparisons with custom rules belong: they wait for pipes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.threads = ThreadPoolExecutor(_THREADS, "custom rules")
        self._clock = clock
        self._lock = Lock()
        self._functions: dict[tuple[str, str, int], _CustomFunction] = {}
        self._alive: OrderedDict[_CustomFunction, None] = OrderedDict()

    def of(self, rules: tuple[Rule, ...]) -> Mapping[int, Function]:
        """The functions of an operation's custom rules, by the rule's index. Nothing is started yet."""
        return {index: self._function(rule) for index, rule in enumerate(rules) if isinstance(rule, CustomRule)}

    def _function(self, rule: CustomRule) -> Function:
        key = (rule.function, rule.code, rule.within_ms)
        with self._lock:
            function = self._functions.get(key)
            if function is None:
                function = self._functions[key] = _CustomFunction(rule, self._clock, self._used)
        return function

    def _used(self, function: "_CustomFunction") -> None:
        """A function has a process now; the one that was not asked for longest may have to give up its own."""
        with self._lock:
            self._alive[function] = None
            self._alive.move_to_end(function)
            spare = list(self._alive)[:-MOST_ALIVE]
        for other in spare:
            if other.rest():
                with self._lock:
                    self._alive.pop(other, None)

    @property
    def starts(self) -> int:
        """How many processes have been started."""
        return sum(function.starts for function in self._functions.values())

    def close(self) -> None:
        """End every process, and wait for those that compare."""
        self.threads.shutdown(cancel_futures=True)
        for function in self._functions.values():
            function.close()


class _CustomFunction:
    """One function; one value at a time."""

    def __init__(self, rule: CustomRule, clock: Callable[[], float], used: "Callable[[_CustomFunction], None]") -> None:
        self.starts = 0
        self._rule = rule
        self._clock = clock
        self._used = used
        self._lock = Lock()
        self._breaker = Breaker()
        self._process: _Process | None = None
        self._why = ""

    def __call__(self, old: str | None, new: str | None) -> bool:
        if max(len(old or ""), len(new or "")) > MOST_CHARACTERS:
            raise self._failed(f"it was not asked: a value is longer than {MOST_CHARACTERS} characters")
        with self._lock:
            if not self._breaker.may_ask(self._clock()):
                raise self._failed(f"it is left alone for a while: {self._why}")
            try:
                process = self._running()
                answer = process.ask([old, new], self._rule.within_ms / 1000)
            except _Ended as ended:
                self._end()
                self._why = str(ended)
                self._breaker.failed(self._clock())
                raise self._failed(str(ended)) from None
            except BaseException:
                self._end()
                self._breaker.forgot()
                raise
            self._breaker.succeeded()
        match answer:
            case [bool() as is_equal]:
                return is_equal
            case [None, str() as why]:
                raise self._failed(why)
            case _:
                raise self._failed("it answered for itself, past the process that asks it")

    def _running(self) -> "_Process":
        process = self._process
        if process is None:
            source = self._source()
            self.starts += 1
            process = self._process = _Process(self._rule, source)
            ready = process.answer(START_S, "it was not ready within {} s")
            if ready[:1] != [True]:
                raise _Ended(str(ready[1] if len(ready) > 1 else "it was not ready"))
        self._used(self)
        return process

    def _source(self) -> Path:
        """The module's file, if it is the one that the plan means."""
        module = self._rule.function.partition(":")[0]
        source = find_source(module)
        if source is None:
            raise self._failed(f"there is no module {module!r} on the Python path")
        try:
            found = digest_of(source.read_bytes())
        except OSError as error:
            raise self._failed(f"its module cannot be read: {error.strerror}") from error
        if found != self._rule.code:
            raise self._failed(f"its code is {found} now, and the plan says {self._rule.code}")
        return source

    def _failed(self, why: str) -> RuleFailed:
        return RuleFailed(f"custom rule {self._rule.path} ({self._rule.function}): {why}")

    def rest(self) -> bool:
        """Give up the process, unless it is being asked just now."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._end()
        finally:
            self._lock.release()
        return True

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()


class _Ended(Exception):
    """The process is of no more use: it was late, is gone, or says what it should not."""


class _Process:
    """A running ``custom_process`` and its two pipes."""

    def __init__(self, rule: CustomRule, source: Path) -> None:
        settings = {
            "function": rule.function,
            "source": str(source),
            "code": rule.code,
            "path": sys.path,
            "start_s": START_S,
            "within_s": rule.within_ms / 1000,
        }
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and our own script
                [sys.executable, "-I", str(custom_process.__file__), json.dumps(settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise _Ended(f"its process cannot be started: {error.strerror}") from error
        assert self._process.stdin is not None  # noqa: S101  both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._number = 0
        self._read = b""

    def ask(self, values: list[str | None], within_s: float) -> list[object]:
        """What the function says of two values."""
        self._number += 1
        deadline = time.monotonic() + within_s
        late = f"it took longer than {within_s * 1000:.0f} ms"
        line = memoryview(json.dumps([self._number, *values]).encode() + b"\n")
        while line:
            self._wait(self._to, select.POLLOUT, deadline, late)
            try:
                line = line[os.write(self._to, line) :]
            except OSError as error:
                raise _Ended("it ended its process") from error
        return self._answer(deadline, late)

    def answer(self, within_s: float, late: str) -> list[object]:
        """What the process says once it is ready."""
        return self._answer(time.monotonic() + within_s, late.format(f"{within_s:g}"))

    def _answer(self, deadline: float, late: str) -> list[object]:
        while b"\n" not in self._read:
            if len(self._read) > _LONGEST_ANSWER:
                raise _Ended("it answered for itself, past the process that asks it")
            self._wait(self._from, select.POLLIN, deadline, late)
            more = os.read(self._from, _LONGEST_ANSWER)
            if not more:
                raise _Ended("it ended its process")
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, list) or answer[:1] != [self._number] or self._read:
            raise _Ended("it answered for itself, past the process that asks it")
        return answer[1:]

    @staticmethod
    def _wait(pipe: int, until: int, deadline: float, late: str) -> None:
        poll = select.poll()
        poll.register(pipe, until)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise _Ended(late)

    def end(self) -> None:
        """End it and whatever it started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()
