"""Checkpoints of the ledger as an operator makes them and an auditor uses them."""

import shutil
import subprocess
import sys


def decided(programme, times: int = 2) -> None:
    for _ in range(times):
        programme.run("hold", "--why", "a drill", "--as", "ann")
        programme.run("release", "--why", "over", "--as", "ann")


def test_ledger_checkpoint_holds_until_the_ledger_is_another(programme) -> None:
    decided(programme)
    kept = programme.folder / "kept.json"
    key = programme.run("ledger", "key").out.strip()
    told = programme.run("ledger", "checkpoint", str(kept))
    assert (told.code, key in told.out, (programme.session.state.path / "ledger.key").stat().st_mode & 0o777) == (
        0,
        True,
        0o600,
    )
    decided(programme)
    told = programme.run("ledger", "verify", "--checkpoint", str(kept), "--key", key)
    assert (told.code, told.out.strip()) == (0, "8 entries, every link verified; 1 checkpoints hold")
    export = programme.folder / "ledger.jsonl"
    programme.run("ledger", "export", str(export))
    export.write_bytes(b"".join(export.read_bytes().splitlines(keepends=True)[:3]))
    cut = programme.run("ledger", "verify", str(export), "--checkpoint", str(kept), "--key", key)
    assert (cut.code, "cut off" in cut.err) == (1, True)


def test_ledger_export_is_verified_by_one_file_that_needs_nothing_of_ours(programme, tmp_path) -> None:
    decided(programme)
    export, kept = tmp_path / "away" / "ledger.jsonl", tmp_path / "away" / "kept.json"
    export.parent.mkdir()
    programme.run("ledger", "checkpoint", str(kept))
    key = programme.run("ledger", "key").out.strip()
    programme.run("ledger", "export", str(export), "--with-verifier")
    command = [sys.executable, "-I", "verify_ledger.py", "ledger.jsonl", "--checkpoint", "kept.json", "--key", key]
    told = subprocess.run(command, cwd=export.parent, capture_output=True, text=True, check=False, timeout=60)
    assert (told.returncode, told.stdout) == (0, "4 entries, every link verified; 1 checkpoints hold\n")
    other = tmp_path / "other"
    shutil.copytree(export.parent, other)
    (other / "ledger.jsonl").write_bytes(export.read_bytes().replace(b"a drill", b"a skill", 1))
    told = subprocess.run(command, cwd=other, capture_output=True, text=True, check=False, timeout=60)
    assert (told.returncode, told.stderr) == (1, "BROKEN: entry 1 is not what its hash says\n")


def test_ledger_verify_takes_no_key_from_a_checkpoint(programme) -> None:
    decided(programme, 1)
    programme.run("ledger", "checkpoint", str(programme.folder / "kept.json"))
    told = programme.run("ledger", "verify", "--checkpoint", str(programme.folder / "kept.json"))
    assert (told.code, "--key" in told.err) == (2, True)


def test_ledger_checkpoint_of_nothing_is_refused(programme) -> None:
    told = programme.run("ledger", "checkpoint", str(programme.folder / "kept.json"))
    assert (told.code, "empty" in told.err) == (2, True)
