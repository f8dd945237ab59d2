"""The journal's tables come from migrations, whoever opens it first, and fit the models."""

import subprocess
import sys
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from strangler.database import Database
from strangler.errors import StoreError
from strangler.exchange import (
    Difference,
    DifferenceKind,
    Exchange,
    Judged,
    Observation,
    Origin,
    Outcome,
    OutcomeKind,
    Request,
)
from strangler.journal import Journal
from strangler.journal.crypto import Sealer
from strangler.journal.frames import pack, pack_exchange
from strangler.journal.migrate import HEAD, MIGRATIONS, version
from strangler.journal.schema import metadata
from strangler.stages import Effect, Side, Stage

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


FIRST = Exchange(
    id="a",
    operation="a.b",
    effect=Effect.READ,
    key="AB123456C",
    cohort=None,
    stage=Stage.SHADOW,
    request=Request("GET", "/", (), bytes(range(256)) * 2, 512),
    answer=Observation(Side.OLD, 200, at=100.0, build="old-1"),
    asked=Side.NEW,
    entry="entry",
    at=100.0,
)


def make_first_version(url: str) -> None:
    """A journal as the first version left it, with one mismatch in it."""
    sealer = Sealer(KEY)
    rows: dict[str, dict[str, object]] = {
        "exchanges": {
            "id": "a", "operation": "a.b", "effect": "read", "key_digest": sealer.key_digest("AB123456C"),
            "stage": "shadow", "entry": "entry", "at": 100.0, "asked": "new", "answered_by": "old", "duration_s": 0.0,
            "new_tried": 0, "new_failed": 0, "state": "judged", "outcome": "mismatch", "fingerprint": "f",
            "input": "i", "signatures": '["s"]', "settled": 0, "judged_at": 200.0,
            "sealed": sealer.seal("a", pack_exchange(FIRST)),
        },
        "inputs": {
            "operation": "a.b", "fingerprint": "f", "input": "i", "worst": 4, "beside": -1, "signatures": '["s"]',
        },
        "input_tally": {
            "operation": "a.b", "fingerprint": "f", "worst": 4, "beside": -1, "signatures": '["s"]', "count": 1,
        },
        "exchange_tally": {
            "operation": "a.b", "fingerprint": "f", "kind": "mismatch", "reason": "", "signatures": '["s"]',
            "count": 1, "settled": 0, "first_at": 200.0, "last_at": 200.0,
        },
        "findings": {
            "operation": "a.b", "fingerprint": "f", "signature": "s", "kind": "value", "general_path": "$.s",
            "count": 1, "inputs": 1, "first_at": 200.0, "last_at": 200.0, "example": "a", "example_at": 200.0,
            "sealed": sealer.seal("finding a", pack(("$.s", "1", "2"))),
        },
    }  # fmt: skip
    database = Database(url, "journal", "NORMAL")
    with database.writing() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, "0001")
        for table, row in rows.items():
            columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), row)
    database.close()


def test_journal_of_the_first_version_keeps_what_is_in_it(store_url: str) -> None:
    make_first_version(store_url)
    with Journal.open(store_url, key=KEY) as journal:
        assert journal.exchange("a")[0] == FIRST
        assert journal.exchange("a")[0].origin is Origin.CALLER
        evidence = journal.parity("a.b", "f", 300.0)
        assert evidence.inputs.by_kind == evidence.exchanges.by_kind == {OutcomeKind.MISMATCH: 1}
        assert [(found.old, found.samples, found.example_bytes) for found in journal.findings()] == [("1", (), 0)]


def test_journal_of_the_first_version_takes_up_where_it_was(store_url: str) -> None:
    make_first_version(store_url)
    difference = Difference(DifferenceKind.VALUE, "$.s", "3", "4", "s", "$.s")
    with Journal.open(store_url, key=KEY) as journal:
        journal.append([replace(FIRST, id="b", at=250.0)])
        outcome = Outcome(OutcomeKind.MISMATCH, "f", "i", None, (difference,))
        assert journal.finish([Judged("b", outcome), Judged("a", outcome)], 260.0) == 1
        evidence = journal.parity("a.b", "f", 300.0)
        assert (evidence.inputs.total, evidence.exchanges.total, evidence.first_at) == (1, 2, 200.0)
        (found,) = journal.findings()
        assert (found.count, found.inputs, found.samples) == (2, 1, (("3", "4"),))
        assert (found.example_exchange_id, found.example_bytes > 300) == ("b", True)


def test_window_of_the_first_version_is_read_from_its_exchanges(store_url: str) -> None:
    make_first_version(store_url)
    answered = replace(FIRST, answer=Observation(Side.NEW, 200, at=250.0), at=250.0)
    with Journal.open(store_url, key=KEY) as journal:
        journal.append([replace(answered, id="b", at=102.0), replace(answered, id="c")])
        journal.finish([Judged("c", Outcome(OutcomeKind.MATCH, "f", "j"))], 260.0)
        stats = journal.window("a.b", 50.0)
        assert (stats.requests, stats.compared, stats.mismatches) == (2, 2, 1)
        assert journal.window("a.b", 101.0).compared == 1
