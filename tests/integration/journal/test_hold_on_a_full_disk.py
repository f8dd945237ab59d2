"""The kill switch on a full disk: a file with no room in it is enough to hold everything."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from strangler.holds import read_hold, reserve_hold, set_hold
from strangler.state import StateFolder
from strangler.stop import hold_now

HOLDER = """
import resource, signal, sys
from contextlib import suppress
from pathlib import Path
from strangler.state import StateFolder
from strangler.stop import hold_now

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
sys.stderr.write(hold_now(StateFolder(Path(sys.argv[1]), environ={}), ["a.b"], "ann", "trouble", 5.0))
"""


def test_hold_without_room_holds_everything(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", HOLDER, tmp_path], capture_output=True, text=True, check=True)
    assert "Everything is held" in done.stderr
    assert "The hold is in force, but not on record" in done.stderr
    assert "Traceback" not in done.stderr
    assert StateFolder(tmp_path, environ={}).held() == {"*"}


def test_hold_that_is_there_already_is_not_lost_for_lack_of_room(tmp_path: Path) -> None:
    set_hold(StateFolder(tmp_path, environ={}), ["c.d"], "ann", "before", 1.0)
    subprocess.run([sys.executable, "-c", HOLDER, tmp_path], capture_output=True, check=True)
    assert StateFolder(tmp_path, environ={}).held() == {"*"}


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=16", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount a disk; the test above limits a file's size instead")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(folder: Path) -> None:
    """Leave no block free."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    with pytest.raises(OSError, match="No space"):
        (folder / "more").write_bytes(b"x")


def take_inodes(folder: Path) -> None:
    """Leave no file to be made."""
    with suppress(OSError):
        for number in range(100):
            (folder / str(number)).touch()
    with pytest.raises(OSError, match="No space"):
        (folder / "another").touch()


@pytest.mark.parametrize("has_inodes", [True, False])
def test_hold_on_a_full_disk_holds_everything(tiny: Path, has_inodes: bool) -> None:
    state = StateFolder(tiny / "state", environ={})
    reserve_hold(state)
    fill(tiny)
    if not has_inodes:
        take_inodes(tiny)
    told = hold_now(state, None, "ann", "trouble", 5.0)
    held = read_hold(state.hold_file)
    assert held is not None
    assert held.operations == ("*",)
    assert "not on record" in told
