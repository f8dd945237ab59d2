"""The state folder: private key, locks that name their holder, files swapped whole."""

import base64
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from strangler.errors import Refused, UsageError
from strangler.state import StateFolder, write_atomically


def test_folder_is_beside_the_plan_unless_told(tmp_path: Path) -> None:
    assert StateFolder.beside(tmp_path / "migration.yaml").path == tmp_path / ".strangler"
    assert StateFolder.beside(tmp_path / "migration.yaml", tmp_path / "other").path == tmp_path / "other"


def test_environment_wins_over_the_folder(tmp_path: Path) -> None:
    plain = StateFolder(tmp_path, environ={})
    assert plain.journal_url == f"sqlite:///{tmp_path / 'journal.db'}"
    environ = {"STRANGLER_JOURNAL_URL": "postgresql://j", "STRANGLER_LEDGER_URL": "postgresql://l"}
    given = StateFolder(tmp_path, environ=environ)
    assert (given.journal_url, given.ledger_url) == ("postgresql://j", "postgresql://l")


def test_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    state = StateFolder(tmp_path, environ={})
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: StateFolder(tmp_path, environ={}).journal_key(), range(16)))
    assert keys == {state.journal_key()}
    assert len(state.journal_key()) == 32
    assert stat.S_IMODE(state.key_file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["journal.key"]


def test_key_from_the_environment_leaves_no_file(tmp_path: Path) -> None:
    key = bytes(range(32))
    state = StateFolder(tmp_path, environ={"STRANGLER_JOURNAL_KEY": base64.b64encode(key).decode()})
    assert state.journal_key() == key
    assert not state.key_file.exists()


@pytest.mark.parametrize("given", ["not base64!", base64.b64encode(b"short").decode()])
def test_key_of_another_form_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(UsageError, match="STRANGLER_JOURNAL_KEY"):
        StateFolder(tmp_path, environ={"STRANGLER_JOURNAL_KEY": given}).journal_key()


def test_second_lock_is_refused_by_the_holder_s_process_id(tmp_path: Path) -> None:
    state = StateFolder(tmp_path, environ={})
    with state.lock("up"), pytest.raises(Refused, match=f"as process {os.getpid()}"), state.lock("up"):
        pass
    with state.lock("up"):
        pass


def test_lock_goes_with_its_killed_holder(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from strangler.state import StateFolder\n"
        "with StateFolder(Path(sys.argv[1])).lock('up'):\n    print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    state = StateFolder(tmp_path, environ={})
    with pytest.raises(Refused, match=f"as process {holder.pid}"), state.lock("up"):
        pass
    holder.kill()
    holder.communicate()
    with state.lock("up"):
        pass


def test_write_atomically_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "rollouts.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert (path.read_bytes(), [found.name for found in tmp_path.iterdir()]) == (b"two", ["rollouts.json"])
