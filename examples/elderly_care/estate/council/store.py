"""The council's records: one SQLite file, filled from the population at first start."""

import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from examples.elderly_care.population import Citizen

SCHEMA = """
CREATE TABLE client (
    nino TEXT PRIMARY KEY, band TEXT, weekly_hours TEXT, assessor TEXT, summary TEXT, assessed_on TEXT
) WITHOUT ROWID;
CREATE TABLE request (id INTEGER PRIMARY KEY, nino TEXT NOT NULL, reason TEXT NOT NULL, received_at TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Client:
    """One row as it is written out. ``band`` is ``None`` where no assessment has been made."""

    nino: str
    band: str | None
    weekly_hours: str
    assessor: str
    summary: str
    assessed_on: str


class Store:
    """The records, shared by all threads behind one lock: a look-up takes microseconds."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def is_filled(self) -> bool:
        """Whether the filling was ever finished."""
        found = self._database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'client'").fetchone()
        return bool(found[0])

    def fill(self, citizens: Iterable[Citizen]) -> None:
        """Make the tables and take on the citizens, all or nothing."""
        self._database.executescript("BEGIN;" + SCHEMA)
        self._database.executemany("INSERT INTO client VALUES (?,?,?,?,?,?)", map(_row, citizens))
        self._database.execute("COMMIT")

    def client(self, nino: str) -> Client | None:
        """Who has this NINO (no spaces, capitals)."""
        with self._lock:
            row = self._database.execute("SELECT * FROM client WHERE nino = ?", (nino,)).fetchone()
        return Client(*row) if row else None

    def request(self, nino: str, reason: str, received_at: str) -> int:
        """Take down a request for an assessment: its number, which is made here and nowhere else."""
        with self._lock:
            number = self._database.execute(
                "INSERT INTO request (nino, reason, received_at) VALUES (?, ?, ?)", (nino, reason, received_at)
            ).lastrowid
        assert number is not None, "an INSERT has a row id"  # noqa: S101 (for the type checker)
        return number


def _row(citizen: Citizen) -> tuple[object, ...]:
    found = citizen.assessment
    if found is None:
        return citizen.nino, None, None, None, None, None
    day = found.assessed_on.strftime("%d/%m/%Y")
    return citizen.nino, found.band, f"{found.weekly_hours:.2f}", found.assessor, found.summary, day
