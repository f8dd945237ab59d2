"""``gate``, ``cutover``, ``approve``, ``rollback``, ``hold``, ``release``: everything that decides."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table as RichTable

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
from strangler.cutover import Proposal
from strangler.errors import StranglerError, UsageError
from strangler.evidence import Result
from strangler.holds import EVERYTHING, read_hold
from strangler.overview import Session, next_stage, parse_rollout, state_folder
from strangler.people import OPERATORS, check_person
from strangler.plan.models import Person
from strangler.stages import Stage
from strangler.stop import hold_now, release_now

ToOption = Annotated[
    str, typer.Option("--to", help="The rollout: a stage, or shares such as '{shadow: 90, live: 10}'.")
]

_COLOURS = {Result.PASS: "green", Result.HOLD: "red", Result.NO_DATA: "yellow", Result.STALE: "magenta"}


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (gate, cutover, approve, rollback, hold, release):
        app.command(rich_help_panel="Decide")(verb)


def gate(
    operation: OperationArgument,
    to: Annotated[str | None, typer.Option("--to", help="The rollout asked for; the next stage if not given.")] = None,
    who: Annotated[
        str | None, typer.Option("--as", envvar="STRANGLER_WHO", help="Who would ask for it; nobody if not given.")
    ] = None,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether the operation may move, which gates hold it, and what would make them pass."""
    session = open_session(plan, state)
    proposal = _proposal(session, operation, to, who)
    if as_json:
        print_json(_proposal_document(operation, proposal))
    else:
        _show(operation, proposal)
    raise typer.Exit(exit_code(proposal))


def cutover(
    operation: OperationArgument,
    to: ToOption,
    yes: Annotated[bool, typer.Option("--yes", help="Move without asking, where the gates pass.")] = False,
    why: WhyOption = "",
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the operation's rollout. Shows the gates first and refuses where they hold; asks on a terminal."""
    session = open_session(plan, state)
    proposal = _proposal(session, operation, to, who)
    if not as_json:
        _show(operation, proposal)
    if proposal.allowed and not yes:
        if not sys.stdin.isatty():
            raise UsageError("nothing was moved: say --yes where nobody can be asked")
        if not typer.confirm(f"Move {operation} from {proposal.before} to {proposal.after}?"):
            raise typer.Exit(1)
    builds = current_builds(session.plan, operation)
    if not proposal.allowed:
        record = session.cutover.record_refusal(proposal, who, why or "asked for", builds)
        if as_json:
            print_json({**_proposal_document(operation, proposal), "ledger_seq": record.seq})
        else:
            console.print(f"[bold red]refused[/]; nothing was moved. The refusal is ledger entry {record.seq}.")
        raise typer.Exit(exit_code(proposal))
    entry = session.cutover.move(operation, proposal.after, who, why or "gates passed", builds)
    if as_json:
        print_json({**_proposal_document(operation, proposal), "ledger_seq": entry.seq})
    else:
        console.print(f"moved to {proposal.after}; ledger entry {entry.seq}. Back: strangler rollback {operation}")


def approve(
    operation: OperationArgument,
    to: ToOption,
    why: WhyOption = "",
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Approve one rollout of one operation, on the evidence as it stands now."""
    session = open_session(plan, state)
    rollout = parse_rollout(session, operation, to)
    builds = current_builds(session.plan, operation)
    entry = session.cutover.approve(operation, rollout, who, why or "reviewed", builds)
    console.print(f"{who} approves {operation} to {rollout}; ledger entry {entry.seq}", markup=False)


def rollback(
    operation: OperationArgument,
    why: WhyOption,
    to: Annotated[Stage | None, typer.Option("--to", help="The stage to go back to; the plan's if not given.")] = None,
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Take an operation back, at once. No gate is asked."""
    session = open_session(plan, state)
    entry = session.cutover.rollback(session.operation(operation), who, why, to)
    console.print(f"{operation} is back at {session.cutover.rollouts()[operation]}; ledger entry {entry.seq}")


def hold(
    why: WhyOption,
    operation: Annotated[list[str] | None, typer.Argument(help="Operations; every one if none is given.")] = None,
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Send everything to the old systems at once. Works when the journal and the ledger do not."""
    _check_hold(operation, who, plan, state)
    folder = state_folder(plan, state)
    told = hold_now(folder, operation, who, why, time.time())
    held = read_hold(folder.hold_file)
    names = "every operation" if held is None or EVERYTHING in held.operations else ", ".join(held.operations)
    console.print(f"held: {names} answered by old, at once. {told}", markup=False)


def release(
    why: WhyOption,
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Lift the hold: the rollouts of the ledger apply again."""
    people = _people(open_session(plan, state))
    check_person(people, who, OPERATORS, "release a hold")
    told = release_now(state_folder(plan, state), who, why, time.time())
    console.print(f"released: the rollouts apply again. {told}", markup=False)


def exit_code(proposal: Proposal) -> int:
    """0 where it may move, 3 where there is only no data or stale evidence, 1 where anything else holds it."""
    if proposal.allowed:
        return 0
    results = [verdict.result for verdict in proposal.verdicts if verdict.result is not Result.PASS]
    is_for_lack_of_evidence = Result.HOLD not in results and len(proposal.reasons) == len(results)
    return 3 if is_for_lack_of_evidence else 1


def _check_hold(operations: list[str] | None, who: str, plan: Path, state: Path | None) -> None:
    """Refuse to hold what is not there (the caller would believe it held), or for somebody whom the plan does not name.

    A broken plan is no reason not to hold.
    """
    session = open_session(plan, state)
    try:
        _ = session.plan
    except (StranglerError, OSError):
        return
    for name in operations or ():
        session.operation(name)
    check_person(session.plan.people, who, (), "hold operations")


def _people(session: Session) -> Mapping[str, Person]:
    """The plan's people; nobody where the plan cannot be read: then nobody's role can be checked."""
    try:
        return session.plan.people
    except (StranglerError, OSError):
        return {}


def _proposal(session: Session, operation: str, to: str | None, who: str | None) -> Proposal:
    """The proposal on the builds that run now, so that evidence of earlier ones is stale at once."""
    rollout = parse_rollout(session, operation, next_stage(session, operation) if to is None else to)
    return session.cutover.propose(operation, rollout, who, current_builds(session.plan, operation))


def _proposal_document(operation: str, proposal: Proposal) -> dict[str, object]:
    return {
        "operation": operation,
        "from": proposal.before.as_dict(),
        "to": proposal.after.as_dict(),
        "allowed": proposal.allowed,
        "reasons": proposal.reasons,
        "gates": [
            {
                "gate": verdict.gate,
                "result": verdict.result,
                "value": verdict.value,
                "threshold": verdict.threshold,
                "reasons": verdict.reasons,
                "remedy": verdict.remedy,
            }
            for verdict in proposal.verdicts
        ],
    }


def _show(operation: str, proposal: Proposal) -> None:
    console.print(f"[bold]{operation}[/]: {proposal.before} → {proposal.after}")
    if not proposal.verdicts:
        console.print("  no gate stands before this move: callers go on hearing the side they hear now")
        _show_other_reasons(proposal)
        return
    table = RichTable(box=None, pad_edge=False)
    for heading in ("gate", "result", "value", "threshold", "reasons"):
        table.add_column(heading, overflow="fold")
    for verdict in proposal.verdicts:
        colour = _COLOURS[verdict.result]
        reasons = "\n".join([*verdict.reasons, *([f"→ {verdict.remedy}"] if verdict.remedy else [])])
        said = f"[{colour}]{verdict.result}[/]"
        table.add_row(verdict.gate, said, escape(verdict.value), escape(verdict.threshold), escape(reasons))
    console.print(table)
    _show_other_reasons(proposal)


def _show_other_reasons(proposal: Proposal) -> None:
    """What stands against the move beside the gates."""
    gates = tuple(f"{verdict.gate}: " for verdict in proposal.verdicts)
    for reason in proposal.reasons:
        if not reason.startswith(gates):
            console.print(f"  [red]but[/] {escape(reason)}")
