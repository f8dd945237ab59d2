"""CSV as an object: the separator, the columns, and the rows as objects. Pure.

Cells stay text: a leading zero or a trailing one is part of what was sent. RFC 4180 knows no sign of a header row, so
the media type's ``header`` parameter tells, and else the first row itself.
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

from parity_checks.canonical.decoding import MAX_VALUES, Unreadable, bounded
from parity_checks.canonical.trees import Json
from strangler.exchange import Reason

SEPARATORS: Final = (",", ";", "\t", "|")
"""What is looked for, the likeliest first."""

_LOOKED_AT: Final = 65_536
"""Characters by which the separator is chosen."""

_NO_NAME: Final = re.compile(r"\s*(?:[-+£$€]?\s*[\d.,]+.*)?", re.DOTALL)
"""A cell that names no column: nothing, a number, a date, an amount."""


def read_csv(text: str, header: str | None = None, separator: str | None = None) -> Json:
    """``{"separator": ",", "columns": [...], "rows": [{...}]}``.

    Without a header row there are no ``columns``, and rows are lists. Blank lines are no rows. A row that has not as
    many cells as there are columns stays a list.

    Args:
        text: the body.
        header: the media type's parameter: ``present``, ``absent``, or ``None`` where it does not say.
        separator: the one separator of the media type, where it has one (a tab).

    Raises:
        Unreadable: a quote that nothing closes, a cell of more than 128 KiB, or more cells than fit in memory.
    """
    bounded(text.count("\n") + text.count("\r"), "lines")
    chosen = separator or _separator(text)
    rows = _rows(csv.reader(io.StringIO(text, newline=""), delimiter=chosen, strict=True))
    if not rows:
        return {"separator": chosen, "rows": []}
    lists: list[Json] = [[*row] for row in rows]
    if header == "absent" or (header != "present" and not _has_names(rows[0])):
        return {"separator": chosen, "rows": lists}
    columns = rows[0]
    if len(set(columns)) != len(columns):
        return {"separator": chosen, "columns": [*columns], "rows": lists[1:]}
    named: list[Json] = [
        dict(zip(columns, row, strict=True)) if len(row) == len(columns) else [*row] for row in rows[1:]
    ]
    return {"separator": chosen, "columns": [*columns], "rows": named}


def _rows(reader: Iterable[list[str]]) -> list[list[str]]:
    rows: list[list[str]] = []
    cells = 0
    try:
        for row in reader:
            cells += len(row)
            if cells > MAX_VALUES:
                bounded(cells, "cells")
            if row:
                rows.append(row)
    except csv.Error as error:
        raise Unreadable(Reason.UNPARSABLE, f"no CSV: {str(error)[:120]}") from error
    return rows


def _separator(text: str) -> str:
    """The one that the first lines have most of, outside of quotes.

    ``csv.Sniffer`` would guess from letters too, and takes minutes over some bodies.
    """
    head = re.sub(r'"[^"]*(?:"|$)', "", text[:_LOOKED_AT])
    first = head.lstrip("\r\n").partition("\n")[0]
    found = max(SEPARATORS, key=first.count)
    return found if found in first else max(SEPARATORS, key=head.count)


def _has_names(row: list[str]) -> bool:
    return len(set(row)) == len(row) and not any(_NO_NAME.fullmatch(cell) for cell in row)
