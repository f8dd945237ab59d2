"""``processes.yaml``: which processes ``strangler up`` runs beside its own. The form, and its loader."""

import difflib
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from strangler.errors import PlanError, Problem
from strangler.plan.basis import Name


class Form(BaseModel):
    """Unknown fields refuse to load."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ready(Form):
    """When a process counts as up: exactly one of four signs."""

    http: str | None = Field(None, description="Path on the process's port (or a whole URL) that answers 2xx.")
    tcp: bool | None = Field(None, description="The process's port takes connections.")
    file: str | None = Field(None, description="This file exists and was written since the start.")
    exit: int | None = Field(None, description="The process ended with this code (for once: true).")
    within_s: float = Field(30.0, gt=0, description="Longest wait, in seconds.")

    @model_validator(mode="after")
    def _one_sign(self) -> "Ready":
        signs = (self.http, self.tcp or None, self.file, self.exit)
        if sum(sign is not None for sign in signs) != 1:
            raise ValueError("say exactly one of http, tcp: true, file, exit")
        return self


class ProcessEntry(Form):
    """One process, as the file says it.

    ``command``, ``env``, ``provides`` and ``ready`` may hold ``{python}``, ``{port}``, ``{state}``, ``{here}`` (the
    folder of the file) and the ``{NAME}`` of any provided or inherited variable; ``{{`` and ``}}`` are plain braces.
    """

    command: tuple[str, ...] = Field(min_length=1)
    port: int | None = Field(None, ge=1, le=65535, description="A fixed port; a free one where not given.")
    ready: Ready | None = Field(None, description="Without it, a started process counts as up.")
    once: bool = Field(False, description="Runs to its end before those after it start: a seeding step.")
    provides: dict[str, str] = Field(default_factory=dict, description="Environment variables for every process.")
    after: tuple[str, ...] = Field((), description="Processes that must be up before.")
    env: dict[str, str] = Field(default_factory=dict, description="Environment variables for this process only.")
    stop_s: float = Field(5.0, gt=0, le=120, description="Wait between asking it to stop and killing it.")
    restarts: int | None = Field(
        5, ge=0, le=100, description="How often it is started again after it died; null: without limit."
    )
    optional: bool = Field(False, description="The others start, and stay, whether or not this one comes up.")

    @model_validator(mode="after")
    def _signs_fit(self) -> "ProcessEntry":
        if self.ready is not None and (self.ready.exit is not None) != self.once:
            raise ValueError("ready: {exit: …} goes with once: true, and with nothing else")
        return self


class ProcessSpec(ProcessEntry):
    """One process with its name and what ``{here}`` means in it. It runs in the supervisor's working directory."""

    name: Name
    here: Path = Field(default_factory=Path.cwd)


class ProcessesFile(Form):
    """The whole file."""

    processes: dict[Name, ProcessEntry]
    here: Path = Field(default=Path(), exclude=True)

    def specs(self) -> tuple[ProcessSpec, ...]:
        """The processes in the file's order, each with its name."""
        return tuple(
            ProcessSpec(name=name, here=self.here, **entry.model_dump()) for name, entry in self.processes.items()
        )


def load_processes(path: Path) -> ProcessesFile:
    """The file, checked.

    Raises:
        PlanError: it cannot be read or says something it must not; every problem names line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except OSError as error:
        raise PlanError([Problem("unreadable", str(path), 0, "processes", str(error.strerror))]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise PlanError([Problem("not-yaml", str(path), line, "processes", str(error.problem))]) from error
    lines = dict(_lines(root, ())) if root is not None else {}
    try:
        if not isinstance(raw, dict):
            raise PlanError(
                [Problem("not-a-mapping", str(path), 1, "processes", "write 'processes:' with one entry each")]
            )
        loaded = ProcessesFile.model_validate(raw)
    except ValidationError as error:
        raise PlanError(_problems(error, path, lines)) from error
    return loaded.model_copy(update={"here": path.resolve().parent})


def _problems(error: ValidationError, path: Path, lines: dict[tuple[str, ...], int]) -> list[Problem]:
    found = []
    for detail in error.errors():
        at = tuple(str(part) for part in detail["loc"] if part != "[key]")
        line = next((lines[at[:size]] for size in range(len(at), 0, -1) if at[:size] in lines), 0)
        code, message, fix = detail["type"].replace("_", "-"), detail["msg"], ""
        if detail["type"] == "extra_forbidden":
            code, message, fix = "unknown-field", f"unknown field {at[-1]!r}", _did_you_mean(at)
        found.append(Problem(code, str(path), line, ".".join(at), message, fix))
    return found


def _did_you_mean(at: tuple[str, ...]) -> str:
    form = Ready if "ready" in at[:-1] else ProcessEntry if len(at) > 2 else ProcessesFile
    near = difflib.get_close_matches(at[-1], form.model_fields, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known fields: {', '.join(form.model_fields)}"


def _lines(node: yaml.Node, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    """The line of every key in the document, counted from 1."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*at, str(key.value)), key.start_mark.line + 1
            yield from _lines(value, (*at, str(key.value)))
