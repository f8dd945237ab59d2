"""``strangler parity probe``: requests made from the contract, asked of both sides, for what no caller has asked."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table as RichTable

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
from strangler.errors import SystemUnreachable, UsageError
from strangler.evidence import entry_digest, is_item
from strangler.exchange import Exchange, OutcomeKind
from strangler.overview import Session
from strangler.stages import Effect

if TYPE_CHECKING:
    from parity_checks.ask.probing import Probe, Probed
    from parity_checks.coverage import Contract

MOST_TEMPLATES = 50
"""So many of the newest recorded requests are tried as models."""


@dataclass(frozen=True, slots=True)
class _Made:
    """An item with its probe, made from a recorded exchange; or why there is none."""

    item: str
    probe: "Probe | None" = None
    model: str = ""
    why_not: str = ""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(probe)


def probe(
    operation: OperationArgument,
    item: Annotated[
        list[str] | None, typer.Option("--item", help="Only this item, seen or not; '*' at its end stands for more.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="Most requests.")] = 20,
    rate: Annotated[float, typer.Option("--rate", min=0.01, max=50, help="Most requests a second.")] = 2.0,
    seed: Annotated[
        int, typer.Option("--seed", help="Where randomness begins: the same one makes the same requests.")
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be asked.")] = False,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask both sides for request-side items of the contract that no caller has shown. Reads only.

    Each request is a recorded one, changed in one place. Exit code 1 where the sides disagree, 3 where there is no
    contract, no recorded request or no outcome, 4 where the old side does not answer.
    """
    session = open_session(plan, state)
    name = session.operation(operation)
    if session.plan.operations[name].effect is not Effect.READ:
        raise UsageError(f"{name} is a write: nothing is made up that changes anything")
    contract = _contract(session, name, as_json=as_json)
    wanted = _wanted(session, name, contract, item or [])[:limit]
    if wanted and not list(session.journal.requests(name, limit=1)):
        raise _no_data("no recorded request to take as a model: its key must be somebody's real one", as_json=as_json)
    with _scratch(session.state.path / "hypothesis"):
        made = list(_made(session, name, contract, wanted, seed))
    probed = [] if dry_run else _ask(session, name, [one.probe for one in made if one.probe is not None], rate)
    documents = _documents(made, probed)
    if as_json:
        print_json(documents)
    else:
        _show(session, name, documents, is_dry=dry_run)
    raise typer.Exit(_exit_code(made, probed, is_dry=dry_run))


def _no_data(words: str, *, as_json: bool) -> typer.Exit:
    """Say so; beside the JSON of nothing where a machine reads."""
    typer.echo(f"NO DATA: {words}", err=as_json)
    if as_json:
        print_json([])
    return typer.Exit(3)


def _contract(session: Session, operation: str, *, as_json: bool) -> "Contract":
    from parity_checks.coverage import NoContract
    from parity_checks.coverage.sources import Sources

    try:
        return Sources(session.plan, session.plan_path.parent).contract(operation)
    except NoContract as error:
        raise _no_data(str(error), as_json=as_json) from error


@contextmanager
def _scratch(folder: Path) -> Iterator[None]:
    """Where hypothesis keeps its tables of characters: in the state folder, not wherever the command was called."""
    from hypothesis.configuration import set_hypothesis_home_dir

    set_hypothesis_home_dir(folder)
    try:
        yield
    finally:
        set_hypothesis_home_dir(None)


def _wanted(session: Session, operation: str, contract: "Contract", patterns: Sequence[str]) -> list[str]:
    """The items that are asked for: those named, else all that were never seen and are not left out by the plan.

    Raises:
        UsageError: a named item is none of the contract's, or none that a request can be made for.
    """
    from parity_checks.coverage.probes import targets

    if patterns:
        possible = targets(contract, lambda _: True, sorted(contract.items))
        for pattern in patterns:
            if not any(is_item(one, pattern) for one in possible):
                raise UsageError(f"no request can be made for {pattern!r}: see strangler parity coverage {operation}")
        return [one for one in possible if any(is_item(one, pattern) for pattern in patterns)]
    mark = session.cutover.evidence(operation).fingerprint
    known = session.journal.seen_items(operation, entry_digest(session.plan, operation), mark)
    seen = {one.item for one in known if one.example is not None}
    gate = session.plan.operations[operation].gates.coverage
    never = [left_out.item for left_out in gate.never] if gate else []
    unseen = sorted(contract.items - seen)
    return targets(contract, lambda one: not any(is_item(one, pattern) for pattern in never), unseen)


def _made(session: Session, operation: str, contract: "Contract", wanted: Sequence[str], seed: int) -> Iterator[_Made]:
    models = sorted(session.journal.requests(operation, limit=MOST_TEMPLATES), key=lambda one: one.answer.has_refused)
    for item in wanted:
        yield _first(session, operation, contract, item, models, seed)


def _first(
    session: Session, operation: str, contract: "Contract", item: str, models: Sequence[Exchange], seed: int
) -> _Made:
    """The item's probe, of the first recorded exchange that will do."""
    from parity_checks.ask.probing import Probe
    from parity_checks.coverage.probes import probe as make
    from parity_checks.coverage.values import NoValue
    from proxy.decide import compile_table, decide

    table = compile_table(session.plan, {})
    why_not = ""
    for model in models:
        try:
            request = make(contract, item, model.request, Random(f"{seed} {item}"))  # noqa: S311  it must repeat
        except NoValue as error:
            why_not = str(error)
            continue
        before, after = decide(table, model.request), decide(table, request)
        if after.operation != operation or after.key != before.key:
            why_not = "it would be about another key"
            continue
        return _Made(item, Probe(item, request, after.key), model.id)
    return _Made(item, why_not=why_not)


def _ask(session: Session, operation: str, probes: Sequence["Probe"], rate: float) -> list["Probed"]:
    from parity_checks.ask.probing import ask_probes
    from parity_checks.coverage.sources import Sources

    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("asking", total=len(probes))
        probed = asyncio.run(
            ask_probes(
                session.plan,
                operation,
                probes,
                session.journal,
                lambda plan: Sources(plan, session.plan_path.parent),
                rate_per_s=rate,
                told=lambda: progress.advance(task),
            )
        )
    if probed and all(one.old.status is None for one in probed):
        failure = probed[0].old.failure
        raise SystemUnreachable(session.plan.operations[operation].old.system, f"no answer to any probe: {failure}")
    return probed


def _documents(made: Sequence[_Made], probed: Sequence["Probed"]) -> list[dict[str, Any]]:
    by_item = {one.probe.item: one for one in probed}
    documents = []
    for one in made:
        found = by_item.get(one.item)
        outcome = found.outcome if found else None
        documents.append(
            {
                "item": one.item,
                "model": one.model,
                "why_not": one.why_not,
                "exchange": found.exchange_id if found and outcome else None,
                "old": found.old.failure or found.old.status if found else None,
                "outcome": outcome.kind if outcome else None,
                "detail": (outcome.detail or outcome.reason or "") if outcome else "",
                "paths": sorted({difference.general_path for difference in outcome.differences}) if outcome else [],
            }
        )
    return documents


def _show(session: Session, operation: str, documents: Sequence[dict[str, Any]], *, is_dry: bool) -> None:
    if not documents:
        console.print("nothing to ask: every item that a request can show was seen, or is left out by the plan")
        return
    table = RichTable(box=None, pad_edge=False)
    for heading in ("item", "made from", *(() if is_dry else ("old", "outcome", "exchange"))):
        table.add_column(heading, overflow="fold")
    for one in documents:
        told = [str(one["old"] or "–"), _told(one), one["exchange"] or "–"]
        cells = (one["item"], one["model"] or f"not made: {one['why_not']}", *(() if is_dry else told))
        table.add_row(*map(escape, cells))
    console.print(table)
    if not is_dry:
        found = session.cutover.evidence(operation).coverage
        if found is not None:
            console.print(f"{found.seen} of {found.expected} items of the contract are seen now")


def _told(one: dict[str, Any]) -> str:
    more = ", ".join(one["paths"][:3]) or one["detail"]
    return (one["outcome"] or "–") + (f": {more}" if more else "")


def _exit_code(made: Sequence[_Made], probed: Sequence["Probed"], *, is_dry: bool) -> int:
    kinds = {one.outcome.kind for one in probed if one.outcome is not None}
    if kinds & {OutcomeKind.MISMATCH, OutcomeKind.NEW_FAILED}:
        return 1
    is_asked = is_dry or (len(kinds) > 0 and OutcomeKind.NOT_COMPARED not in kinds)
    is_whole = all(one.probe is not None for one in made) and (is_dry or all(one.outcome for one in probed))
    return 0 if not made or (is_asked and is_whole) else 3
