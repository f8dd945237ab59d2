"""``python -m tests.proofs.tamper [COUNT]``: seeded manipulations of a ledger's export, each of which must be found.

Whoever manipulates may rewrite the export and the checkpoint as they like and compute every hash anew; what they lack
is the private key. Whoever verifies has the export, one checkpoint and the public key, noted elsewhere. Each
manipulation is given to two verifiers that share no code: ours, and the one file that goes with an export.
"""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from strangler import verify_ledger
from strangler.chain import GENESIS, canonical, verify_export
from strangler.checkpoints import Checkpoint, anchors, public_key, read_checkpoint, sign, write_checkpoint
from strangler.errors import StranglerError
from strangler.ledger import EntryKind, Ledger

SEED = 2026
COUNT = 10_000
ENTRIES = 24
OURS, THEIRS = bytes(range(32)), bytes(range(1, 33))
"""The private key of the ledger, and one that somebody else made."""

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """What whoever verifies is handed: an export's lines and a checkpoint."""

    lines: tuple[bytes, ...]
    checkpoint: Checkpoint

    @property
    def entries(self) -> list[Entry]:
        return [orjson.loads(line) for line in self.lines]


def made(folder: Path, seed: int) -> Case:
    """A real ledger's export, with a checkpoint of its end."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    with Ledger.open(f"sqlite:///{folder}/ledger-{seed}.db") as ledger:
        for number in range(ENTRIES):
            kind = rng.choice(list(EntryKind))
            body = {
                "operation": f"pensions.op-{rng.randrange(4)}",
                "why": rng.choice(['a "reason"', "Ünïcode ✓", "x" * 40, ',"hash":"' + "0" * 64 + '","kind":"hold"']),
                "after": {"shadow": str(rng.randrange(100)), "live": "10"},
                "figures": {"requests": rng.randrange(10_000), "ratio": rng.random()},
            }
            ledger.append(kind, rng.choice(["amina", "ben", 'O"Neil']), body, now=1_790_000_000.0 + number)
        ledger.export(folder / "export.jsonl")
        head = ledger.head()
    assert head is not None
    lines = tuple((folder / "export.jsonl").read_bytes().splitlines(keepends=True))
    return Case(lines, sign("elderly-care", head.seq, head.hash, 1_790_009_999.0, OURS))


def rehashed(entries: list[Entry], start: int = 0) -> tuple[bytes, ...]:
    """The lines of entries numbered, linked and hashed anew from ``start`` on, as a forger would."""
    previous = entries[start - 1]["hash"] if start else GENESIS
    for at in range(start, len(entries)):
        bare = {name: value for name, value in entries[at].items() if name != "hash"}
        bare |= {"seq": at + 1, "previous": previous}
        previous = sha256(canonical(bare)).hexdigest()
        entries[at] = {**bare, "hash": previous}
    return tuple(canonical(entry) + b"\n" for entry in entries)


def plain(entries: list[Entry]) -> tuple[bytes, ...]:
    return tuple(canonical(entry) + b"\n" for entry in entries)


def changed(entry: Entry, rng: random.Random) -> Entry:
    """An entry with one value changed, anywhere in it."""
    entry = orjson.loads(orjson.dumps(entry))
    match rng.choice(["who", "at", "kind", "body", "deep", "seq", "previous", "hash", "more", "less"]):
        case "who":
            entry["who"] += rng.choice(["x", " ", "\u200b"])
        case "at":
            entry["at"] += rng.choice([-1.0, 0.5, 86_400.0])
        case "kind":
            entry["kind"] = rng.choice([kind.value for kind in EntryKind if kind.value != entry["kind"]])
        case "body":
            entry["body"]["why"] += "."
        case "deep":
            entry["body"]["after"]["live"] = str(rng.randrange(11, 100))
        case "seq":
            entry["seq"] += rng.choice([-1, 1, 100])
        case "previous":
            entry["previous"] = f"{rng.getrandbits(256):064x}"
        case "hash":
            entry["hash"] = f"{rng.getrandbits(256):064x}"
        case "more":
            entry["body"]["added"] = rng.random()
        case "less":
            del entry["body"]["why"]
    return entry


def flip(case: Case, rng: random.Random) -> Case:
    """One bit of the file."""
    lines = list(case.lines)
    at = rng.randrange(len(lines))
    line = bytearray(lines[at])
    line[rng.randrange(len(line))] ^= 1 << rng.randrange(8)
    lines[at] = bytes(line)
    return replace(case, lines=tuple(b"".join(lines).splitlines(keepends=True)))


def change(case: Case, rng: random.Random) -> Case:
    """A value, and nothing else."""
    entries = case.entries
    at = rng.randrange(len(entries))
    entries[at] = changed(entries[at], rng)
    return replace(case, lines=plain(entries))


def change_and_hash(case: Case, rng: random.Random) -> Case:
    """A value and its entry's hash."""
    entries = case.entries
    at = rng.randrange(len(entries))
    bare = {name: value for name, value in changed(entries[at], rng).items() if name != "hash"}
    entries[at] = {**bare, "hash": sha256(canonical(bare)).hexdigest()}
    return replace(case, lines=plain(entries))


def change_and_forge(case: Case, rng: random.Random) -> Case:
    """A value, and every hash from there on."""
    entries = case.entries
    at = rng.randrange(len(entries))
    entries[at] = changed(entries[at], rng)
    return replace(case, lines=rehashed(entries, at))


def delete(case: Case, rng: random.Random) -> Case:
    """An entry, and perhaps every hash after it."""
    entries = case.entries
    at = rng.randrange(len(entries))
    del entries[at]
    return replace(case, lines=rehashed(entries, at) if rng.random() < 0.5 else plain(entries))


def reorder(case: Case, rng: random.Random) -> Case:
    """Two entries, and perhaps every hash from the first on."""
    entries = case.entries
    one, other = sorted(rng.sample(range(len(entries)), 2))
    entries[one], entries[other] = entries[other], entries[one]
    return replace(case, lines=rehashed(entries, one) if rng.random() < 0.5 else plain(entries))


def truncate(case: Case, rng: random.Random) -> Case:
    """The end is cut off, at an entry or inside of one."""
    kept = rng.randrange(len(case.lines))
    lines = list(case.lines[:kept])
    if rng.random() < 0.3:
        lines.append(case.lines[kept][: rng.randrange(1, len(case.lines[kept]))])
    return replace(case, lines=tuple(lines))


def insert(case: Case, rng: random.Random) -> Case:
    """An entry more: a copy, a forged one, or something that is none."""
    entries = case.entries
    at = rng.randrange(len(entries))
    if rng.random() < 0.2:
        lines = list(case.lines)
        lines.insert(at, rng.choice([b"\n", b"{}\n", b"null\n", b"\xff\n", lines[at][:-1] + b" \n"]))
        return replace(case, lines=tuple(lines))
    entries.insert(at, changed(rng.choice(entries), rng))
    return replace(case, lines=rehashed(entries, at) if rng.random() < 0.5 else plain(entries))


def rewind(case: Case, rng: random.Random) -> Case:
    """The ledger as it was, gone on in another way."""
    kept = rng.randrange(len(case.lines) - 1)
    entries = case.entries[:kept]
    entries += [changed(entry, rng) for entry in case.entries[kept : rng.randrange(kept, len(case.lines))]]
    return replace(case, lines=rehashed(entries, kept))


def respell(case: Case, rng: random.Random) -> Case:
    """The same values, written otherwise."""
    lines = list(case.lines)
    at = rng.randrange(len(lines))
    entry = orjson.loads(lines[at])
    lines[at] = rng.choice(
        [
            lines[at].replace(b":", b": ", 1),
            orjson.dumps(dict(reversed(entry.items()))) + b"\n",
            lines[at].replace(b"{", b'{"at":0,', 1),
            lines[at][:-1] + b"\r\n",
            b"\xef\xbb\xbf" + lines[at],
        ]
    )
    return replace(case, lines=tuple(lines))


def resign(case: Case, rng: random.Random) -> Case:
    """Everything forged, with a checkpoint signed by somebody else."""
    forged = change_and_forge(case, rng)
    head = forged.entries[-1]
    return replace(forged, checkpoint=sign("elderly-care", head["seq"], head["hash"], 1_790_009_999.0, THEIRS))


def edit_checkpoint(case: Case, rng: random.Random) -> Case:
    """The checkpoint itself, so that it fits what was forged or cut off."""
    kept = rng.randrange(1, len(case.lines))
    head = case.entries[kept - 1]
    edited = replace(case.checkpoint, seq=head["seq"], hash=head["hash"])
    if rng.random() < 0.3:
        edited = replace(edited, signature=f"{rng.getrandbits(512):0128x}")
    return Case(case.lines[:kept], edited)


def splice(case: Case, rng: random.Random, other: Case) -> Case:
    """Another ledger's entries."""
    start = rng.randrange(len(case.lines))
    end = rng.randrange(start + 1, len(case.lines) + 1)
    entries = [*case.entries[:start], *other.entries[start:end], *case.entries[end:]]
    return replace(case, lines=rehashed(entries, start) if rng.random() < 0.5 else plain(entries))


MANIPULATIONS: tuple[Callable[[Case, random.Random], Case], ...] = (
    flip, change, change_and_hash, change_and_forge, delete, reorder, truncate, insert, rewind, respell, resign,
    edit_checkpoint,
)  # fmt: skip


def is_found(case: Case, folder: Path) -> tuple[bool, bool]:
    """Whether our verifier, and whether the one that shares no code with it, finds something wrong."""
    export, checkpoint = folder / "manipulated.jsonl", folder / "checkpoint.json"
    export.write_bytes(b"".join(case.lines))
    write_checkpoint(case.checkpoint, checkpoint)
    key = public_key(OURS)
    try:
        verify_export(export, anchors=anchors([read_checkpoint(checkpoint)], key))
        by_ours = False
    except StranglerError:
        by_ours = True
    try:
        verify_ledger.verify(str(export), None, [str(checkpoint)], key)
        by_theirs = False
    except verify_ledger.Broken:
        by_theirs = True
    return by_ours, by_theirs


def run(count: int, folder: Path, seed: int = SEED) -> tuple[int, list[str]]:
    """Try ``count`` manipulations; how many were found by both verifiers, and which were not."""
    rng = random.Random(seed)
    case, other = made(folder / "one", seed), made(folder / "other", seed + 1)
    if any(is_found(case, folder)):
        raise AssertionError("the ledger does not verify before anything was done to it")
    found, missed = 0, []
    for number in range(count):
        manipulation = rng.choice((*MANIPULATIONS, splice))
        manipulated = case
        while manipulated == case:
            manipulated = splice(case, rng, other) if manipulation is splice else manipulation(case, rng)
        said = is_found(manipulated, folder)
        if all(said):
            found += 1
        else:
            missed.append(f"{number} {manipulation.__name__}: ours {said[0]}, theirs {said[1]}")
    return found, missed


def main(arguments: list[str]) -> int:
    """Print how many were tried and found, by kind where any was missed."""
    count = int(arguments[0]) if arguments else COUNT
    with tempfile.TemporaryDirectory() as folder:
        found, missed = run(count, Path(folder))
    print(f"manipulations: {count:,} tried, {found:,} found")
    for kind, number in Counter(line.split()[1] for line in missed).items():
        print(f"  missed {kind} {number}", file=sys.stderr)
    return 0 if found == count else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
