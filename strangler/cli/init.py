"""``strangler init``: a first plan from a WSDL, an OpenAPI document, an address, or a database."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

import typer

from strangler.cli.session import DEFAULT_PLAN, console
from strangler.errors import PlanError, SystemUnreachable, UsageError
from strangler.plan import parse_plan
from strangler.plan.init import (
    Draft,
    draft_from_http,
    draft_from_openapi,
    draft_from_tables,
    draft_from_wsdl,
    written,
)

app = typer.Typer(help="Draft a plan from what an old system says about itself.", no_args_is_help=True)

_TIMEOUT_S = 10.0
_MOST_BYTES = 16 * 1024 * 1024

SourceArgument = Annotated[str, typer.Argument(help="A file, or an http address.")]
NameOption = Annotated[str, typer.Option("--name", help="What the system is called in the plan, such as pensions.")]
NewUrlOption = Annotated[str | None, typer.Option("--new-url", help="Where the new service is.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Where to write the plan.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]


@app.command()
def wsdl(
    source: SourceArgument,
    name: NameOption,
    new_url: NewUrlOption = None,
    out: OutOption = DEFAULT_PLAN,
    force: ForceOption = False,
) -> None:
    """Draft one operation for each SOAP operation of a WSDL."""
    shown = _shown(source)
    content = _read(source, name)
    address = shown if _is_url(source) else None
    draft = draft_from_wsdl(
        content,
        name=name,
        source=shown,
        address=address,
        new_url=new_url,
        fetch=lambda location: _beside(source, location, name),
    )
    _write(draft, out, force=force)


@app.command()
def openapi(
    source: SourceArgument,
    name: NameOption,
    url: Annotated[str, typer.Option("--url", help="Where the running old system is.")],
    new_url: NewUrlOption = None,
    out: OutOption = DEFAULT_PLAN,
    force: ForceOption = False,
) -> None:
    """Draft one operation for each method of each path of an OpenAPI document."""
    shown = _shown(source)
    text = _read(source, name).decode("utf-8-sig", "replace")
    _write(draft_from_openapi(text, name=name, source=shown, url=url, new_url=new_url), out, force=force)


@app.command()
def http(
    name: NameOption,
    url: Annotated[str, typer.Option("--url", help="Where the running old system is.")],
    path: Annotated[str, typer.Option("--path", help="Beginning of the paths that are read.")] = "/",
    new_url: NewUrlOption = None,
    out: OutOption = DEFAULT_PLAN,
    force: ForceOption = False,
) -> None:
    """Draft one read operation for everything under a path."""
    _write(draft_from_http(name, url, path, new_url), out, force=force)


@app.command()
def odbc(
    name: NameOption,
    connection: Annotated[
        str, typer.Option("--connection", envvar="STRANGLER_ODBC", help="The ODBC connection string.")
    ],
    dialect: Annotated[
        Literal["sqlite", "postgresql", "mariadb", "mssql"], typer.Option("--dialect", help="The database behind it.")
    ] = "sqlite",
    out: OutOption = DEFAULT_PLAN,
    force: ForceOption = False,
) -> None:
    """Draft a system from a database, with its tables as remarks."""
    draft = draft_from_tables(name, connection, dialect, _tables(name, connection, dialect))
    _write(draft, out, force=force)


def _write(draft: Draft, out: Path, *, force: bool) -> None:
    """Check the draft as ``plan check`` would, then write it."""
    text = written(draft)
    try:
        loaded = parse_plan(text, out, {**dict.fromkeys(_variables(text), "set by you"), **os.environ})
    except PlanError as error:
        raise UsageError(f"no plan could be drafted from this:\n{error}") from error
    try:
        with out.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{out} is there already: --force overwrites it, --out names another") from error
    points = text.count("# decide:")
    told = f"{out} written: {len(loaded.plan.operations)} operations, {points} points to decide."
    console.print(f"{told} Next: strangler plan check --plan {out}", markup=False)


def _variables(text: str) -> list[str]:
    """The variables that the draft leaves to the environment."""
    return re.findall(r"(?<!\$)\$\{([A-Z_]+)\}", text)


def _read(source: str, system: str) -> bytes:
    """A file's content, or what an address answers.

    Raises:
        SystemUnreachable: the address does not answer with a document.
        UsageError: there is no such file, or the document is too large.
    """
    if not _is_url(source):
        path = Path(source)
        if not path.is_file():
            raise UsageError(f"{source}: there is no such file (an address begins with http:// or https://)")
        content = path.read_bytes()
    else:
        try:
            with urlopen(Request(source), timeout=_TIMEOUT_S) as answer:  # noqa: S310  http addresses only, see _is_url
                content = answer.read(_MOST_BYTES + 1)
        except HTTPError as error:
            with error:
                raise SystemUnreachable(system, f"{_shown(source)} answers {error.code}") from error
        except (URLError, OSError, ValueError) as error:
            raise SystemUnreachable(system, f"{_shown(source)} cannot be reached: {error}") from error
    if len(content) > _MOST_BYTES:
        raise UsageError(f"{_shown(source)}: larger than {_MOST_BYTES // 2**20} MiB")
    return content


def _beside(source: str, location: str, system: str) -> bytes | None:
    """What a document imports: from the same server, or from beside the same file; ``None`` where it cannot be had."""
    if _is_url(source):
        target = urljoin(source, location)
        if urlsplit(target)[:2] != urlsplit(source)[:2]:
            return None
    else:
        target = _file_beside(Path(source).parent, location)
        if not target:
            return None
    try:
        return _read(target, system)
    except (SystemUnreachable, UsageError, OSError):
        return None


def _file_beside(folder: Path, location: str) -> str:
    """The file that a location means: of that name, or for ``http://host/pensions?xsd`` a ``pensions.xsd``."""
    last, _, query = location.rpartition("/")[2].partition("?")
    suffix = "." + query.partition("=")[0] if query else ""
    for candidate in (location, f"{last}{suffix}"):
        if not _is_url(candidate) and candidate and (folder / candidate).is_file():
            return str(folder / candidate)
    return ""


def _tables(name: str, connection: str, dialect: Literal["sqlite", "postgresql", "mariadb", "mssql"]) -> list[str]:
    """The names of the database's tables and views, in order.

    Raises:
        SystemUnreachable: the database cannot be reached.
    """
    from sqlalchemy import exc, inspect

    from legacy_adapters.odbc import engine_for, unreachable

    engine = engine_for(connection, dialect, timeout_s=_TIMEOUT_S, concurrency=1, name=name)
    try:
        inspector = inspect(engine)
        return sorted({*inspector.get_table_names(), *inspector.get_view_names()})
    except exc.DBAPIError as error:
        raise unreachable(name, error) or UsageError(f"{name}: the tables cannot be listed: {error.orig}") from error
    finally:
        engine.dispose()


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _shown(source: str) -> str:
    """The source for people and files: an address without a password.

    Raises:
        UsageError: it begins like an address, and is none.
    """
    if not _is_url(source):
        return Path(source).name
    try:
        parts = urlsplit(source)
    except ValueError as error:
        raise UsageError(f"{source!r} is no address: {error}") from error
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
