"""What each process is told: its port, and the variables that all of them provide to each other."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from strangler.cli.supervisor.placeholders import fill, fill_all
from strangler.cli.supervisor.processes import ProcessSpec
from strangler.errors import UsageError


def builtins(spec: ProcessSpec, port: int, state: Path) -> dict[str, str]:
    """The placeholders that are not variables."""
    return {"python": sys.executable, "port": str(port), "state": str(state), "here": str(spec.here)}


def provided(
    specs: Sequence[ProcessSpec], ports: Mapping[str, int], state: Path, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Every provided variable with its value. A template may name a variable that another process provides.

    Raises:
        UsageError: two processes provide the same name, a name nobody provides, or two that need each other.
    """
    templates: dict[str, tuple[ProcessSpec, str]] = {}
    for spec in specs:
        for name, template in spec.provides.items():
            if name in templates:
                raise UsageError(f"{spec.name} and {templates[name][0].name} both provide {name}")
            templates[name] = (spec, template)
    found: dict[str, str] = {}
    waiting = dict(templates)
    while waiting:
        failed: UsageError | None = None
        before = len(waiting)
        for name, (spec, template) in tuple(waiting.items()):
            values = {**inherited, **found, **builtins(spec, ports[spec.name], state)}
            try:
                found[name] = fill(template, values, f"{spec.name}.provides.{name}")
                del waiting[name]
            except UsageError as error:  # perhaps a later one of this round provides it
                failed = error
        if failed is not None and len(waiting) == before:
            raise failed
    return found


def command_and_environment(
    spec: ProcessSpec, port: int, state: Path, inherited: Mapping[str, str], variables: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The command and the whole environment of one process, all placeholders filled."""
    values = {**inherited, **variables, **builtins(spec, port, state)}
    command = tuple(fill(part, values, f"{spec.name}.command") for part in spec.command)
    own = fill_all(spec.env, values, f"{spec.name}.env")
    return command, {"PYTHONUNBUFFERED": "1", **inherited, **variables, **own}


def write_environment(path: Path, variables: Mapping[str, str]) -> None:
    """Write the variables as JSON, whole or not at all; readable by the owner only (a connection may hold a secret)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(dict(variables), file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
