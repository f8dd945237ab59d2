"""What the figures about rows share: one table of a million rows and six columns, ours and reladiff over it.

Ours reads again nothing that differs (``in_flight_s=0``), for the peers read once too. Both find the same differences,
or the figure is none.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from parity_checks.rows.progress import Results
from parity_checks.rows.reconcile import Limits, Reconciliation, Subject
from parity_checks.rows.side import Door, door_of

ROWS = 1_000_000
TURNS = 3
SPREAD = 100
COLUMNS = "id integer PRIMARY KEY, name varchar(60), town varchar(40), amount numeric(10,2), born date, paid timestamp"
OTHERS = ("name", "town", "amount", "born", "paid")

_FILL = """INSERT INTO {table} SELECT i, 'Citizen ' || md5(i::text), 'Town ' || (i % 977), (i % 100000)::numeric / 100,
date '1930-01-01' + (i % 20000), timestamp '2020-01-01' + i * interval '7.000123 seconds'
FROM generate_series(1, {rows}) i"""


def make_tables(url: str) -> None:
    """``old_rows``, ``same_rows`` without a difference, ``new_rows`` with a hundred, spread evenly, of three sorts."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("old_rows", "same_rows", "new_rows"):
            connection.execute(f"CREATE TABLE {table} ({COLUMNS})")
            connection.execute(_FILL.format(table=table, rows=ROWS))
        step = ROWS // SPREAD
        connection.execute(
            f"UPDATE new_rows SET amount = amount + 0.01 WHERE id % {step} = {step // 2} AND id % 3 <> 0"
        )
        connection.execute(f"DELETE FROM new_rows WHERE id % {step} = {step // 2} AND id % 3 = 0")
        connection.execute("VACUUM ANALYZE")


def psycopg_door(url: str, name: str) -> Door:
    """Our door to PostgreSQL."""
    return door_of(sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:")), name)


def ours(old: Door, new: Door, old_table: str, new_table: str) -> int:
    """Reconcile, from connecting to the last line of the result file; how many rows differ."""
    subject = Subject(old, new, ("id",), old_table=old_table, new_table=new_table)
    with (
        tempfile.TemporaryDirectory() as folder,
        Reconciliation(subject, Limits(in_flight_s=0)) as made,
        Results(Path(folder) / "found.jsonl", made.digest, resume=False) as results,
    ):
        tally, _ = made.run(results)
    return tally.differences


def reladiff(old: Any, new: Any, old_table: str, new_table: str) -> int:
    """The peer with its defaults; how many rows differ (a changed row is two lines of its answer)."""
    import reladiff as peer

    tables = [
        peer.connect_to_table(where, table, "id", extra_columns=OTHERS)
        for where, table in ((old, old_table), (new, new_table))
    ]
    with peer.diff_tables(*tables, algorithm="hashdiff") as found:
        keys = {row[0] for _, row in found}
    for table in tables:
        table.database.close()
    return len(keys)


def measure(
    name: str, peer_name: str, goal: float, runs: Sequence[Callable[[], int]], expected: int
) -> dict[str, object]:
    """Ours and the peer in turns. ``ours`` and ``peer`` are seconds; the ratio says how many times as quick ours is.

    Raises:
        AssertionError: one of them does not find what is there.
    """
    turns: list[tuple[float, float]] = []
    for turn in range(TURNS):
        took = [0.0, 0.0]
        for index in (0, 1) if turn % 2 else (1, 0):
            start = time.perf_counter()
            found = runs[index]()
            took[index] = time.perf_counter() - start
            if found != expected:
                raise AssertionError(f"{name}: {found} differences were found where {expected} are ({index})")
        turns.append((took[0], took[1]))
    mine, peer = (statistics.median(values) for values in zip(*turns, strict=True))
    ratio = statistics.median(peer_s / our_s for our_s, peer_s in turns)
    return {
        "name": name,
        "ours": round(mine, 3),
        "peer": round(peer, 3),
        "peer_name": peer_name,
        "ratio": round(ratio, 2),
        "goal": goal,
        "met": ratio >= goal,
    }
