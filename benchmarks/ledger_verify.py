"""Verifying an export of the ledger against SHA-256 alone over the same bytes, in Python.

The export holds entries as cutovers write them. The peer reads the same file line by line and hashes each
line. The figures are thousands of entries a second, medians of interleaved turns.
"""

import hashlib
import statistics
import tempfile
import time
from pathlib import Path

from strangler.chain import GENESIS, canonical, verify_export

GOAL = 0.5
_ENTRIES = 50_000
_TURNS = 9


def _write(path: Path) -> None:
    previous = GENESIS
    said = [
        {"gate": gate, "result": "PASS", "reasons": [], "value": value, "threshold": threshold}
        for gate, value, threshold in (
            ("parity", "0 of 4,812 inputs; at most 0.098 % at 95 %", "below 0.1 % at 95 %"),
            ("load", "p99 12.1 ms new, 14.0 ms old, 0 errors in 6,000", "within budget peak-hour"),
            ("soak", "26.4 h", "24 h"),
            ("gaps", "0", "0"),
            ("approvals", "2 of 2", "2 of 3 approvers"),
            ("hold", "off", "off"),
        )
    ]
    with path.open("wb") as file:
        for seq in range(1, _ENTRIES + 1):
            body = {
                "operation": "pensions.get-entitlement",
                "before": {"shadow": "100"},
                "after": {"live": str(seq % 100), "shadow": str(100 - seq % 100)},
                "why": "the next step",
                "entry": f"{seq:032x}",
                "fingerprint": f"{seq:032x}",
                "gates": said,
            }
            bare = {"seq": seq, "at": 1.79e9 + seq, "kind": "rollout", "who": "ann", "body": body, "previous": previous}
            previous = hashlib.sha256(canonical(bare)).hexdigest()
            file.write(canonical({**bare, "hash": previous}) + b"\n")


def _ours(path: Path) -> float:
    start = time.perf_counter()
    if verify_export(path) != _ENTRIES:
        raise AssertionError("not every entry was verified")
    return time.perf_counter() - start


def _bare(path: Path) -> float:
    start = time.perf_counter()
    with path.open("rb") as file:
        for line in file:
            hashlib.sha256(line).hexdigest()
    return time.perf_counter() - start


def run() -> list[dict[str, object]]:
    """Measure in turns. ``ours`` and ``peer`` are thousands of entries a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        _write(path)
        turns = []
        for turn in range(_TURNS):
            order = (_ours, _bare) if turn % 2 else (_bare, _ours)
            took = {measure: measure(path) for measure in order}
            turns.append((_ENTRIES / took[_ours] / 1_000, _ENTRIES / took[_bare] / 1_000))
    ours, peer = (statistics.median(values) for values in zip(*turns, strict=True))
    ratio = statistics.median(ours / bare for ours, bare in turns)
    return [
        {
            "name": "ledger_verify",
            "ours": round(ours, 1),
            "peer": round(peer, 1),
            "peer_name": "hashlib.sha256 of the same lines, thousands/s",
            "ratio": round(ratio, 3),
            "goal": GOAL,
            "met": ratio >= GOAL,
        }
    ]
