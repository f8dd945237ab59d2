"""``strangler load``: a load run before cutover, its report, the traffic model it uses."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from strangler.cli.session import (
    DEFAULT_PLAN,
    JsonOption,
    OperationArgument,
    PlanOption,
    StateOption,
    console,
    open_session,
    print_json,
)
from strangler.errors import UsageError
from strangler.evidence import LoadEvidence
from strangler.overview import Session

app = typer.Typer(help="Load before cutover: old against new in one run.", no_args_is_help=True)

HtmlOption = Annotated[Path | None, typer.Option("--html", help="Where to write the run's page.")]


@app.command()
def run(
    operation: OperationArgument,
    budget: Annotated[
        str | None, typer.Option("--budget", help="The plan's budget; the load gate's if not given.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the arrivals.")] = 1,
    include_writes: Annotated[bool, typer.Option("--include-writes", help="Send writes too.")] = False,
    html: HtmlOption = None,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay journaled requests to both sides in one run, on an open schedule, and keep the result as evidence."""
    from load_tests import run_load

    session = open_session(plan, state)
    gate = session.plan.operations[session.operation(operation)].gates.load
    name = budget or (gate.budget if gate else None)
    if name is None:
        raise UsageError(
            f"{operation} has no load gate: say --budget, one of {', '.join(session.plan.budgets) or 'none'}"
        )
    with Progress(console=console, transient=True, disable=as_json) as progress:
        task = progress.add_task(f"load on {operation}", total=1.0)
        evidence = run_load(
            session.plan,
            session.journal,
            operation=operation,
            budget_name=name,
            seed=seed,
            now=time.time,
            on_progress=lambda done: progress.update(task, completed=done),
            include_writes=include_writes,
        )
    _tell(session, evidence, html, as_json=as_json)


@app.command()
def report(
    operation: OperationArgument,
    html: HtmlOption = None,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest load run of an operation again."""
    session = open_session(plan, state)
    runs = session.journal.loads(session.operation(operation))
    if not runs:
        raise UsageError(f"{operation} has no load run yet: strangler load run {operation}")
    _tell(session, max(runs, key=lambda run: run.at), html, as_json=as_json)


def _tell(session: Session, evidence: LoadEvidence, html: Path | None, *, as_json: bool) -> None:
    """The run as text or JSON, and as a page where one is asked for."""
    from load_tests import report as pages

    budget = session.plan.budgets[evidence.budget]
    details = session.journal.load_histograms(evidence.run, evidence.operation)
    if html is not None:
        pages.write_html(evidence, budget, html, details)
    if as_json:
        print_json(pages.as_json(evidence, budget, details))
    else:
        console.print(pages.text(evidence, budget, details), markup=False)
