"""What every verb starts from: the plan, the state folder, the stores. Options are declared once, here."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from strangler import overview

PlanOption = Annotated[Path, typer.Option("--plan", "-p", envvar="STRANGLER_PLAN", help="The plan.")]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", envvar="STRANGLER_STATE", help="The state folder; .strangler beside the plan by default."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
WhoOption = Annotated[str, typer.Option("--as", envvar="STRANGLER_WHO", help="Who decides; recorded in the ledger.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason; recorded in the ledger.")]
OperationArgument = Annotated[str, typer.Argument(help="The operation, such as pensions.get-entitlement.")]

DEFAULT_PLAN = Path("migration.yaml")
DEFAULT_WHO = getpass.getuser()
"""Whoever is logged in."""

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
"""Lines are not broken: what is piped on or copied, such as a hash, stays whole. Tables are wide where nobody looks."""

_AT_THE_END: ContextVar[ExitStack] = ContextVar("at the end of the command")


@contextmanager
def one_command() -> Iterator[None]:
    """While a command runs: what it opens is closed when it ends."""
    with ExitStack() as at_the_end:
        before = _AT_THE_END.set(at_the_end)
        try:
            yield
        finally:
            _AT_THE_END.reset(before)


def open_session(plan: Path, state: Path | None) -> overview.Session:
    """A session for these options, closed when the command ends. Nothing is read yet."""
    session = overview.open_session(plan, state)
    _AT_THE_END.get().callback(session.close)
    return session


def print_json(document: object) -> None:
    """One JSON document on standard output, keys sorted."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(document, default=str, option=options).decode() + "\n")
