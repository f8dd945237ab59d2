"""``python -m fuzz <target> --seconds N``: one target under atheris; ``grown`` runs without; ``all`` all in turn.

A find is kept under ``build/fuzz/<target>/``; ``python -m fuzz <target> FILE`` runs it again. Exit status 1 says that
something was found.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz.seeds import SEEDS

FINDS = Path("build/fuzz")
LONGEST_BYTES = 8_192
MOST_MIB = 3_000
SLOWEST_S = 15


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=[*SEEDS, "grown", "all"])
    parser.add_argument("finds", nargs="*", help="files to run once, in place of fuzzing")
    parser.add_argument("--seconds", type=int, default=60, help="how long each target runs")
    chosen = parser.parse_args()
    if chosen.target == "all":
        return max([*(_apart(name, chosen.seconds) for name in SEEDS), _grown(chosen.seconds)])
    if chosen.target == "grown":
        return _grown(chosen.seconds)
    _run(chosen.target, chosen.seconds, chosen.finds)
    return 0


def _grown(seconds: int) -> int:
    from fuzz import grown  # which imports what atheris must be the first to import

    return grown.run(seconds)


def _apart(name: str, seconds: int) -> int:
    """One target in a process of its own, told in one line."""
    command = [sys.executable, "-m", "fuzz", name, "--seconds", str(seconds)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")  # noqa: S603  our own
    done = re.search(r"Done (\d+) runs in (\d+) second", ended.stderr)
    said = f"{int(done[1]):,} runs in {done[2]} s" if done else ended.stderr[-2_000:]
    sys.stdout.write(f"{name:<12} {'ok   ' if ended.returncode == 0 else 'FOUND'} {said}\n")
    sys.stdout.flush()
    return int(ended.returncode != 0)


def _run(name: str, seconds: int, finds: list[str]) -> None:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["parity_checks"]):
        from fuzz.targets import TARGETS, guarded

    kept = FINDS / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as seeds:
        for number, seed in enumerate(SEEDS[name]):
            (Path(seeds) / str(number)).write_bytes(seed)
        limits = [f"-max_len={LONGEST_BYTES}", f"-rss_limit_mb={MOST_MIB}", f"-timeout={SLOWEST_S}"]
        places = finds or [seeds]
        atheris.Setup(
            [name, *limits, f"-max_total_time={seconds}", f"-artifact_prefix={kept}/", *places], guarded(TARGETS[name])
        )
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
