"""What every verb starts from: the plan, the state folder, the stores. Options are declared once, here."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

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


def print_json(document: object) -> None:
    """One JSON document on standard output, keys sorted."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(document, default=str, option=options).decode() + "\n")
