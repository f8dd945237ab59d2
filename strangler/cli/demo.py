"""``strangler demo``: the whole story on this machine."""

import asyncio
import shutil
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from strangler.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command(rich_help_panel="Look")(demo)


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Tell it in plain lines; open nothing.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what happened to this file.")] = None,
    home: Annotated[Path, typer.Option("--home", help="Where it happens; made anew each time.")] = Path("build/demo"),
) -> None:
    """Tell the whole story on this machine, in under three minutes, and leave its report to look at.

    Exit code 0 where everything happened as it must; 1 otherwise.
    """
    from examples.elderly_care.story import tell
    from examples.elderly_care.story.voice import Voice

    _make_anew(home)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    figures = asyncio.run(tell(home, Voice(console, is_quiet=headless)))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_bytes(orjson.dumps(figures.as_dict(), option=orjson.OPT_INDENT_2))
    for line in figures.in_words():
        console.print(f"   {line}", markup=False, soft_wrap=True)
    page = (home / "parity.html").resolve()
    console.print(f"\n   the report: {page.as_uri()}")
    if not headless and sys.stdout.isatty():
        webbrowser.open(page.as_uri())
    raise typer.Exit(0 if figures.is_as_promised else 1)


def _make_anew(home: Path) -> None:
    """Empty the demo's own folder; a folder that holds anything else is left alone."""
    marker = home / ".strangler-demo"
    if home.exists() and any(home.iterdir()) and not marker.exists():
        raise UsageError(f"{home} is not empty and not a demo's: name another folder by --home")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    marker.touch()
