import importlib
import sys
from pathlib import Path

import pytest

from legacy_adapters.source_code import code_digest

FILES = {
    "town/__init__.py": "",
    "town/facades/__init__.py": "",
    "town/facades/find.py": "import json\nfrom town import texts\nfrom .forms import FORM\nimport village\n",
    "town/facades/forms.py": "def FORM():\n    from town.deep.codes import CODES\n    return CODES\n",
    "town/texts.py": "import town.facades.find\n",
    "town/deep/__init__.py": "",
    "town/deep/codes.py": "CODES = {}\n",
    "town/other.py": "",
    "village/__init__.py": "",
    "plain_adapter.py": "import beside\nimport town.other\n",
    "beside.py": "",
}


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes the files with one of them changed, imports a module of theirs anew, gives its digest."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(changed: str | None = None, module: str = "town.facades.find") -> str:
        for name, content in FILES.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content + ("# changed\n" if name == changed else ""))
        for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
            del sys.modules[name]
        importlib.invalidate_caches()
        return code_digest(importlib.import_module(module))

    yield made
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]


OURS = {"town", "village", "plain_adapter", "beside"}


@pytest.mark.parametrize("changed", ["facades/find", "facades/forms", "texts", "deep/codes", "facades/__init__"])
def test_digest_changes_with_each_module_of_the_package_that_is_imported(digest, changed):
    assert digest(f"town/{changed}.py") != digest()


@pytest.mark.parametrize("changed", [None, "town/other.py", "village/__init__.py"])
def test_digest_stays_where_nothing_imported_from_the_package_changes(digest, changed):
    assert digest(changed) == digest()


def test_digest_of_a_plain_module_takes_in_those_beside_it(digest):
    before = digest(module="plain_adapter")
    assert digest("beside.py", "plain_adapter") != before
    assert digest("town/other.py", "plain_adapter") == before
