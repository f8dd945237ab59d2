"""An export's lines verified as the bytes they are."""

import json
from hashlib import sha256

import pytest

from strangler.chain import GENESIS, canonical, verify_lines
from strangler.errors import LedgerBroken


def chain(*bodies: dict[str, object], who: str = "ana") -> list[bytes]:
    lines, previous = [], GENESIS
    for seq, body in enumerate(bodies, start=1):
        bare = {"seq": seq, "at": 1.5, "kind": "hold", "who": who, "body": body, "previous": previous}
        previous = sha256(canonical(bare)).hexdigest()
        lines.append(canonical({**bare, "hash": previous}) + b"\n")
    return lines


def head(line: bytes) -> str:
    return str(json.loads(line)["hash"])


def test_lines_hold_with_values_that_look_like_the_chain_itself() -> None:
    trap = ',"hash":"' + "0" * 64 + '","kind":"hold","previous":"' + GENESIS + '","seq":1,"who":"x"}'
    nested = {"hash": "0" * 64, "kind": "hold", "previous": GENESIS, "seq": 1, "who": "x"}
    lines = chain({"why": trap, "z": nested}, {"why": "\\"}, {}, who=trap + '\\"')
    assert verify_lines(lines) == 3
    assert verify_lines(lines, head(lines[1]), {3: head(lines[2])}) == 3


def test_line_whose_hash_stands_in_its_body_alone_is_found() -> None:
    (line,) = chain({"why": "x"})
    entry = json.loads(line)
    inside = {"hash": entry.pop("hash"), "kind": "hold", "previous": GENESIS, "seq": 1, "who": "ana"}
    with pytest.raises(LedgerBroken):
        verify_lines([canonical({**entry, "body": inside}) + b"\n"])


@pytest.mark.parametrize("end", [b"", b"\r\n", b" \n", b"\n\n"])
def test_line_that_ends_otherwise_is_found(end: bytes) -> None:
    (line,) = chain({})
    with pytest.raises(LedgerBroken):
        verify_lines([line[:-1] + end])


def test_anchor_beyond_the_end_is_found() -> None:
    lines = chain({}, {}, {})
    with pytest.raises(LedgerBroken, match="cut off") as broken:
        verify_lines(lines[:2], anchors={3: head(lines[2])})
    assert broken.value.seq == 3


def test_anchor_of_another_ledger_is_found() -> None:
    with pytest.raises(LedgerBroken, match="replaced"):
        verify_lines(chain({}, {}), anchors={1: "ab" * 32})
