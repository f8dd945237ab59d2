"""Places of ids in a request, to the character. Pure data."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """Which part of a request a spot is in."""

    TARGET = "target"
    HEADER = "header"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Spot:
    """One id in a request: ``start`` to ``end`` of its part's text is the id as it is spelled there.

    ``name`` says what the id identifies, ``value`` is the id itself, without its spelling. ``spell`` gives the spelling
    of another id for this spot, or ``None`` where that id cannot stand there. ``index`` is the header field's number.
    """

    part: Part
    name: str
    value: str
    start: int
    end: int
    spell: Callable[[str], str | None]
    index: int = 0


def replaced(text: str, changes: list[tuple[int, int, str]]) -> str:
    """The text with every span replaced; of spans that overlap the first counts."""
    out: list[str] = []
    at = 0
    for start, end, new in sorted(changes):
        if start < at:
            continue
        out += (text[at:start], new)
        at = end
    return "".join([*out, text[at:]])
