"""``strangler status``: every operation at a glance."""

import typer
from rich.markup import escape
from rich.table import Table as RichTable

from strangler.cli.session import DEFAULT_PLAN, JsonOption, PlanOption, StateOption, console, open_session, print_json
from strangler.overview import status_document
from strangler.schedules import DONE


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command(rich_help_panel="Look")(status)


def status(plan: PlanOption = DEFAULT_PLAN, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Show every operation: its rollout, what was compared, what waits, when old was last reached."""
    session = open_session(plan, state)
    document = status_document(session)
    if as_json:
        print_json(document)
        return
    held = document["held"]
    if held:
        console.print(f"[bold red]HOLD[/]: {escape(', '.join(held))} answered by old")
    engines = document["engines"]
    if engines["is_behind"]:
        given = f"entry {engines['given']}" if engines["given"] is not None else "nothing that can be read"
        console.print(
            f"[bold red]BEHIND[/]: engines follow {given}, and entry {engines['decided']} changed a rollout. "
            "The guard gives it to them at once; if this stays, see whether 'strangler up' or the guard runs"
        )
    table = RichTable(box=None, pad_edge=False)
    for heading in ("operation", "rollout", "compared", "clean", "mismatch", "new failed", "not compared", "old last"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "operation")
    for name, row in document["operations"].items():
        table.add_row(
            name,
            row["rollout"],
            *(str(row[count]) for count in ("compared", "clean", "mismatch", "new_failed", "not_compared")),
            row["old_last_reached"] or "–",
        )
    console.print(table)
    for name, row in document["operations"].items():
        if row["schedule"] and row["schedule"]["ended"] != DONE:
            console.print(f"{name}: {row['schedule']['told']}", markup=False, soft_wrap=True)
        if row["rehearsal"]:
            console.print(f"{name}: {row['rehearsal']['told']}", markup=False, soft_wrap=True)
        for line in row["overridden"]:
            console.print(f"{name}: {line}", style="yellow", markup=False, soft_wrap=True)
    console.print(f"waiting to be asked: {document['pending']}; open gaps: {document['gaps']}")
