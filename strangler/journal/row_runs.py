"""Results of comparing rows: counts and settings of each run, no values of rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from strangler.journal import schema


@dataclass(frozen=True, slots=True)
class RowRun:
    """One run of a comparison of rows. ``at`` is seconds since the epoch; ``result`` is counts and settings."""

    run: str
    name: str
    at: float
    result: Mapping[str, Any]


def store_run(connection: Connection, run: RowRun) -> None:
    """Store a run; one that is stored again (it was gone on with) replaces itself."""
    connection.execute(sa.delete(schema.row_runs).where(schema.row_runs.c.run == run.run))
    row = {"run": run.run, "name": run.name, "at": run.at, "result": orjson.dumps(run.result, default=str).decode()}
    connection.execute(sa.insert(schema.row_runs), [row])


def runs(connection: Connection, name: str | None) -> list[RowRun]:
    """Every run, or those of one comparison; newest first."""
    r = schema.row_runs.c
    chosen = sa.select(r.run, r.name, r.at, r.result).order_by(r.at.desc(), r.run)
    if name is not None:
        chosen = chosen.where(r.name == name)
    return [RowRun(row.run, row.name, row.at, orjson.loads(row.result)) for row in connection.execute(chosen)]
