"""The command line: one file for each group of verbs.

Exit codes: 0 done or PASS, 1 HOLD or a difference found, 2 wrong use or a bad plan, 3 NO DATA or STALE, 4 a system
could not be reached.
"""

import sys
from collections.abc import Sequence

import typer

from strangler.cli import (
    coverage,
    cutover,
    demo,
    doctor,
    gaps,
    init,
    ledger,
    load,
    parity,
    plan,
    probe,
    rehearse,
    replay,
    rows,
    schedule,
    serve,
    status,
    up,
)
from strangler.cli.session import one_command
from strangler.errors import StranglerError

app = typer.Typer(
    name="strangler",
    help="Replace legacy systems one operation at a time, each cutover earned by evidence.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(init.app, name="init")
app.add_typer(plan.app, name="plan")
app.add_typer(parity.app, name="parity")
app.add_typer(load.app, name="load")
app.add_typer(ledger.app, name="ledger")
app.add_typer(gaps.app, name="gaps")
coverage.add_to(parity.app)
probe.add_to(parity.app)
replay.add_to(parity.app)
for module in (up, serve, status, rows, cutover, schedule, rehearse, demo, doctor):
    module.add_to(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error of ours is one message on standard error and its own exit code.

    Args:
        arguments: what follows ``strangler``; those of this process where not given.
    """
    try:
        with one_command():
            app(arguments)
    except StranglerError as error:
        print(f"strangler: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"strangler: {error.filename}: {error.strerror}", file=sys.stderr)  # a file that somebody named
        sys.exit(2)
