"""How the story is told: chapters, steps and tables on a terminal, plain lines elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from strangler.evidence import Result, Verdict

_COLOURS = {Result.PASS: "green", Result.HOLD: "red", Result.NO_DATA: "yellow", Result.STALE: "magenta"}


class Voice:
    """Tells people what happens. ``is_quiet`` tells chapters and results in plain lines, without progress."""

    def __init__(self, console: Console, *, is_quiet: bool = False) -> None:
        self._console = console
        self._is_quiet = is_quiet or not console.is_terminal

    def chapter(self, number: int, title: str) -> None:
        """Begin a chapter."""
        self._console.print(f"\n[bold]{number}. {title}[/]")

    def say(self, text: str) -> None:
        """One line of the story."""
        self._console.print(f"   {text}", soft_wrap=True)

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator["Bar"]:
        """A bar while something is under way; ``total`` is in requests."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        progress = Progress(
            *columns, TimeElapsedColumn(), console=self._console, transient=True, disable=self._is_quiet
        )
        with progress:
            task = progress.add_task(f"   {title}", total=total)
            yield Bar(progress, task)

    def findings(self, rows: Iterable[Sequence[str]]) -> None:
        """What differed: which defect, how often, where, old and new."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 3))
        table.add_column("", no_wrap=True)
        table.add_column("count", justify="right", no_wrap=True)
        table.add_column("operation and path", overflow="fold", min_width=46)
        for heading in ("kind", "old", "new"):
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._console.print(table)

    def verdicts(self, verdicts: Iterable[Verdict]) -> None:
        """What each gate says."""
        for verdict in verdicts:
            colour = _COLOURS[verdict.result]
            told = "; ".join(verdict.reasons) or f"{verdict.value} (threshold {verdict.threshold})"
            self.say(f"[{colour}]{verdict.result:<7}[/] {verdict.gate}: {told}")


class Bar:
    """Something under way."""

    def __init__(self, progress: Progress, task: "int") -> None:
        self._progress = progress
        self._task = task

    def at(self, done: int, _failed: int = 0) -> None:
        """So many are done."""
        self._progress.update(self._task, completed=done)  # type: ignore[arg-type]
