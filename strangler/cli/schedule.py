"""``strangler schedule``: steps that the guard takes by itself, as far as the gates let it."""

import re
import shlex
import time
from typing import Annotated

import typer

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
from strangler.errors import UsageError
from strangler.overview import Session, schedule_document
from strangler.rollout import Rollout
from strangler.schedules import shares_into
from strangler.stages import Stage

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command(rich_help_panel="Decide")(schedule)


def schedule(
    operation: OperationArgument,
    steps: Annotated[str | None, typer.Option("--steps", help="Shares of keys in percent: 5,25,50,100.")] = None,
    stage: Annotated[Stage, typer.Option("--stage", help="The stage that these keys move into.")] = Stage.LIVE,
    pause: Annotated[str, typer.Option("--pause", help="The time between two steps, such as 30m or 2h.")] = "30m",
    patience: Annotated[
        str, typer.Option("--patience", help="How long gates may hold one step before the schedule ends.")
    ] = "24h",
    cancel: Annotated[bool, typer.Option("--cancel", help="End it; keys stay where they are.")] = False,
    why: WhyOption = "",
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the guard take one step after the other, each when its pause is over and every gate passes.

    Without --steps and --cancel, show where the schedule stands. Approvals are asked for the last step's rollout. A
    rollback, a hold, a move by hand, or gates that hold a step for longer than the patience end it.
    """
    session = open_session(plan, state)
    session.operation(operation)
    if cancel and steps is not None:
        raise UsageError("nothing was done: --steps begins a schedule and --cancel ends one; say one of them")
    told = ""
    if cancel:
        entry = session.cutover.cancel_schedule(operation, who, why or "not wanted any more")
        told = f"cancelled; ledger entry {entry.seq}. {operation} stays at {session.cutover.rollouts()[operation]}"
    elif steps is not None:
        rollouts = _steps(session, operation, stage, steps)
        entry = session.cutover.ask_schedule(
            operation, rollouts, who, why or "scheduled", pause_s=_seconds(pause), patience_s=_seconds(patience)
        )
        approve = f"strangler approve {operation} --to {shlex.quote(str(rollouts[-1]))}"
        told = f"scheduled; ledger entry {entry.seq}. Approvers agree to its end: {approve}"

    document = schedule_document(session, operation, time.time())
    if as_json:
        print_json(document)
        return
    if told:
        console.print(told, markup=False)
    console.print(document["told"] if document else f"{operation} has no schedule", markup=False)


def _steps(session: Session, operation: str, stage: Stage, steps: str) -> tuple[Rollout, ...]:
    percents = tuple(part.strip().removesuffix("%").strip() for part in steps.split(","))
    try:
        return shares_into(stage, percents, session.plan.operations[operation].effect)
    except ValueError as error:
        raise UsageError(f"--steps {steps!r}: {error}") from error


def _seconds(text: str) -> float:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no time: say a number with s, m, h or d, such as 30m")
    return float(found[1]) * _UNIT_S[found[2]]
