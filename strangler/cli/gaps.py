"""``strangler gaps``: the writes that the other side may lack, and how they are closed."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table as RichTable

from strangler.cli.session import (
    DEFAULT_PLAN,
    DEFAULT_WHO,
    JsonOption,
    PlanOption,
    StateOption,
    WhoOption,
    WhyOption,
    console,
    open_session,
    print_json,
)
from strangler.errors import UsageError
from strangler.journal import Gap
from strangler.ledger import EntryKind

app = typer.Typer(help="Writes that the other side may lack: each holds its operation.", no_args_is_help=True)


@app.command(name="list")
def list_gaps(
    operation: Annotated[str | None, typer.Argument(help="The operation; all of them if not given.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The closed ones too.")] = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show callers' keys; recorded in the ledger.")] = False,
    why: Annotated[str, typer.Option("--why", help="Why the keys are needed (with --reveal).")] = "",
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the gaps, oldest first. Exit code 1 where one is open."""
    session = open_session(plan, state)
    if reveal and not why:
        raise UsageError("--reveal shows personal data: say --why")
    gaps = session.journal.gaps(session.operation(operation) if operation else None, closed=everything)
    if reveal:
        body = {"gaps": [gap.id for gap in gaps if gap.key is not None], "why": why}
        session.ledger.append(EntryKind.REVEAL, who, body, now=time.time())
    documents = [_document(gap, is_clear=reveal) for gap in gaps]
    if as_json:
        print_json(documents)
    else:
        _show(documents)
    raise typer.Exit(1 if any(gap.closed_at is None for gap in gaps) else 0)


@app.command()
def close(
    number: Annotated[int, typer.Argument(metavar="ID", help="The gap's number, as strangler gaps list has it.")],
    why: WhyOption,
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close a gap, once its rows are the same on both sides: the operation may move again."""
    entry = open_session(plan, state).cutover.close_gap(number, who, why)
    if as_json:
        print_json(entry.as_dict())
    else:
        console.print(f"gap {number} is closed; ledger entry {entry.seq}")


def _document(gap: Gap, *, is_clear: bool) -> dict[str, Any]:
    from parity_checks.mask import mask

    return {
        "id": gap.id,
        "operation": gap.operation,
        "key": gap.key if is_clear or gap.key is None else mask(gap.key),
        "writes": gap.count,
        "at": datetime.fromtimestamp(gap.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "why": gap.why,
        "closed_by": gap.closed_by,
        "closed_why": gap.closed_why,
    }


def _show(documents: list[dict[str, Any]]) -> None:
    if not documents:
        console.print("no gaps: every write of callers has reached the sides it should")
        return
    table = RichTable(box=None, pad_edge=False)
    for heading in ("id", "operation", "key", "writes", "at", "why", "closed"):
        table.add_column(heading, overflow="fold")
    for gap in documents:
        closed = f"{gap['closed_by']}: {gap['closed_why']}" if gap["closed_by"] else "open"
        cells = (str(gap["id"]), gap["operation"], gap["key"] or "–", str(gap["writes"]), gap["at"], gap["why"], closed)
        table.add_row(*map(escape, cells))
    console.print(table)
    console.print("reconcile their rows on both sides, then: strangler gaps close ID --why '...'")
