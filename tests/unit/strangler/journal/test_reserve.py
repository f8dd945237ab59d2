"""The reserve: losses survive while nothing else can be written."""

from pathlib import Path

import pytest

from strangler.errors import StoreError
from strangler.exchange import Reason
from strangler.journal.crypto import Sealer
from strangler.journal.records import Loss
from strangler.journal.reserve import GapReserve
from strangler.stages import Effect

OP = "pensions.change-address"
SEALER = Sealer(bytes(range(32)))


def lost_read(count: int = 1) -> Loss:
    return Loss(OP, Effect.READ, Reason.NOT_JOURNALED, count, 6.0, why="disk full")


class FakeJournal:
    def __init__(self, *, is_down: bool = False) -> None:
        self.losses: list[Loss] = []
        self.is_down = is_down

    def record_losses(self, losses: list[Loss]) -> None:
        if self.is_down:
            raise StoreError("no space left on device")
        self.losses += losses


def test_each_lost_write_has_its_own_entry_and_lost_reads_share_one(tmp_path: Path) -> None:
    reserve = GapReserve(tmp_path / "gaps", SEALER)
    assert reserve.add(OP, "AB123456C", 5.0, "disk full")
    reserve.add(OP, "ZZ123456C", 5.5, "disk full")
    reserve.add_loss(lost_read(2))
    reserve.add_loss(lost_read(3))
    assert [(loss.effect, loss.key, loss.count) for loss in reserve.losses()] == [
        (Effect.WRITE, "AB123456C", 1),
        (Effect.WRITE, "ZZ123456C", 1),
        (Effect.READ, None, 5),
    ]


def test_room_is_taken_in_advance_and_never_grows(tmp_path: Path) -> None:
    path = tmp_path / "gaps"
    reserve = GapReserve(path, slots=16)
    before = path.stat()
    for n in range(40):
        reserve.add(OP, f"k{n}", 5.0, "x" * 10_000)
    assert (path.stat().st_size, path.stat().st_blocks) == (before.st_size, before.st_blocks)
    assert sum(loss.count for loss in reserve.losses()) == 40


def test_nothing_personal_is_kept_in_clear(tmp_path: Path) -> None:
    path = tmp_path / "gaps"
    GapReserve(path, SEALER).add(OP, "AB123456C", 5.0, "disk full")
    GapReserve(path).add(OP, "AB123456C", 5.0, "disk full")
    assert b"AB123456C" not in path.read_bytes()


def test_drain_keeps_everything_while_the_journal_is_down(tmp_path: Path) -> None:
    reserve = GapReserve(tmp_path / "gaps", SEALER)
    reserve.add(OP, "AB123456C", 5.0, "disk full")
    reserve.add_loss(lost_read(2))
    journal = FakeJournal(is_down=True)
    with pytest.raises(StoreError):
        reserve.drain(journal)
    journal.is_down = False
    assert reserve.drain(journal) == 2
    assert [(loss.key, loss.count, loss.why) for loss in journal.losses] == [
        ("AB123456C", 1, "disk full"),
        (None, 2, "disk full"),
    ]
    assert reserve.losses() == []


def test_another_process_finds_what_was_noted(tmp_path: Path) -> None:
    GapReserve(tmp_path / "gaps", SEALER).add(OP, "AB123456C", 5.0, "disk full")
    assert [loss.key for loss in GapReserve(tmp_path / "gaps", SEALER).losses()] == ["AB123456C"]


def test_full_reserve_refuses_only_another_operation(tmp_path: Path) -> None:
    reserve = GapReserve(tmp_path / "gaps", slots=2)
    for n in range(3):
        reserve.add(OP, f"k{n}", 5.0, "disk full")
    with pytest.raises(StoreError, match="is full"):
        reserve.add("a.b", None, 5.0, "disk full")


def test_reserve_that_cannot_take_its_room_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot take its room"):
        GapReserve(tmp_path / "no" / "folder")
