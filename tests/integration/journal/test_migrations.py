"""The journal's tables come from migrations, whoever opens it first, and fit the models."""

import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from strangler.database import Database
from strangler.errors import StoreError
from strangler.journal import Journal
from strangler.journal.migrate import HEAD, MIGRATIONS, version
from strangler.journal.schema import metadata

KEY = bytes(range(32))


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_migrated_tables_are_those_of_the_models(journal: Journal, store_url: str) -> None:
    database = Database(store_url, "journal", "NORMAL")
    with database.reading() as connection:
        assert version(connection) == HEAD
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_journal_of_a_newer_version_is_refused(journal: Journal, store_url: str) -> None:
    database = Database(store_url, "journal", "NORMAL")
    with database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StoreError, match="version 9999"):
        Journal.open(store_url, key=KEY)


OPENER = "import sys; from strangler.journal import Journal; Journal.open(sys.argv[1], key=bytes(32)).close()"


def test_processes_that_open_a_new_journal_at_once_all_get_it(store_url: str) -> None:
    openers = [
        subprocess.Popen([sys.executable, "-c", OPENER, store_url], stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert [opener.communicate()[1] for opener in openers] == [""] * 4
