"""``gate``, ``cutover``, ``approve``, ``rollback``, ``hold``, ``release``: everything that decides."""

import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.builds import current_builds
from strangler.cli.proposing import exit_code, proposal_document, show_blast, show_proposal
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
from strangler.holds import EVERYTHING, read_hold
from strangler.overview import Session, blast_document, next_stage, parse_rollout, state_folder, way_back
from strangler.people import OPERATORS, check_person
from strangler.plan.models import Person
from strangler.stages import Stage
from strangler.stop import hold_now, release_now

ToOption = Annotated[
    str, typer.Option("--to", help="The rollout: a stage, or shares such as '{shadow: 90, live: 10}'.")
]


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
        print_json(proposal_document(operation, proposal))
    else:
        show_proposal(operation, proposal)
    raise typer.Exit(exit_code(proposal))


def cutover(
    operation: OperationArgument,
    to: ToOption,
    yes: Annotated[bool, typer.Option("--yes", help="Move, where the gates pass; without it nothing moves.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what the move would do, and move nothing; the default on a terminal."),
    ] = False,
    override: Annotated[
        bool, typer.Option("--override", help="Ask to move although gates hold; with --yes move, once confirmed.")
    ] = False,
    why: WhyOption = "",
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the operation's rollout, where the gates pass; with --yes.

    Without it a terminal is shown the gates, who the move reaches and the way back; nothing moves, and nothing is
    recorded.
    """
    session = open_session(plan, state)
    proposal = _proposal(session, operation, to, who)
    if override and not dry_run:
        _override(session, proposal, who, why, yes=yes, as_json=as_json)
        return
    if dry_run or not yes:
        _check_terminal(dry_run=dry_run, yes=yes)
        _show_dry_run(session, proposal, as_json=as_json)
        raise typer.Exit(exit_code(proposal))
    if not as_json:
        show_proposal(operation, proposal)
    builds = current_builds(session.plan, operation)
    if not proposal.allowed:
        record = session.cutover.record_refusal(proposal, who, why or "asked for", builds)
        if as_json:
            print_json({**proposal_document(operation, proposal), "ledger_seq": record.seq})
        else:
            console.print(f"[bold red]refused[/]; nothing was moved. The refusal is ledger entry {record.seq}.")
        raise typer.Exit(exit_code(proposal))
    back = way_back(session, proposal)
    entry = session.cutover.move(operation, proposal.after, who, why or "gates passed", builds)
    if as_json:
        print_json({**proposal_document(operation, proposal), "ledger_seq": entry.seq})
    else:
        console.print(f"moved to {proposal.after}; ledger entry {entry.seq}. Back: {back}", markup=False)


def _override(session: Session, proposal: Proposal, who: str, why: str, *, yes: bool, as_json: bool) -> None:
    """Ask for a move although gates hold; move where that was asked and confirmed. Exit code 1 where nothing moved."""
    operation, to, builds = proposal.operation, proposal.after, current_builds(session.plan, proposal.operation)
    if not as_json:
        show_proposal(operation, proposal)
    ask = session.cutover.asked_override(operation, to, builds)
    lacks: tuple[str, ...] = ()
    if ask is not None:
        lacks = session.cutover.lacks_of_override(proposal, who, builds)
    if ask is not None and yes and (proposal.allowed or not lacks):
        entry = session.cutover.move(operation, to, who, why or ask.why, builds, override=True)
        told = f"moved to {to} by override; ledger entry {entry.seq}. Back: {way_back(session, proposal)}"
        is_moved, seq = True, entry.seq
    elif ask is not None:
        is_moved, seq = False, ask.seq
        then = "; ".join(lacks) or "confirmed: the same with --yes moves it"
        told = f"nothing was moved. {ask.who} asked for it by ledger entry {ask.seq}: {then}"
    else:
        entry = session.cutover.ask_override(operation, to, who, why, builds)
        is_moved, seq = False, entry.seq
        confirm = f"strangler approve {operation} --to {shlex.quote(str(to))} --override --why '...' --as APPROVER"
        told = f"nothing was moved; asked by ledger entry {seq}. Somebody else confirms: {confirm}"
    if as_json:
        document = {**proposal_document(operation, proposal), "lacks": list(lacks), "moved": is_moved}
        print_json({**document, "ledger_seq": seq})
    else:
        console.print(told, markup=False, soft_wrap=True)
    if not is_moved:
        raise typer.Exit(1)


def _check_terminal(*, dry_run: bool, yes: bool) -> None:
    if dry_run and yes:
        raise UsageError("nothing was moved: --dry-run moves nothing and --yes moves; say one of them")
    if not dry_run and not sys.stdin.isatty():
        raise UsageError("nothing was moved: say --yes to move, or --dry-run to see what the move would do")


def _show_dry_run(session: Session, proposal: Proposal, *, as_json: bool) -> None:
    blast = blast_document(session, proposal, time.time())
    if as_json:
        print_json({**proposal_document(proposal.operation, proposal), "dry_run": True, "blast": blast})
        return
    show_proposal(proposal.operation, proposal)
    show_blast(blast)
    then = "The same with --yes moves it." if proposal.allowed else "It would be refused."
    console.print(f"dry run: nothing was moved. {then}")


def approve(
    operation: OperationArgument,
    to: ToOption,
    override: Annotated[
        bool, typer.Option("--override", help="Confirm what somebody else asked for although gates hold.")
    ] = False,
    why: WhyOption = "",
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Approve one rollout of one operation, on the evidence as it stands now."""
    session = open_session(plan, state)
    rollout = parse_rollout(session, operation, to)
    builds = current_builds(session.plan, operation)
    if override:
        entry = session.cutover.confirm_override(operation, rollout, who, why, builds)
        told = f"{who} confirms the override of {operation} to {rollout}; ledger entry {entry.seq}"
        console.print(told, markup=False, soft_wrap=True)
        return
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
