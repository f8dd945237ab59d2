"""A store's files: who may read them."""

import os
import stat
from pathlib import Path

import sqlalchemy as sa

from strangler.database import Database


def test_new_store_is_its_owners_alone_with_everything_sqlite_puts_beside_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{tmp_path / 'journal.db'}", "journal", "NORMAL")
        with database.writing() as connection:
            connection.execute(sa.text("CREATE TABLE a (b)"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert modes == {"journal.db": 0o600, "journal.db-wal": 0o600, "journal.db-shm": 0o600}
