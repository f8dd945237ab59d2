"""``strangler ledger``: show, verify, export."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from strangler.cli.session import DEFAULT_PLAN, JsonOption, PlanOption, StateOption, console, open_session, print_json
from strangler.decisions import Decisions
from strangler.ledger import verify_export
from strangler.published import read_published

app = typer.Typer(help="Every decision: who, why, on which evidence.", no_args_is_help=True)


@app.command()
def show(
    since: Annotated[int, typer.Option("--since", help="Only entries after this sequence number.")] = 0,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the decisions, oldest first."""
    entries = open_session(plan, state).ledger.entries(since)
    if as_json:
        print_json([entry.as_dict() for entry in entries])
        return
    for entry in entries:
        at = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        body = orjson.dumps(entry.body).decode()
        console.print(f"{entry.seq:>5}  {at}Z  {entry.kind:<10} {entry.who}  {body}", markup=False, soft_wrap=True)


@app.command()
def verify(
    export_file: Annotated[Path | None, typer.Argument(help="An export; the ledger itself if not given.")] = None,
    head: Annotated[str | None, typer.Option("--head", help="The hash the last entry must have: your anchor.")] = None,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify every link of the chain, and that it still has the entry that engines were given last.

    Exit code 1 and the first wrong entry where it does not hold.
    """
    if export_file is not None:
        count = verify_export(export_file, expected_head=head)
    else:
        session = open_session(plan, state)
        count = session.ledger.verify(expected_head=head)
        Decisions(session.ledger, lambda: read_published(session.state.rollouts_file)).sync()
    if as_json:
        print_json({"verified": True, "entries": count})
    else:
        console.print(f"{count} entries, every link verified")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write: one JSON entry a line.")],
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Write the ledger out, for whoever wants to verify it elsewhere."""
    ledger = open_session(plan, state).ledger
    ledger.export(file)
    newest = ledger.head()
    anchor = newest.hash if newest else "(empty)"
    console.print(f"{file} written; keep this anchor elsewhere: {anchor}", markup=False)
