"""``strangler parity``: what differs, how sure we are, and who has agreed to what."""

import time
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table as RichTable

from parity_checks.mask import mask_at
from parity_checks.report.rule_text import rule_text
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
from strangler.exchange import OutcomeKind
from strangler.journal import Finding
from strangler.ledger import Entry, EntryKind
from strangler.overview import Session, next_stage, parse_rollout
from strangler.plan.comparison import Compare
from strangler.plan.rule_paths import parse_path

if TYPE_CHECKING:
    from parity_checks.causes import Cause
    from parity_checks.report import Report

app = typer.Typer(help="What differs between old and new, and how sure we are.", no_args_is_help=True)

SignatureArgument = Annotated[str, typer.Argument(help="The finding's signature, or enough of its beginning.")]


@app.command()
def report(
    html: Annotated[Path | None, typer.Option("--html", help="Where to write the page.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Where to write JUnit XML.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json-file", help="Where to write JSON.")] = None,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the parity report. Exit code 1 where a finding is open, 3 where nothing was compared."""
    from parity_checks.report import write_html, write_json, write_junit

    session = open_session(plan, state)
    document = make_report(session)
    targets = [target for target in (html, junit, json_file) if target is not None]
    if not targets and not as_json:
        html = session.state.reports_dir / "parity.html"
        targets = [html]
    for target, write in ((html, write_html), (junit, write_junit), (json_file, write_json)):
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            write(document, target)
    if as_json:
        print_json(document.as_dict())
    else:
        _show_findings(document)
        console.print("written: " + ", ".join(str(target) for target in targets), markup=False)
    raise typer.Exit(1 if document.open_findings else 0 if _has_data(document) else 3)


@app.command()
def show(
    signature: SignatureArgument,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show clear values; recorded in the ledger.")] = False,
    why: Annotated[str, typer.Option("--why", help="Why the clear values are needed (with --reveal).")] = "",
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one finding with its example, masked unless revealing is asked for and recorded."""
    session = open_session(plan, state)
    finding = find(session, signature)
    if reveal and not why:
        raise UsageError("--reveal shows personal data: say --why")
    if reveal:
        body = {"signature": finding.signature, "exchange": finding.example_exchange_id, "why": why}
        session.ledger.append(EntryKind.REVEAL, who, body, now=time.time())
    old, new = (finding.old, finding.new) if reveal else masked(session, finding)
    cause = likely(session, finding)
    if as_json:
        plain = {name: value for name, value in asdict(finding).items() if name != "samples"}
        told = {"cause": cause.words if cause else "", "rule": dict(cause.rule) if cause and cause.rule else None}
        print_json({**plain, "old": old, "new": new, "is_clear": reveal, **told})
        return
    console.print(f"[bold]{finding.operation}[/]  {finding.kind}  {escape(finding.general_path)}")
    console.print(f"signature {finding.signature}; {finding.count} times over {finding.inputs} inputs")
    console.print(f"example {finding.example_exchange_id} at {finding.example_path}", markup=False)
    console.print(f"  old: {'–' if old is None else old}\n  new: {'–' if new is None else new}", markup=False)
    if cause is not None:
        console.print(f"likely cause: {cause.words}", markup=False)
    if cause is not None and cause.rule is not None:
        console.print(
            f"a rule that would make all of it equal:\n  {rule_text(cause.rule)}", markup=False, soft_wrap=True
        )
    if not reveal:
        console.print("values are masked; --reveal --why '...' shows them and records that you looked")


@app.command()
def accept(
    signature: SignatureArgument,
    owner: Annotated[str, typer.Option("--owner", help="Who owns this acceptance.")],
    why: WhyOption,
    until: Annotated[str, typer.Option("--until", help="Last day it holds, as 2027-01-31.")],
    max_rate: Annotated[
        float | None,
        typer.Option(
            "--max-rate",
            min=0,
            max=1,
            help="Share of exchanges it may touch; the present one, rounded up to a whole per cent, if not given.",
        ),
    ] = None,
    old_is_wrong: Annotated[bool, typer.Option("--old-is-wrong", help="The new side is right: say so.")] = False,
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Agree that a finding does not count: this signature, until this day, at most at this rate."""
    session = open_session(plan, state)
    finding = find(session, signature)
    rate = present_rate(session, finding) if max_rate is None else max_rate
    entry = session.review.accept(
        finding.signature,
        operation=finding.operation,
        verdict="old_is_wrong" if old_is_wrong else "accepted",
        owner=owner,
        why=why,
        until=until,
        max_rate=rate,
        who=who,
    )
    console.print(
        f"accepted until {until}, for at most {rate:.4g} of what is compared; ledger entry {entry.seq}. "
        f"Approvals of {finding.operation} are void"
    )


@app.command()
def reject(
    signature: SignatureArgument,
    why: WhyOption,
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Say that new is wrong: the finding counts, whatever was agreed before."""
    session = open_session(plan, state)
    finding = find(session, signature)
    entry = session.review.reject(finding.signature, operation=finding.operation, who=who, why=why)
    console.print(f"rejected: new is wrong, and it counts as a mismatch; ledger entry {entry.seq}")


@app.command()
def reopen(
    signature: SignatureArgument,
    why: WhyOption,
    who: WhoOption = DEFAULT_WHO,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Take back what was said of a finding: it counts, and waits for a verdict."""
    session = open_session(plan, state)
    finding = find(session, signature)
    entry = session.review.reopen(finding.signature, operation=finding.operation, who=who, why=why)
    console.print(f"open again: it counts as a mismatch until somebody decides; ledger entry {entry.seq}")


def make_report(session: Session) -> "Report":
    """The report of everything in the journal under the evidence as it stands now."""
    from parity_checks.report import build_report

    verdicts = {
        name: session.cutover.propose(name, parse_rollout(session, name, next_stage(session, name)), None).verdicts
        for name in session.plan.operations
    }
    return build_report(session.plan, session.journal, acceptances(session), verdicts, time.time())


def acceptances(session: Session) -> list[Entry]:
    """What was said of findings, oldest first."""
    kinds = (EntryKind.ACCEPTANCE, EntryKind.REJECTION, EntryKind.REOPENING)
    return [entry for entry in session.ledger.entries() if entry.kind in kinds]


def find(session: Session, signature: str) -> Finding:
    """The finding whose signature begins so.

    Raises:
        UsageError: none does, or more than one.
    """
    oldest_first = sorted(session.journal.findings(), key=lambda item: item.last_at)
    found = {item.signature: item for item in oldest_first if item.signature.startswith(signature)}
    if len(found) == 1:
        return next(iter(found.values()))
    known = "no finding" if not found else f"{len(found)} findings"
    raise UsageError(f"{known} with a signature that begins with {signature!r}: see strangler parity report")


def present_rate(session: Session, finding: Finding) -> float:
    """The share of compared exchanges that have this finding, rounded up to a whole per cent.

    Raises:
        UsageError: nothing says of how many it was found.
    """
    seen = session.journal.parity(finding.operation, finding.fingerprint, time.time(), ())
    compared = seen.exchanges.total - seen.exchanges.of(OutcomeKind.NOT_COMPARED)
    if compared <= 0:
        raise UsageError("nobody knows of how many exchanges it was found: say --max-rate")
    return min(1.0, ceil(100 * finding.count / compared) / 100)


def masked(session: Session, finding: Finding) -> tuple[str | None, str | None]:
    """The example's old and new value as people may see them: masked, unless the plan shows values at this path."""
    entry = session.plan.operations.get(finding.operation)
    show = [parse_path(path) for path in entry.compare.show] if entry else []
    return mask_at(finding.old, finding.general_path, show), mask_at(finding.new, finding.general_path, show)


def likely(session: Session, finding: Finding) -> "Cause | None":
    """What may be behind a finding, told without any value that the plan does not show."""
    from parity_checks.report import cause_of

    entry = session.plan.operations.get(finding.operation)
    compare = entry.compare if entry else Compare()
    return cause_of(finding, tuple(parse_path(path) for path in compare.show), compare.rules)


def _has_data(document: "Report") -> bool:
    return any(sum(operation.exchanges.values()) for operation in document.operations)


def _show_findings(document: "Report") -> None:
    """The findings under the present evidence; those of earlier builds, rules and entries are counted only."""
    table = RichTable(box=None, pad_edge=False)
    for heading in (
        "signature",
        "operation",
        "kind",
        "path",
        "count",
        "inputs",
        "old",
        "new",
        "verdict",
        "likely cause",
    ):
        table.add_column(heading, overflow="fold")
    found = [finding for operation in document.operations for finding in operation.findings]
    for finding in found:
        old, new = ("–" if value is None else value[:40] for value in (finding.old, finding.new))
        cells = (finding.operation, finding.kind, finding.path, str(finding.count), str(finding.inputs), old, new)
        told = (finding.standing.value, finding.cause)
        table.add_row(finding.signature[:10], *(escape(cell) for cell in (*cells, *told)))
    if found:
        console.print(table)
    elif _has_data(document):
        console.print("no finding under the present evidence")
    else:
        console.print("NO DATA: nothing was compared under the present evidence")
    if earlier := sum(len(operation.earlier) for operation in document.operations):
        console.print(f"{earlier} findings of earlier builds, rules or plan entries: the page has them")
