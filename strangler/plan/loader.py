"""Reads ``migration.yaml``: text, then form (pydantic), then meaning (lint), every problem at once.

::

    file -> source (lines, ${NAME}) -> models -> lint -> LoadedPlan, or PlanError with every Problem
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from strangler.errors import PlanError, Problem
from strangler.exchange import digest
from strangler.plan.form import report_form
from strangler.plan.lint import lint
from strangler.plan.models import Plan
from strangler.plan.source import Source, read_source

_MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LoadedPlan:
    """A plan that may be used. ``lines`` is dotted key to line; ``digest`` changes with any meaning of the plan.

    The digest covers the values after ``${NAME}`` was filled in, so that another environment is another plan.
    """

    plan: Plan
    path: Path
    lines: Mapping[str, int] = field(repr=False)
    digest: str
    warnings: tuple[Problem, ...] = ()


def load_plan(path: Path, environ: Mapping[str, str]) -> LoadedPlan:
    """Load and check a plan.

    Args:
        path: the plan's file, UTF-8 YAML.
        environ: what ``${NAME}`` is filled from.

    Raises:
        PlanError: with every reason why it cannot be used, each with file, line, key and what to write instead.
    """
    return parse_plan(_read(path), path, environ)


def parse_plan(text: str, path: Path, environ: Mapping[str, str]) -> LoadedPlan:
    """As ``load_plan``, from text; ``path`` is what problems name."""
    source = read_source(text, str(path), environ)
    plan = _validated(source)
    warnings: list[Problem] = []
    if plan is not None:
        for problem, is_refusal in lint(plan, source.file, source.line_of):
            (source.problems if is_refusal else warnings).append(problem)
    if source.problems or plan is None:
        raise PlanError(sorted(_told_once(source.problems), key=_place))
    ordered = tuple(sorted(warnings, key=_place))
    content = plan.model_dump_json(by_alias=True).encode()
    return LoadedPlan(plan, path, source.lines, digest(content), ordered)


def _place(problem: Problem) -> tuple[int, str, str]:
    return (problem.line, problem.key, problem.code)


def _told_once(problems: list[Problem]) -> set[Problem]:
    """Without what only follows from a variable that could not be filled in."""
    causes = ("missing-variable", "bad-variable")
    unfilled = {problem.key for problem in problems if problem.code in causes}
    return {problem for problem in problems if problem.key not in unfilled or problem.code in causes}


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise PlanError([Problem("too-large", str(path), 0, "plan", f"the plan is over {_MAX_BYTES} bytes")])
        return content.decode("utf-8-sig")
    except OSError as error:
        problem = Problem("no-plan", str(path), 0, "plan", f"cannot be read: {error.strerror or error}", "name a file")
        raise PlanError([problem]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        fix = "save the file as UTF-8"
        raise PlanError([Problem("not-utf-8", str(path), line, "plan", "this is not UTF-8", fix)]) from error


def _validated(source: Source) -> Plan | None:
    """The plan; operations with a wrong form are reported and left out, so that lint sees the rest."""
    data = source.data
    if data is None and source.problems:
        return None
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        broken = report_form(source, error)
    if not isinstance(data, dict) or not isinstance(data.get("operations"), dict) or None in broken:
        return None
    rest = {name: entry for name, entry in data["operations"].items() if name not in broken}
    try:
        return Plan.model_validate({**data, "operations": rest})
    except ValidationError:
        return None
