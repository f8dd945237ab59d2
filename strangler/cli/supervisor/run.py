"""One process's life under the supervisor: come up, be watched, die and come again, be stopped."""

import asyncio
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from strangler.cli.supervisor.child import Child, Log
from strangler.cli.supervisor.guardian import Guardian
from strangler.cli.supervisor.placeholders import fill
from strangler.cli.supervisor.processes import ProcessSpec, Ready
from strangler.cli.supervisor.readiness import until_ready
from strangler.cli.supervisor.settings import builtins, command_and_environment
from strangler.cli.supervisor.watchdog import signal_group
from strangler.errors import SystemUnreachable

_ONCE = Ready(exit=0, within_s=600.0)
_BACKOFF_S, _BACKOFF_MOST_S = 0.2, 5.0
_MOST_DOUBLINGS = 10
_LOUD_AFTER = 3
"""From this many starts on, one that may be started without limit is said to be down."""
_STEADY_S = 60.0
"""Once a process was up for so long, earlier deaths no longer count against its limit."""


class ProcessState(StrEnum):
    """Where a process is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    UP = "up"
    DONE = "done"
    RESTARTING = "restarting"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process as it is now; ``pid`` is ``None`` where none runs."""

    name: str
    state: ProcessState
    pid: int | None
    port: int
    restarts: int = 0


@dataclass(slots=True)
class Surroundings:
    """What all processes of one supervisor share. ``variables`` grows as processes are added."""

    state: Path
    inherited: dict[str, str]
    log: Log
    gave_up: asyncio.Event
    guardian: Guardian = field(default_factory=Guardian)
    variables: dict[str, str] = field(default_factory=dict)


class Run:
    """One process: its spec, its port, and the child that runs now, if any."""

    def __init__(self, spec: ProcessSpec, port: int, around: Surroundings) -> None:
        self.spec = spec
        self.port = port
        self._around = around
        self._state = ProcessState.WAITING
        self._restarts = 0
        self._child: Child | None = None
        self._watch: asyncio.Task[None] | None = None
        self._is_killed = False

    @property
    def is_running(self) -> bool:
        """Whether a process runs, or is about to be started again."""
        return self._child is not None or (self._watch is not None and not self._watch.done())

    def status(self) -> ProcessStatus:
        """How it is now."""
        pid = self._child.pid if self._child else None
        return ProcessStatus(self.spec.name, self._state, pid, self.port, self._restarts)

    async def bring_up(self) -> None:
        """Start it, wait until it is up, and watch it from then on; one that runs once is waited for to its end.

        Raises:
            SystemUnreachable: it did not come up, and is not optional; the message has its last lines.
        """
        self._state = ProcessState.STARTING
        why = None
        try:
            await self._spawn()
        except SystemUnreachable as error:
            self._state = ProcessState.FAILED
            if not self.spec.optional:
                raise
            why = str(error).splitlines()[0]
        except BaseException:
            await self._end()
            self._state = ProcessState.FAILED
            raise
        if self.spec.once:
            self._state = ProcessState.DONE if why is None else ProcessState.FAILED
        else:
            self._state = ProcessState.UP if why is None else ProcessState.RESTARTING
            self._watch = asyncio.create_task(self._keep_up(why), name=f"watch of {self.spec.name}")

    async def halt(self) -> None:
        """Stop it and do not start it again."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        if self._child is not None:
            await self._end()
            self._state = ProcessState.STOPPED

    def kill(self) -> None:
        """Kill its whole group now, and do not start it again."""
        self._is_killed = True
        if self._child is not None:
            signal_group(self._child.pid, signal.SIGKILL)

    async def _spawn(self) -> None:
        """Start a child, and wait until it shows that it is up (or, for one that runs once, ended well)."""
        spec, around = self.spec, self._around
        command, environment = command_and_environment(
            spec, self.port, around.state, around.inherited, around.variables
        )
        child = self._child = await Child.spawn(spec.name, command, environment, around.log)
        around.guardian.note(child.pid)
        ready = self._ready()
        if ready is None:
            return
        ended = asyncio.create_task(child.wait(), name=f"end of {spec.name}")
        sign = asyncio.create_task(until_ready(ready, self.port, child.started_at), name=f"readiness of {spec.name}")
        try:
            waits = {ended} if spec.once else {ended, sign}
            done, _ = await asyncio.wait(waits, timeout=ready.within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (ended, sign):
                task.cancel()
            await asyncio.gather(ended, sign, return_exceptions=True)
        if sign in done and ended not in done:
            return
        await self._end()
        if ended in done and spec.once and ended.result() == ready.exit:
            return
        what = f"ended ({ending(ended.result())})" if ended in done else f"gave no sign within {ready.within_s:g} s"
        raise SystemUnreachable(spec.name, _with_tail(f"{what}; waited for {_sign(ready, self.port)}", child))

    async def _keep_up(self, why: str | None = None) -> None:
        """Start it again whenever it dies, waiting longer each time, up to its limit if it has one.

        ``why`` is given where it did not come up in the first place.
        """
        name, limit = self.spec.name, self.spec.restarts
        if why is None:
            why = await self._death()
        while (limit is None or self._restarts < limit) and not self._is_killed:
            pause_s = min(_BACKOFF_S * 2 ** min(self._restarts, _MOST_DOUBLINGS), _BACKOFF_MOST_S)
            self._restarts += 1
            self._state = ProcessState.RESTARTING
            of = f" of {limit}" if limit is not None else ""
            is_down = "IS DOWN, the others go on: " if limit is None and self._restarts > _LOUD_AFTER else "died: "
            self._around.log(name, f"{is_down}{why}; start {self._restarts}{of} in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            try:
                await self._spawn()
            except (SystemUnreachable, OSError) as error:
                why = str(error).splitlines()[0]
                continue
            self._state = ProcessState.UP
            why = await self._death()
        if self._is_killed:
            self._state = ProcessState.STOPPED
            return
        self._state = ProcessState.FAILED
        self._around.log(name, f"died: {why}; given up after {self._restarts} starts")
        if self.spec.optional:
            self._around.log(name, "IS DOWN, the others go on")
        else:
            self._around.gave_up.set()

    async def _death(self) -> str:
        """Wait until the child dies; why it did."""
        child = self._child
        if child is None:
            return "it is gone"
        code = await child.wait()
        if child.age_s > _STEADY_S:
            self._restarts = 0
        await self._end()
        return ending(code)

    async def _end(self) -> None:
        """End the child and its whole group."""
        if self._child is not None:
            child = self._child
            await child.stop(self.spec.stop_s)
            self._around.guardian.forget(child.pid)
            self._child = None

    def _ready(self) -> Ready | None:
        """The sign to wait for, its placeholders filled."""
        ready = self.spec.ready or (_ONCE if self.spec.once else None)
        if ready is None:
            return None
        around = self._around
        values = {**around.inherited, **around.variables, **builtins(self.spec, self.port, around.state)}
        where = f"{self.spec.name}.ready"
        texts = {name: fill(text, values, where) for name in ("http", "file") if (text := getattr(ready, name))}
        return ready.model_copy(update=texts)


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _sign(ready: Ready, port: int) -> str:
    if ready.http is not None:
        return f"HTTP 2xx from {ready.http} (port {port})"
    if ready.tcp:
        return f"connections on port {port}"
    return f"the file {ready.file}" if ready.file is not None else f"exit code {ready.exit}"


def _with_tail(message: str, child: Child) -> str:
    lines = [f"    {line}" for line in child.tail] or ["    (it said nothing)"]
    return "\n".join([message, "  its last lines:", *lines])
