"""The pensions department's records: one SQLite file, filled from the population at first start."""

import json
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from examples.elderly_care.population import Address, Citizen, LateSpouse

SCHEMA = """
CREATE TABLE person (
    nino TEXT PRIMARY KEY, name TEXT NOT NULL, born TEXT NOT NULL, status TEXT NOT NULL, weekly_pence INTEGER NOT NULL,
    inherited_pence INTEGER, spouse_died TEXT, spouse_pence INTEGER, address TEXT NOT NULL, next_review TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE death (
    reference INTEGER PRIMARY KEY, nino TEXT NOT NULL, died TEXT NOT NULL, reported_at TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Person:
    """One row as it is written out: ``born`` and ``next_review`` are text, in whatever form they were taken on."""

    nino: str
    name: str
    born: str
    status: str
    weekly_pence: int
    inherited_pence: int | None
    spouse_died: str | None
    spouse_pence: int | None
    address: Address
    next_review: str


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
        found = self._database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'person'").fetchone()
        return bool(found[0])

    def fill(self, citizens: Iterable[Citizen]) -> None:
        """Make the tables and take on the citizens, all or nothing."""
        self._database.executescript("BEGIN;" + SCHEMA)
        self._database.executemany("INSERT INTO person VALUES (?,?,?,?,?,?,?,?,?,?)", map(_row, citizens))
        self._database.execute("COMMIT")

    def person(self, nino: str) -> Person | None:
        """Who has this NINO (no spaces, capitals)."""
        with self._lock:
            row = self._database.execute("SELECT * FROM person WHERE nino = ?", (nino,)).fetchone()
        if row is None:
            return None
        lines, postcode = json.loads(row[8])
        nino, name, born, status, weekly, inherited, died, additional, _, review = row
        address = Address(tuple(lines), postcode)
        return Person(nino, name, born, status, weekly, inherited, died, additional, address, review)

    def change_address(self, nino: str, address: Address) -> None:
        """Store the address; the next read shows it."""
        with self._lock:
            self._database.execute("UPDATE person SET address = ? WHERE nino = ?", (_address(address), nino))

    def report_death(self, nino: str, died: str, reported_at: str) -> int | None:
        """Take down a death: its number, or ``None`` where the person is known to be dead."""
        with self._lock:
            changed = self._database.execute("UPDATE person SET status = 'D' WHERE nino = ? AND status <> 'D'", (nino,))
            if changed.rowcount == 0:
                return None
            return self._database.execute(
                "INSERT INTO death (nino, died, reported_at) VALUES (?, ?, ?)", (nino, died, reported_at)
            ).lastrowid


def inherited_by_4_2(spouse: LateSpouse) -> int:
    """What Pensions 4.2 pays: half to everybody. WRONG for spouses who died before 6 October 2002, and never mended."""
    return spouse.additional_pence // 2


def _row(citizen: Citizen) -> tuple[object, ...]:
    spouse = citizen.late_spouse
    return (
        citizen.nino,
        citizen.name.upper(),
        _birth(citizen.born, citizen.is_paper_file),
        citizen.status,
        citizen.weekly_pence,
        inherited_by_4_2(spouse) if spouse else None,
        spouse.died.isoformat() if spouse else None,
        spouse.additional_pence if spouse else None,
        _address(citizen.correspondence),
        citizen.next_review.isoformat() if citizen.next_review else citizen.review_form.value,
    )


def _birth(born: date, is_paper_file: bool) -> str:
    """Those taken on from paper were typed as people write: dd/mm/yyyy."""
    return born.strftime("%d/%m/%Y") if is_paper_file else born.isoformat()


def _address(address: Address) -> str:
    return json.dumps([address.lines, address.postcode], ensure_ascii=False)
