from pathlib import Path

import pytest

from new_services.notifications import keys


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "notifications.key"
    made = keys.read_or_make(path)
    assert (len(made) >= 40, keys.read_or_make(path), keys.read(path)) == (True, made, made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_key_that_was_given_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "notifications.key"
    path.write_text("given\n")
    assert keys.read_or_make(path) == "given"


def test_an_empty_file_has_no_key(tmp_path: Path) -> None:
    path = tmp_path / "notifications.key"
    path.write_text("\n")
    with pytest.raises(ValueError, match="no API key"):
        keys.read_or_make(path)
