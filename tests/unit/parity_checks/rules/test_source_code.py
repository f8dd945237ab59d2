import sys
from hashlib import sha256
from pathlib import Path

import pytest

from parity_checks.rules.source_code import code_digest, digest_of, find_source, has_function


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_source_of_a_module_is_found_without_running_it_or_what_is_above(folder: Path) -> None:
    (folder / "ours_above" / "within").mkdir(parents=True)
    (folder / "ours_above" / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "ours_above" / "within" / "__init__.py").write_text("raise SystemExit('imported')")
    module = folder / "ours_above" / "within" / "rules.py"
    module.write_text("raise SystemExit('imported')")
    assert find_source("ours_above.within.rules") == module
    assert code_digest("ours_above.within.rules:same") == sha256(module.read_bytes()).hexdigest()[:16]
    assert not any(name.startswith("ours_above") for name in sys.modules)


@pytest.mark.parametrize("module", ["no_such_module", "no_such.module", "json.no_such", "sys", "math.pi", "os.path.x"])
def test_what_is_no_python_file_has_no_source(module: str) -> None:
    assert find_source(module) is None
    assert code_digest(f"{module}:f") is None


def test_digest_changes_with_every_byte() -> None:
    assert digest_of(b"return True\n") != digest_of(b"return True")
    assert len(digest_of(b"")) == 16


@pytest.mark.parametrize(
    "code",
    ["def same(a, b): ...", "from x import same", "from x import y as same", "from x import *", "same = None", "def ("],
)
def test_source_code_may_have_a_function_in_many_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    (tmp_path / "many_ways.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    assert has_function("many_ways:same")


@pytest.mark.parametrize("code", ["", "def sane(a, b): return same", "import same_x"])
def test_source_code_that_lacks_a_function_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    (tmp_path / "lacking.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    assert not has_function("lacking:same")
