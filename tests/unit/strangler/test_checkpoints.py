"""Signed checkpoints: what they prove, and what they do not take for proof."""

from dataclasses import replace
from pathlib import Path

import pytest

from strangler.checkpoints import anchors, public_key, read_checkpoint, sign, write_checkpoint
from strangler.errors import LedgerBroken, UsageError

SEED = bytes(range(32))
HEAD = "ab" * 32


def test_checkpoint_reads_back_as_it_was_signed(tmp_path: Path) -> None:
    made = sign("elderly-care", 7, HEAD, 1.5, SEED)
    write_checkpoint(made, tmp_path / "c.json")
    assert read_checkpoint(tmp_path / "c.json") == made
    assert anchors([made], public_key(SEED)) == {7: HEAD}


@pytest.mark.parametrize(
    "changes",
    [{"seq": 6}, {"hash": "cd" * 32}, {"at": 2.0}, {"programme": "x"}, {"signature": "00"}, {"signature": "?"}],
)
def test_checkpoint_that_was_changed_is_found(changes: dict[str, object]) -> None:
    made = replace(sign("elderly-care", 7, HEAD, 1.5, SEED), **changes)  # type: ignore[arg-type]
    with pytest.raises(LedgerBroken, match="not signed"):
        anchors([made], public_key(SEED))


def test_checkpoint_signed_by_somebody_else_is_found() -> None:
    with pytest.raises(LedgerBroken, match="trusted key"):
        anchors([sign("elderly-care", 7, HEAD, 1.5, bytes(32))], public_key(SEED))


def test_checkpoints_that_contradict_each_other_are_found() -> None:
    made = [sign("elderly-care", 7, mark, 1.5, SEED) for mark in (HEAD, "cd" * 32)]
    with pytest.raises(LedgerBroken, match="contradict"):
        anchors(made, public_key(SEED))


@pytest.mark.parametrize("key", ["", "zz" * 32, "ab" * 31])
def test_checkpoint_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="public key"):
        anchors([], key)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": "other"}', "\x00"])
def test_checkpoint_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(UsageError, match="no checkpoint"):
        read_checkpoint(tmp_path / "c.json")
