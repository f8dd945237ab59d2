"""``strangler doctor``: is this machine fit to run it?"""

import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.markup import escape

from strangler.cli.session import JsonOption, console, print_json

_ROOMS = ("strangler", "proxy", "legacy_adapters", "new_services", "parity_checks", "load_tests")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: ``remedy`` says what to do where it is not well."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command(rich_help_panel="Look")(doctor)


def doctor(as_json: JsonOption = False) -> None:
    """Look for what is missing or in the way: interpreter, drivers, name clashes, disk. Exit code 1 if something is."""
    checks = [_interpreter(), *_drivers(), *_rooms(), _disk()]
    if as_json:
        print_json(checks)
    else:
        for check in checks:
            mark = "[green]ok  [/]" if check.ok else "[red]lack[/]"
            console.print(
                f"{mark} {check.name}: {escape(check.found)}" + ("" if check.ok else f"\n     {check.remedy}")
            )
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


def _interpreter() -> Check:
    return Check("python", sys.version_info >= (3, 11), platform.python_version(), "Python 3.11 or newer is needed")


def _drivers() -> list[Check]:
    wanted = {
        "SQLite3": "libsqliteodbc",
        "PostgreSQL Unicode": "odbc-postgresql",
        "MariaDB Unicode": "odbc-mariadb",
    }
    try:
        from legacy_adapters.odbc import installed_drivers

        present = installed_drivers()
    except ImportError as error:
        return [Check("odbc", False, str(error), "sudo apt-get install unixodbc")]
    return [
        Check(
            f"odbc driver {name}",
            name in present,
            "present" if name in present else "missing",
            f"sudo apt-get install {package}",
        )
        for name, package in wanted.items()
    ]


def _rooms() -> list[Check]:
    """Our packages have names that others use too: the one that is imported must be ours."""
    ours = Path(__file__).resolve().parents[2]
    checks = []
    for room in _ROOMS:
        spec = importlib.util.find_spec(room)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        ok = origin is not None and origin.parent.parent == ours
        remedy = f"another package is called {room!r}: install strangler into an environment of its own"
        checks.append(Check(f"package {room}", ok, "ours" if ok else str(origin), remedy))
    return checks


def _disk() -> Check:
    free_gib = shutil.disk_usage(Path.cwd()).free / 2**30
    return Check("disk", free_gib > 1, f"{free_gib:.1f} GiB free here", "the journal needs room: free some")
