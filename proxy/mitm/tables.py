"""What the engine decides by, and how it is swapped: plan, rollouts and hold, watched by stat, replaced whole.

A request keeps the ``Tables`` it began with. A plan, rollout or hold that cannot be read leaves the tables as they are
and is logged, with file, line and key, once for each change.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from proxy.decide import Table, compile_table
from proxy.mitm import last_good
from strangler.builds import build_source
from strangler.errors import PlanError, StranglerError
from strangler.plan import load_plan
from strangler.plan.addresses import target_of
from strangler.plan.models import Plan
from strangler.rollout import Rollout, rollout_from
from strangler.stages import Side
from strangler.state import StateFolder

log = logging.getLogger(__name__)

WATCH_EVERY_S = 0.1
_Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class BuildSource:
    """Where one side's build is told: a response header (lower case), or the plan."""

    header: bytes | None
    declared: str | None


@dataclass(frozen=True, slots=True)
class Tables:
    """One state of everything the engine decides by. ``tripped`` are operations that its breaker took back."""

    plan: Plan
    digest: str
    seq: int
    rollouts: Mapping[str, Rollout]
    held: frozenset[str]
    table: Table
    builds: Mapping[tuple[str, Side], BuildSource]
    tripped: frozenset[str] = frozenset()

    def without(self, tripped: frozenset[str]) -> "Tables":
        """The same, with these operations answered by old."""
        table = self.table.moved(self.rollouts, self.held | tripped)
        return replace(self, table=table, tripped=tripped)


class Sources:
    """The files that tables are made from. Not thread-safe: one watcher owns it.

    ``broken`` says why the plan file is not the plan in use; ``None`` where it is.

    Args:
        plan_path: the plan.
        state: where rollouts and hold are published.
        environ: the process environment; the variables ``strangler up`` made stand beneath it.
    """

    def __init__(self, plan_path: Path, state: StateFolder, environ: Mapping[str, str]) -> None:
        self._plan_path = plan_path
        self._state = state
        self._environ = environ
        self._stamps: dict[Path, _Stamp] = {}
        self._base: Tables | None = None
        self.broken: str | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are watched."""
        state = self._state
        return (self._plan_path, state.environment_file, state.rollouts_file, state.hold_file)

    def changed(self) -> frozenset[Path]:
        """The files that changed since the last look. Looking remembers."""
        changed = set()
        for path in self.paths:
            stamp = _stamp(path)
            if path not in self._stamps or stamp != self._stamps[path]:
                self._stamps[path] = stamp
                changed.add(path)
        return frozenset(changed)

    def load(self, changed: frozenset[Path] | None = None) -> Tables:
        """Tables from the files as they are now.

        Args:
            changed: which files changed; an unchanged plan is not compiled again.

        Raises:
            PlanError: the plan cannot be used.
            StranglerError: the rollouts or the hold cannot be read.
        """
        plan_files = {self._plan_path, self._state.environment_file}
        base = self._base
        if base is None or changed is None or plan_files & changed:
            base = self._compiled()
        seq, rollouts = read_rollouts(self._state.rollouts_file, base.plan)
        self._base = self._moved(base, seq, rollouts)
        last_good.keep(self._state, self._plan_path, base.plan, seq, rollouts)
        return self._base

    def start(self) -> Tables:
        """The first tables: from the files, and where those cannot be used, from what was in use last.

        Raises:
            PlanError, StranglerError: the plan cannot be used, and none ever was.
        """
        self.changed()
        good = last_good.recall(self._state, self._plan_path)
        try:
            base = self._compiled()
        except (StranglerError, OSError) as error:
            if good is None:
                raise
            log.error("THE PLAN IS BROKEN: this engine starts from the last one that was not: %s", error)  # noqa: TRY400
            base = _base(good.plan, good.digest)
        seq, rollouts = self._first_rollouts(base.plan, good)
        self._base = self._moved(base, seq, rollouts)
        last_good.keep(self._state, self._plan_path, base.plan, seq, rollouts)
        return self._base

    def _first_rollouts(self, plan: Plan, good: last_good.LastGood | None) -> tuple[int, dict[str, Rollout]]:
        """The published rollouts, or the last readable ones, or none: then everything is answered by old."""
        try:
            return read_rollouts(self._state.rollouts_file, plan)
        except (StranglerError, OSError) as error:
            log.error("THE ROLLOUTS CANNOT BE READ: the last readable ones are used: %s", error)  # noqa: TRY400
        try:
            return rollouts_of(good.published, plan) if good is not None else (0, {})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.error("there are none: everything is answered by old: %s", error)  # noqa: TRY400
            return 0, {}

    def _compiled(self) -> Tables:
        """The plan as its file says it, with nothing moved yet."""
        try:
            loaded = load_plan(self._plan_path, {**_variables(self._state.environment_file), **self._environ})
            for warning in loaded.warnings:
                log.warning("%s", warning)
            base = _base(loaded.plan, loaded.digest)
        except Exception as error:
            self.broken = str(error)
            raise
        self.broken = None
        return base

    def _moved(self, base: Tables, seq: int, rollouts: dict[str, Rollout]) -> Tables:
        held = read_hold(self._state.hold_file)
        table = base.table.moved(rollouts, held)
        return replace(base, seq=seq, rollouts=rollouts, held=held, table=table, tripped=frozenset())


class Switch:
    """Holds the current tables. Reading ``current`` needs no lock: a swap is one assignment."""

    def __init__(self, tables: Tables) -> None:
        self.current = tables
        self._lock = threading.Lock()

    def swap(self, tables: Tables) -> frozenset[str]:
        """Use these tables from now on; the operations whose own rollout is new, and whose breaker starts afresh."""
        with self._lock:
            before = self.current
            renewed = frozenset(
                name
                for name in {*before.rollouts, *tables.rollouts}
                if tables.seq > before.seq and tables.rollouts.get(name) != before.rollouts.get(name)
            )
            tripped = before.tripped - renewed
            self.current = tables.without(tripped) if tripped else tables
            return renewed

    def trip(self, operation: str) -> None:
        """Answer this operation from old from now on."""
        with self._lock:
            self.current = self.current.without(self.current.tripped | {operation})


class Watcher:
    """Looks at the files every 100 ms in a thread of its own, and swaps.

    Args:
        sources: the files, already loaded once.
        switch: where the current tables are.
        on_renewed: told which operations have a new rollout.
        on_tick: called with every look, for what must be done now and then.
    """

    def __init__(
        self,
        sources: Sources,
        switch: Switch,
        on_renewed: Callable[[frozenset[str]], None],
        on_tick: Callable[[], None],
    ) -> None:
        self._sources = sources
        self._switch = switch
        self._on_renewed = on_renewed
        self._on_tick = on_tick
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="strangler-watcher", daemon=True)
        self.broken = sources.broken

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End, within a moment."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def look(self) -> None:
        """Swap the tables if anything changed. Never raises."""
        changed = self._sources.changed()
        if not changed:
            return
        try:
            tables = self._sources.load(changed)
        except PlanError as error:
            self.broken = str(error)
            for problem in error.problems:
                log.error("the plan is broken, the table in use stays: %s", problem)  # noqa: TRY400
        except (StranglerError, OSError) as error:
            self.broken = str(error)
            log.error("the table in use stays: %s", error)  # noqa: TRY400  the message is all an operator needs
        else:
            self.broken = self._sources.broken
            self._on_renewed(self._switch.swap(tables))
            log.info("decision table swapped: plan %s, rollouts %d", tables.digest[:8], tables.seq)

    def _run(self) -> None:
        while not self._stopped.wait(WATCH_EVERY_S):
            try:
                self.look()
                self._on_tick()
            except Exception:
                log.exception("the watcher failed; the table in use stays")


def read_rollouts(path: Path, plan: Plan) -> tuple[int, dict[str, Rollout]]:
    """The published sequence number and rollouts; 0 and none where nothing was published.

    Raises:
        StranglerError: the file is no such document, or a rollout in it is none.
    """
    document = _document(path)
    if document is None:
        return 0, {}
    try:
        return rollouts_of(document, plan)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StranglerError(f"{path}: these are no rollouts: {error}") from error


def rollouts_of(document: Mapping[str, Any], plan: Plan) -> tuple[int, dict[str, Rollout]]:
    """The sequence number and rollouts in a published document.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no such document.
    """
    rollouts = {
        name: rollout_from(shares, plan.operations[name].effect)
        for name, shares in document["rollouts"].items()
        if name in plan.operations
    }
    return int(document["seq"]), rollouts


def read_hold(path: Path) -> frozenset[str]:
    """The operations on hold; a hold that cannot be read holds everything: the kill switch errs towards old."""
    try:
        document = _document(path)
        return frozenset(str(name) for name in document["operations"]) if document is not None else frozenset()
    except (StranglerError, KeyError, TypeError) as error:
        log.error("%s: unreadable, so everything is held: %s", path, error)  # noqa: TRY400
        return frozenset({"*"})


def _document(path: Path) -> dict[str, Any] | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return dict(orjson.loads(content))
    except (orjson.JSONDecodeError, TypeError, ValueError) as error:
        raise StranglerError(f"{path}: not a JSON object: {error}") from error


def _variables(path: Path) -> dict[str, str]:
    try:
        return {str(name): str(value) for name, value in json.loads(path.read_text("utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise StranglerError(f"{path}: not a JSON object of variables: {error}") from error


def _base(plan: Plan, digest: str) -> Tables:
    return Tables(plan, digest, 0, {}, frozenset(), compile_table(plan, {}, None), _builds(plan))


def _builds(plan: Plan) -> dict[tuple[str, Side], BuildSource]:
    sources: dict[tuple[str, Side], BuildSource] = {}
    for name, operation in plan.operations.items():
        for side in Side:
            source = build_source(plan, target_of(operation, side))
            header = source.header.lower().encode() if source.header else None
            sources[name, side] = BuildSource(header, source.declared)
    return sources


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
