"""The plan as the worker reads it: again whenever its file or the environment of a running ``up`` changes."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import orjson
import structlog

from parity_checks.ask.entries import Entries
from strangler.errors import PlanError
from strangler.plan import load_plan
from strangler.plan.models import Plan
from strangler.state import StateFolder

_log = structlog.get_logger("worker")

_LOOK_EVERY_S = 0.25


class PlanFile:
    """A plan's file and what it was when it was last read."""

    def __init__(self, path: Path, state: StateFolder) -> None:
        self._path = path
        self._environment = state.environment_file
        self._seen: tuple[object, ...] = ()

    def load(self) -> Plan:
        """Read the plan.

        Raises:
            PlanError: it cannot be used.
        """
        self._seen = self._stamps()
        return load_plan(self._path, self._environ()).plan

    async def watch(self, entries: Entries) -> None:
        """Take up every change, for as long as the worker runs."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.take_up(entries)

    async def take_up(self, entries: Entries) -> None:
        """Take up a changed plan; a bad one leaves the plan in force and is told once."""
        if self._stamps() == self._seen:
            return
        try:
            entries.use(await asyncio.to_thread(self.load))
        except PlanError as error:
            _log.warning("the changed plan is not used; the one before stays", error=str(error))
        else:
            _log.info("plan taken up", operations=len(entries.plan.operations))

    def _stamps(self) -> tuple[object, ...]:
        return tuple(_stamp(path) for path in (self._path, self._environment))

    def _environ(self) -> Mapping[str, str]:
        try:
            written = orjson.loads(self._environment.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            written = {}
        return {**{str(name): str(value) for name, value in written.items()}, **os.environ}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
