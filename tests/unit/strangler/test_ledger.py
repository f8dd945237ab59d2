"""The chain: whatever is done to it is found, also offline."""

import random
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from strangler.chain import canonical, verify_entries, verify_export
from strangler.errors import LedgerBroken, Refused, StoreError
from strangler.ledger import EntryKind, Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as opened:
        yield opened


def filled(ledger: Ledger, count: int = 8) -> list[dict[str, object]]:
    for n in range(count):
        ledger.append(EntryKind.ROLLOUT, "María", {"operation": "a.b", "n": n, "share": 0.1}, now=100.5 + n)
    return [entry.as_dict() for entry in ledger.entries()]


def test_ledger_verifies_and_counts_its_entries(ledger: Ledger) -> None:
    filled(ledger)
    assert ledger.verify() == 8
    head = ledger.head()
    assert head is not None
    assert (head.seq, head.who, head.body["n"]) == (8, "María", 7)


def test_empty_ledger_verifies(ledger: Ledger) -> None:
    assert (ledger.verify(), ledger.head(), ledger.entries()) == (0, None, [])


def test_entries_since_a_seq_are_those_after_it(ledger: Ledger) -> None:
    filled(ledger)
    assert [entry.seq for entry in ledger.entries(since=6)] == [7, 8]


@pytest.mark.parametrize("place", [0, 3, 7])
@pytest.mark.parametrize("field", ["seq", "at", "kind", "who", "body", "previous", "hash"])
def test_every_changed_field_is_found_wherever_it_is(ledger: Ledger, place: int, field: str) -> None:
    chain = filled(ledger)
    changed = {"seq": 99, "at": 1.0, "kind": "hold", "who": "Eve", "body": {}, "previous": "f" * 64, "hash": "e" * 64}
    chain[place] = {**chain[place], field: changed[field]}
    with pytest.raises(LedgerBroken):
        verify_entries(chain)


def test_seeded_manipulations_are_all_found(ledger: Ledger) -> None:
    rng, chain = random.Random(11), filled(ledger, 12)
    anchor = str(chain[-1]["hash"])
    for number in range(500):
        changed, kind = list(chain), number % 5
        i, j = rng.sample(range(len(chain)), 2)
        if kind == 0:
            del changed[i]
        elif kind == 1:
            changed[i], changed[j] = changed[j], changed[i]
        elif kind == 2:
            changed.insert(i, chain[j])
        elif kind == 3:
            del changed[rng.randrange(len(chain)) :]
        else:
            changed[i] = {**chain[i], "body": {**chain[i]["body"], "n": rng.random()}}  # type: ignore[dict-item]
        with pytest.raises(LedgerBroken):
            verify_entries(changed, anchor)


def test_cut_off_end_needs_an_anchor_to_be_found(ledger: Ledger) -> None:
    chain = filled(ledger)
    anchor = str(chain[-1]["hash"])
    assert verify_entries(chain[:5]) == 5
    assert verify_entries(chain, anchor) == 8
    with pytest.raises(LedgerBroken, match="anchor"):
        verify_entries(chain[:5], anchor)


def test_recomputed_hash_is_found_at_the_next_link(ledger: Ledger) -> None:
    import hashlib

    chain = filled(ledger)
    forged = {**chain[3], "who": "Eve"}
    bare = {name: value for name, value in forged.items() if name != "hash"}
    chain[3] = {**bare, "hash": hashlib.sha256(canonical(bare)).hexdigest()}
    with pytest.raises(LedgerBroken) as broken:
        verify_entries(chain)
    assert broken.value.seq == 5


def test_change_behind_our_back_is_found(ledger: Ledger, tmp_path: Path) -> None:
    filled(ledger)
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.execute("UPDATE entries SET who = 'Eve' WHERE seq = 4")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerBroken) as broken:
        ledger.verify()
    assert broken.value.seq == 4


@pytest.mark.parametrize("change", ["'  ' || body", """'{"n":"forged",' || substr(body, 2)"""])
def test_body_that_is_not_canonical_is_found(ledger: Ledger, tmp_path: Path, change: str) -> None:
    filled(ledger)
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.execute(f"UPDATE entries SET body = {change} WHERE seq = 2")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerBroken, match="canonical") as broken:
        ledger.verify()
    assert broken.value.seq == 2


def test_second_decision_on_the_same_head_is_told(ledger: Ledger) -> None:
    ledger.append(EntryKind.HOLD, "ana", {}, expect_seq=0, now=1.0)
    with pytest.raises(Refused, match="somebody else decided first"):
        ledger.append(EntryKind.HOLD, "ben", {}, expect_seq=0, now=2.0)
    assert ledger.verify() == 1


def test_one_of_many_concurrent_decisions_wins(ledger: Ledger, tmp_path: Path) -> None:
    told: list[str] = []

    def decide(who: str) -> None:
        with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as own:
            try:
                own.append(EntryKind.ROLLOUT, who, {}, expect_seq=0, now=1.0)
            except Refused:
                told.append(who)

    threads = [threading.Thread(target=decide, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (ledger.verify(), len(told)) == (1, 5)


def test_entry_that_is_no_finite_json_is_not_taken(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        ledger.append(EntryKind.LOAD, "ana", {"p99": float("nan")}, now=1.0)
    with pytest.raises(ValueError, match="finite"):
        ledger.append(EntryKind.LOAD, "ana", {}, now=float("inf"))
    assert ledger.verify() == 0


def test_export_verifies_offline(ledger: Ledger, tmp_path: Path) -> None:
    chain = filled(ledger)
    path = tmp_path / "ledger.jsonl"
    assert ledger.export(path) == 8
    assert verify_export(path, str(chain[-1]["hash"])) == 8
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    with pytest.raises(LedgerBroken):
        verify_export(path)


def test_export_written_in_another_way_is_not_taken(ledger: Ledger, tmp_path: Path) -> None:
    filled(ledger)
    path = tmp_path / "ledger.jsonl"
    ledger.export(path)
    path.write_bytes(b"".join(orjson.dumps(orjson.loads(line)) + b" \n" for line in path.read_bytes().splitlines()))
    with pytest.raises(LedgerBroken, match="canonically"):
        verify_export(path)


def test_open_without_create_refuses_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no ledger"):
        Ledger.open(f"sqlite:///{tmp_path / 'none.db'}", create=False)
