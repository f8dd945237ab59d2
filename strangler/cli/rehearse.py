"""``strangler rehearse``: a rollback made on purpose, and how long engines took to follow."""

import time
from typing import Annotated

import typer

from strangler.cli.builds import current_builds
from strangler.cli.session import (
    DEFAULT_PLAN,
    DEFAULT_WHO,
    JsonOption,
    OperationArgument,
    PlanOption,
    StateOption,
    WhoOption,
    WhyOption,
    console,
    open_session,
    print_json,
)
from strangler.overview import rehearsal_document
from strangler.rehearsal import Rehearsal


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command(rich_help_panel="Decide")(rehearse)


def rehearse(
    operation: OperationArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it only say what would be done.")] = False,
    within_s: Annotated[
        float,
        typer.Option("--within-s", min=1.0, max=600.0, help="Forward again within this time, or it stays back."),
    ] = 30.0,
    why: WhyOption = "",
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rehearse a rollback: take a live operation back and forward again, and say how long engines took to follow.

    It needs every gate to pass but approvals: the rollout that comes back was approved. Whatever goes wrong leaves the
    operation back, on old. Where it cannot be rehearsed, say why, and what a rollback would do.

    Exit code 1 where it cannot be rehearsed, or stayed back.
    """
    session = open_session(plan, state)
    session.operation(operation)
    builds = current_builds(session.plan, operation)
    rehearsal = Rehearsal(session.plan, session.cutover, session.state)
    now, target = session.cutover.rollouts()[operation], rehearsal.target(operation)
    against = rehearsal.against(operation, who, builds)
    if against or not yes:
        if as_json:
            would = {"from": now.as_dict(), "to": target.as_dict(), "against": list(against)}
            print_json({"operation": operation, "rehearsed": False, "would": would})
        else:
            effect = "change nothing" if target == now else f"take it from {now} to {target}"
            console.print(f"nothing was rehearsed; a rollback of {operation} would {effect}", markup=False)
            for reason in against or ("it can be rehearsed: say --yes",):
                console.print(f"  {reason}", markup=False)
        raise typer.Exit(1 if against else 0)
    done = rehearsal.rehearse(operation, who, why or "a rehearsal", within_s, builds)
    document = rehearsal_document(session, operation, time.time())
    if as_json:
        print_json({"operation": operation, "rehearsed": True, **(document or {})})
    else:
        console.print(document["told"] if document else "", markup=False)
    raise typer.Exit(0 if done.forward is not None else 1)
