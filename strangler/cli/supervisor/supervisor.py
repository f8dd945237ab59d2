"""Starts, watches and stops a set of processes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

from strangler.cli.supervisor.child import Log
from strangler.cli.supervisor.order import order
from strangler.cli.supervisor.ports import claim
from strangler.cli.supervisor.processes import ProcessSpec, Ready
from strangler.cli.supervisor.run import ProcessState, ProcessStatus, Run, Surroundings
from strangler.cli.supervisor.settings import command_and_environment, provided, write_environment
from strangler.errors import UsageError

__all__ = ["ProcessState", "ProcessStatus", "Supervisor"]


class Supervisor:
    """A set of processes with one life. Use it from one event loop, in the main thread: the shim's signal needs that.

    ``state`` is the folder that holds ``environment.json``; ``environment`` is what every process inherits, usually
    ``os.environ``; ``log`` gets every line. ``gave_up`` is set when a process died more often than it may.
    """

    def __init__(self, specs: Sequence[ProcessSpec], *, state: Path, environment: Mapping[str, str], log: Log) -> None:
        self.gave_up = asyncio.Event()
        self._specs = tuple(specs)
        self._around = Surroundings(state.resolve(), dict(environment), log, self.gave_up)
        self._runs: dict[str, Run] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the processes provide, as ``environment.json`` holds them."""
        return dict(self._around.variables)

    def status(self) -> tuple[ProcessStatus, ...]:
        """Every process, in the order given."""
        return tuple(run.status() for run in self._runs.values())

    def port(self, name: str) -> int:
        """The port of the named process."""
        return self._run(name).port

    async def start(self) -> None:
        """Bring everything up, each after the ones it names; those that need not wait start together.

        Raises:
            UsageError: names, placeholders or ``after`` do not fit together.
            Refused: a fixed port is taken.
            SystemUnreachable: one did not come up; all are stopped again, and the message has its last lines.
        """
        try:
            for spec in self._specs:
                self._register(spec)
            sorter = order({name: run.spec.after for name, run in self._runs.items()})
            self._publish()
            await self._around.guardian.start()
            await _walk(sorter, lambda name: self._runs[name].bring_up())
        except BaseException:
            await self.stop()
            raise

    async def add(self, spec: ProcessSpec) -> ProcessStatus:
        """Start one more process, and wait until it is up. Those already running do not learn its variables.

        Raises:
            UsageError, Refused, SystemUnreachable: as ``start``; the others keep running.
        """
        self._register(spec)
        try:
            order({name: run.spec.after for name, run in self._runs.items()})
            self._publish()
            await self._around.guardian.start()
            await self._runs[spec.name].bring_up()
        except BaseException:
            await self._runs[spec.name].halt()
            del self._runs[spec.name]
            raise
        return self._run(spec.name).status()

    async def run_once(self, spec: ProcessSpec) -> None:
        """Run a command to its end, with the variables of all.

        Raises:
            SystemUnreachable: it ended with another code than 0, or did not end in time.
        """
        if not spec.once:
            ready = Ready(exit=0, within_s=spec.ready.within_s) if spec.ready else None
            spec = spec.model_copy(update={"once": True, "ready": ready})
        await self.add(spec)
        del self._runs[spec.name]

    async def replace(self, name: str, spec: ProcessSpec) -> ProcessStatus:
        """Stop the named process and start another in its place, on the same port (unless ``spec`` fixes its own).

        Raises:
            UsageError, SystemUnreachable: as ``start``; then nothing runs under this name.
        """
        run = self._run(name)
        await run.halt()
        port = spec.port or run.port
        self._runs[name] = Run(spec.model_copy(update={"name": name}), port, self._around)
        self._publish()
        await self._run(name).bring_up()
        return self._run(name).status()

    async def stop_process(self, name: str) -> None:
        """Stop one process; it is not started again. What it provided stays in the environment."""
        await self._run(name).halt()

    async def start_process(self, name: str) -> ProcessStatus:
        """Start a stopped process again, on its port.

        Raises:
            UsageError: it is running.
            SystemUnreachable: it did not come up.
        """
        if self._run(name).is_running:
            raise UsageError(f"{name} is running already")
        await self._run(name).bring_up()
        return self._run(name).status()

    async def stop(self) -> None:
        """Stop everything in reverse order. Whole process groups; may be called again."""
        followers: dict[str, list[str]] = {name: [] for name in self._runs}
        for name, run in self._runs.items():
            for earlier in run.spec.after:
                followers.get(earlier, []).append(name)
        try:
            await _walk(order(followers), lambda name: self._runs[name].halt())
        except UsageError:  # a cycle or an unknown name: then nothing was started
            await asyncio.gather(*(run.halt() for run in self._runs.values()))
        await self._around.guardian.stop()

    def kill(self) -> None:
        """Kill everything at once, without waiting: the second Ctrl-C."""
        for run in self._runs.values():
            run.kill()

    def _run(self, name: str) -> Run:
        if name not in self._runs:
            raise UsageError(f"no process {name!r}; known processes: {', '.join(self._runs)}")
        return self._runs[name]

    def _register(self, spec: ProcessSpec) -> None:
        if spec.name in self._runs:
            raise UsageError(f"two processes are named {spec.name!r}")
        taken = {run.port for run in self._runs.values()}
        self._runs[spec.name] = Run(spec, claim(spec.name, spec.port, taken), self._around)

    def _publish(self) -> None:
        """Work out every provided variable, check every placeholder, write ``environment.json``."""
        specs = [run.spec for run in self._runs.values()]
        ports = {name: run.port for name, run in self._runs.items()}
        around = self._around
        around.variables = provided(specs, ports, around.state, around.inherited)
        for run in self._runs.values():
            command_and_environment(run.spec, run.port, around.state, around.inherited, around.variables)
        write_environment(around.state / "environment.json", around.variables)


async def _walk(sorter: TopologicalSorter[str], act: Callable[[str], Awaitable[None]]) -> None:
    """Act on every name, each as soon as those before it are done; the first failure cancels the others."""
    running: dict[asyncio.Task[None], str] = {}
    try:
        while sorter.is_active():
            for name in sorter.get_ready():
                running[asyncio.create_task(_awaited(act(name)), name=name)] = name
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                name = running.pop(task)
                task.result()
                sorter.done(name)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _awaited(action: Awaitable[None]) -> None:
    await action
