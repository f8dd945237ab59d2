"""``strangler plan``: check it, explain a request by it, print its schema."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape

from proxy.decide import compile_table
from strangler.cli.plan_diff import diff
from strangler.cli.request_forms import from_curl, from_har
from strangler.cli.rule_code import check_code, with_digest
from strangler.cli.sarif import sarif
from strangler.cli.session import DEFAULT_PLAN, JsonOption, PlanOption, StateOption, console, open_session, print_json
from strangler.errors import PlanError, Problem, UsageError
from strangler.exchange import Request
from strangler.overview.session import held_operations
from strangler.plan import schema as plan_schema
from strangler.plan.explain import explain as explain_request

app = typer.Typer(
    help="Check the plan, explain a request by it, hold another plan against what was recorded.", no_args_is_help=True
)
app.command()(diff)


@app.command()
def check(
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    sarif_file: Annotated[Path | None, typer.Option("--sarif", help="Write SARIF 2.1.0 here, for code hosts.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Load the plan and say everything that is wrong with it: file, line, key, and what to write instead."""
    session = open_session(plan, state)
    try:
        loaded = session.loaded
        problems, warnings = list(check_code(loaded)), loaded.warnings
    except PlanError as error:
        problems, warnings = [with_digest(problem, plan) for problem in error.problems], ()
    if sarif_file is not None:
        sarif_file.write_bytes(orjson.dumps(sarif(problems, warnings), option=orjson.OPT_INDENT_2))
    if problems:
        _tell(problems, as_json=as_json)
        raise typer.Exit(2)
    if as_json:
        print_json(
            {"ok": True, "digest": loaded.digest, "warnings": [_problem(problem) for problem in loaded.warnings]}
        )
        return
    for problem in loaded.warnings:
        console.print(f"[yellow]warning[/] {escape(str(problem))}", soft_wrap=True)
    counted = f"{len(session.plan.operations)} operations of {len(session.plan.systems)} systems"
    console.print(f"{plan}: {counted}; all well.", markup=False, soft_wrap=True)


def _tell(problems: Sequence[Problem], *, as_json: bool) -> None:
    """What keeps the plan from being used."""
    if as_json:
        print_json({"ok": False, "problems": [_problem(problem) for problem in problems]})
        return
    for problem in problems:
        console.print(f"[red]error[/] {escape(str(problem))}", soft_wrap=True)
    console.print(f"{len(problems)} to mend; nothing was changed.")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a plan, for editors: save it as plan.schema.json beside the plan."""
    sys.stdout.write(json.dumps(plan_schema(), indent=2, ensure_ascii=False) + "\n")


@app.command()
def explain(
    target: Annotated[
        str | None, typer.Argument(help="Path with query, such as /pensions or /health/patients?nhsNumber=1.")
    ] = None,
    method: Annotated[str, typer.Option("--method", "-X", help="HTTP method.")] = "GET",
    header: Annotated[list[str] | None, typer.Option("--header", "-H", help="A header, as 'name: value'.")] = None,
    body: Annotated[str | None, typer.Option("--body", "-d", help="The body; @FILE reads it, @- from stdin.")] = None,
    curl: Annotated[str | None, typer.Option("--curl", help="A curl command instead; - reads it from stdin.")] = None,
    har: Annotated[Path | None, typer.Option("--har", help="A HAR file instead.")] = None,
    number: Annotated[int, typer.Option("--entry", min=1, help="Which entry of the HAR file.")] = 1,
    exchange: Annotated[str | None, typer.Option("--exchange", help="A journaled exchange's id instead.")] = None,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which operation, stage and side this request gets now, and why."""
    session = open_session(plan, state)
    if [target, curl, har, exchange].count(None) != 3:
        raise UsageError("say which request: a path, --curl, --har or --exchange; one of them")
    if curl is not None:
        request = from_curl(sys.stdin.read() if curl == "-" else curl)
    elif har is not None:
        request = from_har(har, number)
    elif exchange is not None:
        request = session.journal.exchange(exchange)[0].request
    else:
        content = _body(body)
        fields = tuple(_header(field) for field in header or ())
        request = Request(method.upper(), target or "", fields, content, len(content))
    table = compile_table(session.plan, session.cutover.rollouts(), held_operations(session))
    explanation = explain_request(table, request)
    if as_json:
        print_json(explanation.as_dict())
    else:
        console.print(explanation.text, markup=False, soft_wrap=True)


def _problem(problem: object) -> object:
    return orjson.loads(orjson.dumps(problem))


def _header(field: str) -> tuple[str, str]:
    name, colon, value = field.partition(":")
    if not colon:
        raise UsageError(f"header {field!r}: write it as 'name: value'")
    return name.strip(), value.strip()


def _body(body: str | None) -> bytes:
    if body is None:
        return b""
    if body == "@-":
        return sys.stdin.buffer.read()
    if body.startswith("@"):
        return Path(body[1:]).read_bytes()
    return body.encode()
