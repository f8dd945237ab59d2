"""The identity map, the same on SQLite and on PostgreSQL."""

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strangler.errors import StoreError
from strangler.exchange import Exchange, Judged, Observation, Outcome, OutcomeKind, Request
from strangler.journal import IdConflict, Journal, LearntId
from strangler.stages import Effect, Side, Stage

KEY = bytes(range(32))
PAIR = LearntId("assessment", "AR-00017", "AR-9F", "council.request-assessment", "x1", 100.0)


def test_ids_are_found_from_both_sides(journal: Journal) -> None:
    another = replace(PAIR, old="AR-00018", new="AR-00017", exchange="x2")
    assert journal.learn_ids([PAIR, another]) == ()
    assert journal.ids("assessment", ["AR-00017", "AR-00018", "AR-00019"], Side.OLD) == {
        "AR-00017": "AR-9F",
        "AR-00018": "AR-00017",
    }
    assert journal.ids("assessment", ["AR-00017", "AR-9F"], Side.NEW) == {"AR-9F": "AR-00017", "AR-00017": "AR-00018"}
    assert journal.ids("letter", ["AR-00017"], Side.OLD) == {}
    assert journal.ids("assessment", [], Side.OLD) == {}


def test_ids_learnt_again_are_nothing_new(journal: Journal) -> None:
    journal.learn_ids([PAIR])
    assert journal.learn_ids([replace(PAIR, exchange="x9", at=900.0), PAIR]) == ()
    assert journal.ids("assessment", ["AR-00017"], Side.OLD) == {"AR-00017": "AR-9F"}


@pytest.mark.parametrize("changes", [{"new": "AR-AA"}, {"old": "AR-00099"}], ids=["another-new-id", "another-old-id"])
def test_ids_conflict_is_told_and_overwrites_nothing(journal: Journal, changes: dict[str, Any]) -> None:
    journal.learn_ids([PAIR])
    given = replace(PAIR, exchange="x2", **changes)
    good = replace(PAIR, old="1", new="2")
    assert journal.learn_ids([given, good]) == (IdConflict(given, (PAIR,)),)
    assert journal.ids("assessment", ["AR-00017", "AR-00099", "1"], Side.OLD) == {"AR-00017": "AR-9F", "1": "2"}
    assert journal.ids("assessment", ["AR-9F", "AR-AA"], Side.NEW) == {"AR-9F": "AR-00017"}


def test_ids_conflict_with_two_pairs_tells_both(journal: Journal) -> None:
    other = replace(PAIR, old="AR-2", new="AR-B", at=101.0)
    journal.learn_ids([PAIR, other])
    given = replace(PAIR, new="AR-B")
    assert journal.learn_ids([given]) == (IdConflict(given, (PAIR, other)),)


@pytest.mark.parametrize("value", ["a b", " a", "Ł\U0001f600", "x" * 5_000, "-", "1", "01"])
def test_ids_are_kept_to_the_character(journal: Journal, value: str) -> None:
    journal.learn_ids([replace(PAIR, old=value, new="n" + value)])
    assert journal.ids("assessment", [value, value.strip() + "?"], Side.OLD) == {value: "n" + value}


def test_ids_of_many_are_found_at_once(journal: Journal) -> None:
    pairs = [replace(PAIR, old=f"o{n}", new=f"n{n}") for n in range(1_200)]
    assert journal.learn_ids(pairs) == ()
    assert len(journal.ids("assessment", [f"o{n}" for n in range(2_000)], Side.OLD)) == 1_200


def test_ids_outlive_the_bodies_and_the_process(journal: Journal, store_url: str) -> None:
    journal.learn_ids([PAIR])
    journal.purge(before=10_000.0, now=20_000.0)
    journal.close()
    with Journal.open(store_url, key=KEY) as again:
        assert again.ids("assessment", ["AR-00017"], Side.OLD) == {"AR-00017": "AR-9F"}


def test_ids_are_stored_under_the_key_alone(journal: Journal, store_url: str, tmp_path: Path) -> None:
    journal.learn_ids([replace(PAIR, old="AB123456C", new="AB123456C")])
    with Journal.open(store_url, key=bytes(32)) as stranger:
        assert stranger.ids("assessment", ["AB123456C"], Side.OLD) == {}
    if not store_url.startswith("sqlite"):
        pytest.skip("only a file can be read as bytes here")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"AB123456C" not in content
    with sqlite3.connect(tmp_path / "store.db") as database:
        ((old, new),) = database.execute("SELECT old_digest, new_digest FROM identities").fetchall()
        assert old != new  # equal ids of both sides do not show
        database.execute("UPDATE identities SET sealed = x'00112233445566778899aabbccddeeff'")
        database.commit()
    database.close()
    with pytest.raises(StoreError, match="does not open"):
        journal.ids("assessment", ["AB123456C"], Side.OLD)


def test_ids_learnt_by_many_at_once_have_one_partner(journal: Journal) -> None:
    conflicts: list[IdConflict] = []

    def learn(number: int) -> None:
        given = [replace(PAIR, old=f"o{n}", new=f"n{n}-{number % 2}") for n in range(20)]
        conflicts.extend(journal.learn_ids(given if number % 3 else given[::-1]))

    threads = [threading.Thread(target=learn, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    known = journal.ids("assessment", [f"o{n}" for n in range(20)], Side.OLD)
    assert len(known) == 20
    assert len(conflicts) == 60
    assert all(known[conflict.given.old] != conflict.given.new for conflict in conflicts)


def exchange(name: str, at: float) -> Exchange:
    answer = Observation(Side.OLD, 200, at=at)
    return Exchange(
        name, PAIR.operation, Effect.WRITE, name, None, Stage.SHADOW, Request("POST", "/"), answer, Side.NEW, "e", at
    )


def test_creates_are_pending_until_they_have_an_outcome(journal: Journal) -> None:
    journal.append([exchange("a", 100.0), exchange("b", 200.0)])
    journal.claim("w", 1, 30, 250.0)
    assert journal.are_pending([PAIR.operation, "another"], 150.0)
    assert not journal.are_pending(["another"], 150.0)
    assert not journal.are_pending([PAIR.operation], 99.0)
    journal.finish([Judged("a", Outcome(OutcomeKind.MATCH, "f", "i"))], 260.0)
    assert not journal.are_pending([PAIR.operation], 150.0)
    assert journal.are_pending([PAIR.operation], 200.0)
