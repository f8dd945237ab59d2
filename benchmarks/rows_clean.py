"""A million rows of six columns without a difference, PostgreSQL to PostgreSQL, beside reladiff."""

from benchmarks._rows import make_tables, measure, ours, psycopg_door, reladiff
from benchmarks._servers import postgresql

GOAL = 2.0


def run() -> list[dict[str, object]]:
    """Measure in turns. ``ours`` and ``peer`` are seconds."""
    with postgresql() as url:
        make_tables(url)
        runs = (
            lambda: ours(psycopg_door(url, "old"), psycopg_door(url, "new"), "old_rows", "same_rows"),
            lambda: reladiff(url, url, "old_rows", "same_rows"),
        )
        return [measure("rows_clean", "reladiff, hashdiff, seconds", GOAL, runs, 0)]
