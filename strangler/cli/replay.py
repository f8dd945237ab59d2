"""``strangler parity replay``: a recorded window asked again of the new build, without any caller."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable

from strangler.cli.session import DEFAULT_PLAN, JsonOption, PlanOption, StateOption, console, open_session, print_json
from strangler.errors import SystemUnreachable, UsageError
from strangler.exchange import Exchange, Failure, Outcome, OutcomeKind
from strangler.journal import Finding
from strangler.overview import Session

if TYPE_CHECKING:
    from parity_checks.ask.replaying import Window

_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SINCE = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_LINE_EVERY_S = 5.0
_NOBODY = {Failure.UNREACHABLE.value, Failure.BREAKER_OPEN.value, Failure.TIMEOUT.value}


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(replay)


def replay(
    operation: Annotated[str | None, typer.Argument(help="The operation, such as pensions.get-entitlement.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every operation that may be asked again.")] = False,
    since: Annotated[str, typer.Option("--since", help="How far back, such as 90s, 30m, 2h or 7d.")] = "24h",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most exchanges of each operation, the newest.")] = 1_000,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask recorded exchanges again of the new build that runs now, and compare with what old answered then.

    Old may have changed since: where the two disagree both are asked again, so that a changed record is no defect.
    Reads only, and writes with the policy sandbox. A running worker judges; where none runs, this command does.

    Exit code 1 where the sides disagree or new fails, 3 where nothing was recorded or something could not be compared,
    4 where the new side cannot be reached.
    """
    session = open_session(plan, state)
    names = _operations(session, operation, is_all=is_all)
    begin = time.time() - _seconds(since)
    windows = {name: _window(session, name, begin, limit) for name in names}
    copies = [one for found in windows.values() for one in found.exchanges]
    known = {_mark(finding) for finding in session.journal.findings()}
    outcomes = _ask(session, copies, is_quiet=as_json) if copies else []
    fresh = [found for found in session.journal.findings() if _mark(found) not in known and found.operation in names]
    document = _document(windows, copies, outcomes, fresh)
    if as_json:
        print_json(document)
    else:
        _show(document)
    _refuse_unreachable(session, names, outcomes)
    raise typer.Exit(_exit_code(copies, outcomes))


def _operations(session: Session, operation: str | None, *, is_all: bool) -> list[str]:
    from parity_checks.ask.replaying import why_never

    if is_all == (operation is not None):
        raise UsageError("say either an operation or --all")
    if operation is not None:
        return [session.operation(operation)]
    refused = {name: why for name in session.plan.operations if (why := why_never(session.plan, name))}
    for name, why in refused.items():
        typer.echo(f"left out: {name}: {why}", err=True)
    return [name for name in session.plan.operations if name not in refused]


def _seconds(since: str) -> float:
    found = _SINCE.fullmatch(since.strip())
    if found is None:
        raise UsageError(f"--since {since!r}: say a number with s, m, h or d, such as 2h")
    return float(found[1]) * _UNIT_S[found[2]]


def _window(session: Session, operation: str, since: float, limit: int) -> "Window":
    from parity_checks.ask.replaying import window

    return window(session.plan, operation, session.journal, since, limit)


def _ask(session: Session, copies: Sequence[Exchange], *, is_quiet: bool) -> list[Outcome]:
    from parity_checks.ask.replaying import replay as replay_all

    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=is_quiet or not console.is_terminal) as progress:
        task = progress.add_task("replaying", total=len(copies))
        done, last = 0, time.monotonic()

        def told(more: int) -> None:
            nonlocal done, last
            done += more
            progress.advance(task, more)
            if not is_quiet and not console.is_terminal and time.monotonic() - last >= _LINE_EVERY_S:
                last = time.monotonic()
                console.print(f"{done} of {len(copies)} judged")

        return asyncio.run(replay_all(session.plan, copies, session.journal, told=told))


def _mark(finding: Finding) -> tuple[str, str, str]:
    return finding.operation, finding.fingerprint, finding.signature


def _document(
    windows: "dict[str, Window]", copies: Sequence[Exchange], outcomes: Sequence[Outcome], fresh: Sequence[Finding]
) -> dict[str, object]:
    kinds = Counter(outcome.kind.value for outcome in outcomes)
    not_compared = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.NOT_COMPARED]
    reasons = Counter(outcome.reason.value for outcome in not_compared if outcome.reason)
    left_out: Counter[str] = Counter()
    for found in windows.values():
        left_out.update(found.left_out)
    return {
        "operations": {name: len(found.exchanges) for name, found in windows.items()},
        "asked": len(copies),
        "judged": len(outcomes),
        "outcomes": dict(kinds),
        "not_compared": dict(reasons),
        "settled": sum(outcome.settled > 0 for outcome in outcomes),
        "left_out": dict(left_out),
        "findings": [
            {
                "signature": found.signature,
                "operation": found.operation,
                "kind": found.kind,
                "general_path": found.general_path,
                "count": found.count,
            }
            for found in fresh
        ],
    }


def _show(document: dict[str, object]) -> None:
    table = RichTable(box=None, pad_edge=False)
    for heading in ("outcome", "exchanges"):
        table.add_column(heading)
    for kind, count in sorted(dict(document["outcomes"]).items()):  # type: ignore[call-overload]
        table.add_row(kind, str(count))
    if not document["asked"]:
        console.print("NO DATA: nothing that can be asked again was recorded in this time; say a longer --since")
        return
    console.print(table)
    console.print(f"{document['judged']} of {document['asked']} judged, {document['settled']} after asking both again")
    findings: list[dict[str, object]] = document["findings"]  # type: ignore[assignment]
    if findings:
        table = RichTable(box=None, pad_edge=False, title="new findings", title_justify="left")
        for heading in ("signature", "operation", "kind", "path", "count"):
            table.add_column(heading, overflow="fold")
        for found in findings:
            cells = (found["operation"], found["kind"], found["general_path"], found["count"])
            table.add_row(str(found["signature"])[:10], *(escape(str(cell)) for cell in cells))
        console.print(table)


def _refuse_unreachable(session: Session, names: Sequence[str], outcomes: Sequence[Outcome]) -> None:
    """Say so where nothing at all came back.

    Raises:
        SystemUnreachable: no exchange got any answer of the new side.
    """
    failed = [one for one in outcomes if one.kind is OutcomeKind.NEW_FAILED]
    if failed and len(failed) == len(outcomes) and {one.detail for one in failed} <= _NOBODY:
        system = session.plan.operations[names[0]].new.system
        raise SystemUnreachable(system, f"no answer to any of {len(failed)} exchanges: {failed[0].detail}")


def _exit_code(copies: Sequence[Exchange], outcomes: Sequence[Outcome]) -> int:
    kinds = {outcome.kind for outcome in outcomes}
    if kinds & {OutcomeKind.MISMATCH, OutcomeKind.NEW_FAILED}:
        return 1
    return 3 if OutcomeKind.NOT_COMPARED in kinds or len(outcomes) < len(copies) or not copies else 0
