from pathlib import Path

from proxy.mitm.afloat import Afloat, read_notes, salvage
from strangler.journal import Loss
from strangler.journal.crypto import Sealer
from strangler.stages import Effect

SEALER = Sealer(bytes(32))


def note(afloat: Afloat, name: str, effect: Effect = Effect.WRITE, key: str | None = "QQ123456C") -> int:
    return afloat.note(name, "shop.order", effect=effect, entry="e1", key=key, at=12.5)


def test_a_note_survives_its_process_and_its_key_is_sealed(tmp_path: Path) -> None:
    afloat = Afloat(tmp_path / "afloat-1.bin", 8, SEALER)
    note(afloat, "x1")
    afloat.clear(note(afloat, "x2"))
    content = (tmp_path / "afloat-1.bin").read_bytes()

    (left,) = read_notes(content, SEALER)
    assert (left.id, left.operation, left.effect, left.entry, left.key, left.at) == (
        "x1",
        "shop.order",
        Effect.WRITE,
        "e1",
        "QQ123456C",
        12.5,
    )
    assert b"QQ123456C" not in content
    afloat.close()


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    afloat = Afloat(tmp_path / "afloat-1.bin", 1, SEALER)
    slots = [note(afloat, "x1"), note(afloat, "x2")]
    assert (slots, afloat.unnoted) == ([0, -1], 1)
    for slot in slots:
        afloat.clear(slot)
    afloat.close()
    assert not (tmp_path / "afloat-1.bin").exists()


def test_a_living_engines_notes_are_left_alone_and_a_dead_ones_counted_once(tmp_path: Path) -> None:
    living = Afloat(tmp_path / "afloat-1.bin", 4, SEALER)
    note(living, "alive")
    dead = Afloat(tmp_path / "afloat-2.bin", 4, SEALER)
    note(dead, "journaled-after-all")
    note(dead, "lost-write")
    note(dead, "lost-read", Effect.READ, None)
    dead.close()
    recorded: list[Loss] = []

    counted = [salvage(tmp_path, SEALER, lambda name: name == "journaled-after-all", recorded.extend) for _ in range(2)]
    assert counted == [2, 0]
    assert [(loss.effect, loss.key, loss.count) for loss in recorded] == [
        (Effect.WRITE, "QQ123456C", 1),
        (Effect.READ, None, 1),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["afloat-1.bin"]
    living.close()


def test_names_longer_than_a_slot_are_cut_not_spilt(tmp_path: Path) -> None:
    afloat = Afloat(tmp_path / "afloat-1.bin", 2, SEALER)
    afloat.note("x" * 36, "o" * 600, effect=Effect.WRITE, entry="e", key="k", at=1.0)
    note(afloat, "second")
    notes = read_notes((tmp_path / "afloat-1.bin").read_bytes(), SEALER)
    assert [left.id for left in notes] == ["x" * 36, "second"]
    afloat.close()
