"""``strangler parity coverage``: which items of the old side's contract the evidence has shown, and which never."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table as RichTable

from strangler.cli.session import DEFAULT_PLAN, JsonOption, PlanOption, StateOption, console, open_session, print_json
from strangler.overview.coverage import coverage_document, covered_operations, exit_code

_NO_CONTRACT = "{} names a contract: say 'wsdl:' or 'openapi:' of an old one; a database needs a coverage gate"


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(coverage)


def coverage(
    operation: Annotated[
        str | None, typer.Argument(help="The operation; all that have a contract if not given.")
    ] = None,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what compared traffic has shown of the old side's contract, and what it never did.

    Exit code 1 where a coverage gate holds, 3 where one has no data.
    """
    session = open_session(plan, state)
    names = [session.operation(operation)] if operation else covered_operations(session)
    documents = [coverage_document(session, name) for name in names]
    if as_json:
        print_json(documents)
    elif operation:
        _show_one(documents[0], has_contract=names[0] in covered_operations(session))
    else:
        _show_all(documents)
    raise typer.Exit(exit_code(documents))


def _show_all(documents: list[dict[str, Any]]) -> None:
    if not documents:
        console.print(_NO_CONTRACT.format("no system of the plan"))
        return
    table = RichTable(box=None, pad_edge=False)
    for heading in ("operation", "seen", "of", "share", "gate", "never seen, such as"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "operation")
    for document in documents:
        table.add_row(
            document["operation"],
            str(document["seen"]),
            str(document["expected"]),
            _percent(document["share"]),
            document["verdict"] or "–",
            escape(document["trouble"] or ", ".join(document["unseen"][:2]) or "–"),
        )
    console.print(table)


def _show_one(document: dict[str, Any], *, has_contract: bool) -> None:
    console.print(f"[bold]{document['operation']}[/]  {escape(document['source'])}")
    if document["trouble"]:
        console.print(f"the contract could not be read: {document['trouble']}", markup=False)
    if document["share"] is None:
        unread = "no worker has read the contract yet: run strangler up, or strangler worker"
        console.print(unread if has_contract else _NO_CONTRACT.format("nothing of this operation"))
        return
    wanted = "" if document["min"] is None else f", of {_percent(document['min'])} wanted: {document['verdict']}"
    console.print(
        f"{document['seen']} of {document['expected']} items seen, {_percent(document['share'])}{wanted}", markup=False
    )
    for heading, lines in (("never seen", document["unseen"]), ("seen", [_shown(item) for item in document["shown"]])):
        if lines:
            console.print(f"\n{heading}")
            for line in lines:
                console.print(f"  {line}", markup=False)
    if document["never"]:
        console.print("\nleft out by the plan")
        for left_out in document["never"]:
            console.print(f"  {left_out['item']}: {left_out['why']}{_effect(left_out)}", markup=False)


def _shown(item: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(item["first_at"], UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{item['item']}  (first {at}Z, exchange {item['example']})"


def _effect(left_out: dict[str, Any]) -> str:
    if left_out["seen_after_all"]:
        return f" – but seen: {', '.join(left_out['seen_after_all'][:3])}"
    if not left_out["left_out"]:
        return " – it matches no item: mend it, or take it out"
    return f" ({len(left_out['left_out'])})" if left_out["item"].endswith("*") else ""


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
