"""``python -m benchmarks [ONLY]``: every figure beside its peer, as a table and as ``build/bench.json``.

Each module here with a ``run() -> list[dict]`` is one or more figures: ``{name, ours, peer, peer_name, ratio, goal,
met}``. Only ratios within one run mean anything: machines differ, and other work disturbs.
"""

import importlib
import pkgutil
import sys
import traceback
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent
OUT = FOLDER.parent / "build" / "bench.json"


def names() -> list[str]:
    """The modules that hold figures."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules([str(FOLDER)])
        if "def run(" in (FOLDER / f"{module.name}.py").read_text("utf-8") and not module.name.startswith("_")
    )


def main(arguments: list[str]) -> int:
    """Run all figures, or the one named; 0 if every goal was met."""
    chosen = arguments or names()
    unknown = [name for name in chosen if name not in names()]
    if unknown:
        print(f"no figure {unknown[0]!r}; choose from {', '.join(names())}", file=sys.stderr)
        return 2
    rows: list[dict[str, object]] = []
    console = Console()
    for name in chosen:
        console.print(f"[dim]{name} ...[/dim]")
        try:
            rows += importlib.import_module(f"benchmarks.{name}").run()
        except Exception as error:  # noqa: BLE001  one figure that cannot be had must not hide the others
            traceback.print_exc()
            rows.append(
                {
                    "name": name,
                    "ours": None,
                    "peer": None,
                    "peer_name": str(error),
                    "ratio": None,
                    "goal": None,
                    "met": False,
                }
            )
    _show(console, rows)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(orjson.dumps(_merged(rows), option=orjson.OPT_INDENT_2))
    return 0 if all(row["met"] for row in rows) else 1


def _merged(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The new rows beside those of figures that were not run this time."""
    fresh = {row["name"] for row in rows}
    try:
        before = orjson.loads(OUT.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        before = []
    return sorted([*rows, *(row for row in before if row["name"] not in fresh)], key=lambda row: str(row["name"]))


def _show(console: Console, rows: list[dict[str, object]]) -> None:
    table = Table(title="figures beside their peers")
    for column in ("name", "ours", "peer", "peer's name", "ratio", "goal", "met"):
        table.add_column(column, justify="left" if column in ("name", "peer's name") else "right")
    for row in rows:
        cells = [_cell(row[key]) for key in ("name", "ours", "peer", "peer_name", "ratio", "goal")]
        table.add_row(*cells, "[green]yes[/green]" if row["met"] else "[red]no[/red]")
    console.print(table)


def _cell(value: object) -> str:
    return f"{value:,.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
