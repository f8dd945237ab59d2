"""A full disk: the append says so, nothing half is stored, and the reserve still takes the lost write."""

import subprocess
import sys
from pathlib import Path

from strangler.journal import GapReserve, Journal
from strangler.journal.crypto import Sealer

KEY = bytes(range(32))

WRITER = """
import resource, signal, sys
from pathlib import Path
from strangler.errors import StoreError
from strangler.exchange import *
from strangler.journal import GapReserve, Journal
from strangler.journal.crypto import Sealer
from strangler.stages import *

folder = Path(sys.argv[1])
journal = Journal.open(f"sqlite:///{folder / 'journal.db'}", key=bytes(range(32)))
reserve = GapReserve(folder / "gaps.reserve", Sealer(bytes(range(32))))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
stored = 0
for n in range(1000):
    asked = Request("POST", "/", (), b"x" * 5000)
    batch = [Exchange(f"{n}-{i}", "a.b", Effect.WRITE, "AB123456C", None, Stage.SHADOW, asked,
                      Observation(Side.OLD, 200), Side.NEW, "e", 1.0) for i in range(10)]
    try:
        journal.append(batch)
        stored += len(batch)
    except StoreError as error:
        reserve.add("a.b", "AB123456C", 1.0, "disk full")
        print(stored, flush=True)
        break
"""


def test_full_disk_loses_nothing_unnoticed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WRITER, tmp_path], capture_output=True, text=True, check=True)
    stored = int(done.stdout)
    reserve = GapReserve(tmp_path / "gaps.reserve", Sealer(KEY))
    with Journal.open(f"sqlite:///{tmp_path / 'journal.db'}", key=KEY) as journal:
        assert journal.depth() == stored > 0
        assert reserve.drain(journal) == 1
        assert [(gap.operation, gap.key, gap.why) for gap in journal.gaps()] == [("a.b", "AB123456C", "disk full")]
