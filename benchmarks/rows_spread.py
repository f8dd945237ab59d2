"""A million rows with a hundred differences spread over them, PostgreSQL to PostgreSQL.

Beside reladiff, and beside the plainest way there is: both tables as ``COPY`` streams in the order of their keys, line
against line.
"""

from contextlib import ExitStack

import psycopg

from benchmarks._rows import SPREAD, make_tables, measure, ours, psycopg_door, reladiff
from benchmarks._servers import postgresql

GOAL = 4.0
GOAL_OF_MERGE = 1.0


def run() -> list[dict[str, object]]:
    """Measure in turns. ``ours`` and ``peer`` are seconds."""
    with postgresql() as url:
        make_tables(url)

        def mine() -> int:
            return ours(psycopg_door(url, "old"), psycopg_door(url, "new"), "old_rows", "new_rows")

        theirs = (mine, lambda: reladiff(url, url, "old_rows", "new_rows"))
        plain = (mine, lambda: merge_of_copies(url))
        return [
            measure("rows_spread", "reladiff, hashdiff, seconds", GOAL, theirs, SPREAD),
            measure("rows_spread_merge", "merge of two COPY streams, seconds", GOAL_OF_MERGE, plain, SPREAD),
        ]


def merge_of_copies(url: str) -> int:
    """Line against line, in the order of the keys; how many keys differ."""
    count = 0
    with ExitStack() as stack:
        lines = []
        for table in ("old_rows", "new_rows"):
            cursor = stack.enter_context(stack.enter_context(psycopg.connect(url)).cursor())
            copy = stack.enter_context(cursor.copy(f"COPY (SELECT * FROM {table} ORDER BY id) TO STDOUT"))
            lines.append(iter(copy))
        old, new = (next(stream, None) for stream in lines)
        while old is not None or new is not None:
            if old == new:
                old, new = next(lines[0], None), next(lines[1], None)
                continue
            count += 1
            old_key = int(bytes(old).split(b"\t", 1)[0]) if old is not None else None
            new_key = int(bytes(new).split(b"\t", 1)[0]) if new is not None else None
            if new_key is None or (old_key is not None and old_key <= new_key):
                old = next(lines[0], None)
            if old_key is None or (new_key is not None and new_key <= old_key):
                new = next(lines[1], None)
    return count
