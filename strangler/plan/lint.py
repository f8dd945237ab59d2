"""Checks that need the whole plan."""

from collections.abc import Callable, Iterator

from strangler.errors import Problem
from strangler.plan.models import Plan
from strangler.plan.source import Path


def lint(
    plan: Plan, file: str, line_of: Callable[[Path], int], *, is_whole: bool = True
) -> Iterator[tuple[Problem, bool]]:
    """Every problem with the plan's meaning, and whether it refuses to load."""
    yield from ()
