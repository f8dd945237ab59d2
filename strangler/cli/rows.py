"""``strangler rows``: whether two tables or queries in different databases have the same rows."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable

from strangler.cli.session import (
    DEFAULT_PLAN,
    JsonOption,
    PlanOption,
    StateOption,
    console,
    open_session,
    print_json,
)
from strangler.errors import UsageError
from strangler.evidence import rows_digest
from strangler.journal import Journal
from strangler.journal.row_runs import RowRun
from strangler.overview import Session
from strangler.plan.form import nearest
from strangler.plan.rows import Rows
from strangler.stages import Side as Which

if TYPE_CHECKING:
    from parity_checks.rows.findings import Tally
    from parity_checks.rows.reconcile import Progress as Reached
    from parity_checks.rows.reconcile import Reconciliation

_SHOWN = 10
_TOLD_EVERY_S = 10.0


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(rows)


def rows(
    name: Annotated[str | None, typer.Argument(help="The comparison's name under 'rows' in the plan.")] = None,
    old: Annotated[str | None, typer.Option("--old", help="Without a plan: address of the old database.")] = None,
    new: Annotated[str | None, typer.Option("--new", help="Without a plan: address of the new database.")] = None,
    table: Annotated[str | None, typer.Option("--table", help="Without a plan: the table on both sides.")] = None,
    new_table: Annotated[str | None, typer.Option("--new-table", help="Its name on the new side, if another.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="Without a plan: key columns, as id or dept,no.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the plan of work and read no row.")] = False,
    repair: Annotated[
        Path | None, typer.Option("--repair", help="Write SQL that would mend the new side; nothing runs it.")
    ] = None,
    results: Annotated[Path | None, typer.Option("--results", help="Where each difference is written.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last run stopped.")] = False,
    rows_per_s: Annotated[
        float | None, typer.Option("--rows-per-s", min=1, help="Most rows a second read on each side.")
    ] = None,
    statement_s: Annotated[
        float, typer.Option("--statement-s", min=1, help="Longest time for one statement, in seconds.")
    ] = 600.0,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the rows of two tables or queries. Exit code 1 where they differ, 3 where it was stopped early."""
    from parity_checks.rows.reconcile import Limits

    if name is not None and (old or new or table or new_table or key):
        raise UsageError(
            f"the plan says what {name!r} compares: leave out --old, --new, --table, --new-table and --key"
        )
    session = open_session(plan, state) if name is not None else None
    asked = _from_plan(session, name) if session and name else _ad_hoc(old, new, table, new_table, key)
    title = name or str(table)
    limits = Limits(rows_per_s=rows_per_s, timeout_s=statement_s, in_flight_s=asked.in_flight_s)
    with _reconciliation(asked, session, limits) as reconciliation:
        if explain:
            _explain(reconciliation, as_json=as_json)
            return
        path = results or _default_results(session, title)
        if repair is not None and asked.new.table is None:
            raise UsageError("the new side is a query: --repair needs a table")
        began = time.time()
        tally, is_complete = _run(reconciliation, path, resume=resume)
        document = _document(title, reconciliation, tally, path, is_complete=is_complete, began=began)
        if session is not None:
            _record(session, title, document, began=began, resume=resume)
        if repair is not None and is_complete:
            _write_repair(reconciliation, path, repair, str(asked.new.table), title)
            document["repair"] = str(repair)
    if as_json:
        print_json(document)
    else:
        _show(document, path, repair)
    raise typer.Exit(3 if not is_complete else 1 if tally.differences else 0)


def _from_plan(session: Session, name: str) -> Rows:
    found = session.plan.rows.get(name)
    if found is None:
        raise UsageError(f"the plan compares no rows named {name!r}; {nearest(name, session.plan.rows)}")
    return found


def _ad_hoc(old: str | None, new: str | None, table: str | None, new_table: str | None, key: str | None) -> Rows:
    if not (old and new and table and key):
        raise UsageError("name a comparison of the plan, or say all of --old, --new, --table and --key")
    document = {
        "old": {"connection": old, "table": table},
        "new": {"connection": new, "table": new_table or table},
        "key": [column.strip() for column in key.split(",")],
    }
    try:
        return Rows.model_validate(document)
    except ValidationError as error:
        raise UsageError(str(error)) from error


def _reconciliation(asked: Rows, session: Session | None, limits: Any) -> "Reconciliation":
    from parity_checks.rows.reconcile import Reconciliation, Subject
    from strangler.cli.row_doors import door_for

    plan = session.plan if session else None
    subject = Subject(
        old=door_for(asked.old, plan, "old", limits.timeout_s),
        new=door_for(asked.new, plan, "new", limits.timeout_s),
        key=asked.key,
        old_table=asked.old.table,
        old_query=asked.old.query,
        new_table=asked.new.table,
        new_query=asked.new.query,
        columns=asked.columns,
        rules=tuple((rule.column, rule) for rule in asked.rules),
    )
    has_ids = any(rule.as_ == "id" for rule in asked.rules)
    known = _IdentityMap(session.journal) if session and has_ids else None
    return Reconciliation(subject, limits, known)


class _IdentityMap:
    """The journal's identity map; each pair never changes, so it is asked for once."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._found: dict[tuple[str, str], str | None] = {}

    def new_of(self, name: str, old: str) -> str | None:
        """The new side's id of what the old side calls so."""
        if (name, old) not in self._found:
            if len(self._found) > 100_000:
                self._found.clear()
            self._found[name, old] = self._journal.ids(name, [old], Which.OLD).get(old)
        return self._found[name, old]


def _default_results(session: Session | None, title: str) -> Path:
    folder = session.state.reports_dir if session else Path()
    return folder / f"rows-{title}.jsonl"


def _run(reconciliation: "Reconciliation", path: Path, *, resume: bool) -> tuple["Tally", bool]:
    from parity_checks.rows.progress import Results

    with Results(path, reconciliation.digest, resume=resume) as found, _stoppable() as is_stopped, _told() as tell:
        reconciliation.should_stop = is_stopped
        return reconciliation.run(found, tell)


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """While it runs, the first Ctrl-C asks to stop after what is under way; the second one ends it."""
    asked = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        print("stopping after what is under way; once more ends it at once", file=sys.stderr)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _told() -> Iterator[Callable[["Reached"], None]]:
    """Progress with rate and time left: a bar on a terminal, a line every ten seconds elsewhere."""
    screen = Console(stderr=True)
    began = time.monotonic()
    if not screen.is_terminal:
        next_at = began + _TOLD_EVERY_S

        def line(reached: "Reached") -> None:
            nonlocal next_at
            now = time.monotonic()
            if now < next_at or not reached.done:
                return
            next_at = now + _TOLD_EVERY_S
            rate = reached.done / (now - began)
            left = max(0, reached.total - reached.done) / rate
            print(
                f"{reached.done:,} of about {reached.total:,} rows, {rate:,.0f} rows/s, about {left:.0f} s left, "
                f"{reached.tally.differences:,} differences",
                file=sys.stderr,
                flush=True,
            )

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("rows", total=None, rate="")

        def draw(reached: "Reached") -> None:
            rate = f"{reached.done / max(time.monotonic() - began, 0.001):,.0f} rows/s"
            words = f"{reached.done:,} rows, {reached.tally.differences:,} differences"
            bar.update(task, completed=reached.done, total=reached.total or None, description=words, rate=rate)

        yield draw


def _explain(reconciliation: "Reconciliation", *, as_json: bool) -> None:
    work = reconciliation.work
    columns: list[dict[str, Any]] = [
        {
            "old": pair.old.name,
            "new": pair.new.name,
            "as": str(pair.form),
            "rules": [f"{rule.as_}: {rule.why}" for rule in pair.rules],
            "compared": "in both databases" if pair.is_pushed else "here, row by row",
            "note": pair.note,
        }
        for pair in work.columns
    ]
    key = [{"old": pair.old.name, "new": pair.new.name, "as": str(pair.form)} for pair in work.key]
    if as_json:
        ignored, notes = list(work.ignored), list(work.notes)
        print_json(
            {"strategy": work.strategy.value, "key": key, "columns": columns, "ignored": ignored, "notes": notes}
        )
        return
    console.print(f"how: {work.strategy.value}", markup=False)
    for note in work.notes:
        console.print(f"  - {note}", markup=False)
    console.print("key: " + ", ".join(f"{entry['old']} ({entry['as']})" for entry in key), markup=False)
    shown = RichTable(box=None, pad_edge=False)
    for heading in ("old column", "new column", "as", "compared", "rules and notes"):
        shown.add_column(heading, overflow="fold")
    for entry in columns:
        said = "; ".join([*entry["rules"], *([entry["note"]] if entry["note"] else [])])
        shown.add_row(*map(str, (entry["old"], entry["new"], entry["as"], entry["compared"], said)))
    console.print(shown)
    if work.ignored:
        console.print("ignored by rule: " + ", ".join(work.ignored), markup=False)


def _document(
    title: str, reconciliation: "Reconciliation", tally: "Tally", path: Path, *, is_complete: bool, began: float
) -> dict[str, Any]:
    return {
        "name": title,
        "at": datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "took_s": round(time.time() - began, 3),
        "strategy": reconciliation.work.strategy.value,
        "is_complete": is_complete,
        "differences": tally.differences,
        **asdict(tally),
        "results": str(path),
    }


def _record(session: Session, title: str, document: dict[str, Any], *, began: float, resume: bool) -> None:
    """Counts go into the journal, where there is one, with what a gate must know to tell what they stand for."""
    result = {key: value for key, value in document.items() if key != "results"}
    result |= {"plan": rows_digest(session.plan, title), "began_at": began, "resumed": resume}
    session.journal.record_rows(RowRun(uuid4().hex, title, time.time(), result))


def _write_repair(reconciliation: "Reconciliation", found: Path, target: Path, table: str, title: str) -> None:
    from parity_checks.rows.findings import RowFinding
    from parity_checks.rows.repair import Repair

    made = Repair(reconciliation.work, table, reconciliation.sides[Which.NEW].dialect)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    target.chmod(0o600)
    heading = [f"Repair of {title}, new side, made from {found.name}. Nothing of it has been run."]
    with os.fdopen(descriptor, "w", encoding="utf-8") as file, found.open("rb") as lines:
        findings = (RowFinding.from_dict(orjson.loads(line)) for line in lines)
        file.writelines(f"{line}\n" for line in made.lines(findings, heading))


def _show(document: dict[str, Any], path: Path, repair: Path | None) -> None:
    counts = ", ".join(f"{document[kind]:,} {kind}" for kind in ("missing", "surplus", "changed", "duplicate"))
    rate = max(document["old_rows"], document["new_rows"]) / max(document["took_s"], 0.001)
    console.print(
        f"{document['old_rows']:,} old rows and {document['new_rows']:,} new rows in {document['took_s']:.1f} s "
        f"({rate:,.0f} rows/s, {document['strategy']})",
        markup=False,
    )
    if document["differences"]:
        console.print(f"{document['differences']:,} keys differ: {counts}", markup=False)
        for column, count in sorted(document["by_column"].items(), key=lambda item: (-item[1], item[0])):
            console.print(f"  {column}: {count:,}", markup=False)
        console.print(_examples(path))
        console.print(f"each with its values in {path} (personal data: readable by you alone)", markup=False)
    elif document["is_complete"]:
        console.print("no difference", markup=False)
    if document["settled"]:
        console.print(f"{document['settled']:,} rows differed at first and settled", markup=False)
    if not document["is_complete"]:
        console.print("stopped before the end: the same command with --resume goes on from here", markup=False)
    elif repair is not None:
        console.print(
            f"repair written to {repair} (personal data: readable by you alone; nothing runs it)", markup=False
        )


def _examples(path: Path) -> RichTable:
    """The first differences, masked."""
    from parity_checks.mask import mask
    from parity_checks.rows.findings import RowFinding

    shown = RichTable(box=None, pad_edge=False)
    for heading in ("key", "what", "column", "old", "new"):
        shown.add_column(heading, overflow="fold")
    with path.open("rb") as lines:
        for _, line in zip(range(_SHOWN), lines, strict=False):
            finding = RowFinding.from_dict(orjson.loads(line))
            key = ", ".join(mask(str(value)) for value in finding.key)
            for column in finding.columns or ("",):
                values = (_masked(side.get(column), column) for side in (finding.old, finding.new))
                shown.add_row(key, finding.kind.value, column, *values)
    return shown


def _masked(value: str | None, column: str) -> str:
    from parity_checks.mask import mask

    if not column:
        return ""
    return "NULL" if value is None else mask(value)
