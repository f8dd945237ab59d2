"""The wheel as somebody installs it: built, installed elsewhere, run from another folder."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PACKAGES = {"strangler", "proxy", "legacy_adapters", "new_services", "parity_checks", "load_tests", "examples"}
DATA = (".html", ".j2", ".css", ".sql", ".wsdl", ".xsd", ".yaml", ".mako", ".md")


def run(*command: str | Path, cwd: Path, codes: Sequence[int] = (0,)) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STRANGLER_", "PYTHON"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=kept, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode in codes, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the tracked files: nothing that only lies about here gets in."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in run("git", "ls-files", "-z", cwd=ROOT).split("\0"):
        if name and (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    if uv := shutil.which("uv"):
        run(uv, "build", "--wheel", "-q", "--python", sys.executable, "-o", folder, source, cwd=folder)
    else:
        run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The folder of commands of a new environment with the wheel in it; what it depends on is borrowed from here."""
    environment = wheel.parent / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=wheel.parent)
    (site,) = environment.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    borrowed = sysconfig.get_path("purelib")
    (site / "borrowed.pth").write_text(f"{borrowed}\n", "utf-8")
    command = environment / "bin/strangler"
    (entry,) = site.glob("strangler-*.dist-info/entry_points.txt")
    assert "strangler = strangler.cli:main" in entry.read_text("utf-8")
    command.write_text(
        f"#!{environment}/bin/python\nimport sys\nfrom strangler.cli import main\nsys.exit(main())\n", "utf-8"
    )
    command.chmod(0o755)
    return command.parent


def test_wheel_holds_every_package_with_its_data_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "ls-files", "-z", *sorted(PACKAGES), cwd=ROOT).split("\0")
    wanted = {name for name in tracked if name.endswith((".py", *DATA)) and (ROOT / name).exists()}
    assert len(wanted) > 200
    assert wanted - names == set()
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    assert [name for name in names if "/tests/" in name or name.startswith(("tests/", "benchmarks/", "docs/"))] == []


def test_installed_command_runs_our_code_and_not_the_source_tree(installed: Path, tmp_path: Path) -> None:
    found = run(installed / "python", "-c", "import strangler; print(strangler.__file__)", cwd=tmp_path)
    assert found.startswith(str(installed.parent))
    assert "cutover" in run(installed / "strangler", "--help", cwd=tmp_path)
    schema = json.loads(run(installed / "strangler", "plan", "schema", cwd=tmp_path))
    assert "operations" in schema["properties"]
    checks = json.loads(run(installed / "strangler", "doctor", "--json", cwd=tmp_path, codes=(0, 1)))
    rooms = {check["name"]: check["ok"] for check in checks if check["name"].startswith("package ")}
    assert set(rooms.values()) == {True}, rooms


def test_installed_package_finds_its_templates_and_migrations(installed: Path, tmp_path: Path) -> None:
    plan = tmp_path / "migration.yaml"
    plan.write_text(
        """
version: 1
programme: shop
systems:
  old: {department: shop, speaks: http, url: "http://127.0.0.1:1", build: "1"}
  new: {department: shop, speaks: http, url: "http://127.0.0.1:2", build: "2"}
operations:
  shop.get-item: {effect: read, match: {method: GET, path: {value: /item}}, old: old, new: new}
""",
        "utf-8",
    )
    run(installed / "strangler", "parity", "report", cwd=tmp_path, codes=[3])
    assert (tmp_path / ".strangler/reports/parity.html").read_text("utf-8").lower().startswith("<!doctype html>")
    status = json.loads(run(installed / "strangler", "status", "--json", cwd=tmp_path))
    assert status["operations"]["shop.get-item"]["rollout"] == "off"
