"""The house's own rules, kept by a machine."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("strangler", "proxy", "legacy_adapters", "new_services", "parity_checks", "load_tests", "examples")
MOST_LINES = 500
"""Of one module; split it by meaning before it grows so long."""
NO_NAMES = ("utils", "util", "helpers", "helper", "common", "misc", "manager", "managers")
LOCKS = ("requirements/app.txt", "requirements/dev.txt")


@cache
def tracked() -> tuple[str, ...]:
    """Every file under version control that is there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no checkout")
    return tuple(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def modules() -> list[str]:
    return [name for name in tracked() if name.endswith(".py") and name.partition("/")[0] in ROOMS]


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8", "replace")


def test_house_modules_are_short_enough_to_read() -> None:
    long = {name: lines for name in modules() if (lines := text_of(name).count("\n")) > MOST_LINES}
    assert long == {}


def test_house_names_say_what_is_inside() -> None:
    vague = [name for name in tracked() if {Path(name).stem, *Path(name).parent.parts} & set(NO_NAMES)]
    assert vague == []


def test_house_every_module_and_package_says_what_it_is_for() -> None:
    silent = [name for name in modules() if not ast.get_docstring(ast.parse(text_of(name)))]
    assert silent == []


def test_house_every_package_is_marked_as_one() -> None:
    folders = {str(Path(name).parent) for name in modules()}
    assert [folder for folder in sorted(folders) if not (ROOT / folder / "__init__.py").exists()] == []


REGISTRY = re.compile(
    r"(?i)\b(py[p]i\.org|files\.python[h]osted\.org|registry\.npm[j]s\.org|proxy\.go[l]ang\.org|(?<!no-emit-)index-[u]rl)\b"
)


def test_house_names_no_package_registry() -> None:
    assert [name for name in tracked() if REGISTRY.search(text_of(name))] == []


MACHINE = re.compile(r"(?<![\w.{}$~/-])/(?:home|root|Users|work|mnt|media)/[\w.-]+")


def test_house_names_no_path_of_one_machine() -> None:
    found = {name: hit[0] for name in tracked() if (hit := MACHINE.search(text_of(name)))}
    assert found == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_house_every_locked_requirement_has_its_hashes_and_no_address(lock: str) -> None:
    text = text_of(lock)
    pinned = re.split(r"\n(?=[a-z0-9])", "\n" + re.sub(r"(?m)^\s*#.*\n?", "", text))[1:]
    assert len(pinned) > 50
    assert [entry.split()[0] for entry in pinned if "==" in entry and "--hash=sha256:" not in entry] == []
    assert [entry for entry in pinned if "==" not in entry] == []
    assert re.findall(r"https?://\S+|--(?:extra-)?index\S*|--find-links\S*|\S+ @ \S+", text) == []


def test_house_app_lock_is_part_of_the_dev_lock() -> None:
    app, dev = (set(re.findall(r"(?m)^([\w.\[\]-]+==[^ ;\\]+)", text_of(lock))) for lock in LOCKS)
    assert app - dev == set()


OF_THE_WHOLE = {"tests/unit/new_services/test_services.py", "tests/unit/strangler/cli/test_help.py"}
OF_THE_WHOLE |= {"tests/unit/strangler/plan/init/test_drafts.py", "tests/unit/strangler/plan/test_example.py"}
"""Tests of a whole package at once."""


def test_house_unit_tests_mirror_the_source() -> None:
    """``tests/unit/a/test_b_c.py`` is about ``a/b_c`` or ``a/b``: a module, package or file; or ``a`` is ``b``."""
    sources = {str(Path(name).with_suffix("")).lower() for name in tracked()}
    sources |= {str(parent) for name in tracked() for parent in Path(name).parents}
    strays = []
    for name in sorted({*tracked()} - OF_THE_WHOLE):
        path = Path(name)
        if path.parts[:2] != ("tests", "unit") or path.parent.name == "unit" or not path.name.startswith("test_"):
            continue
        folder, words = Path(*path.parts[2:-1]), path.stem.removeprefix("test_").split("_")
        subjects = {"_".join(words[:size]) for size in range(1, len(words) + 1)}
        if folder.name not in subjects and not {str(folder / subject) for subject in subjects} & sources:
            strays.append(name)
    assert strays == []
