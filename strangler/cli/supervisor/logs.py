"""Everybody's log lines on one terminal: aligned, coloured names; plain lines where there is no terminal."""

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.text import Text

_COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta")


class PrefixedLog:
    """A supervisor's ``log``: ``name | line``. ``names`` sets the width; a name not in it still shows."""

    def __init__(self, names: Iterable[str], stream: TextIO | None = None) -> None:
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._colours: dict[str, str] = {}
        self._width = 0
        for name in names:
            self._colour(name)

    def __call__(self, name: str, line: str) -> None:
        """Write one line of one process."""
        prefix = Text(f"{name:<{self._width}} | ", style=self._colour(name))
        self._console.print(prefix + Text.from_ansi(line))

    def _colour(self, name: str) -> str:
        if name not in self._colours:
            self._colours[name] = _COLOURS[len(self._colours) % len(_COLOURS)]
            self._width = max(self._width, len(name))
        return self._colours[name]
