"""A part of ``make tamper``, in every run of the tests; and that the suite itself can fail."""

import ast
import sys
from pathlib import Path

from strangler import verify_ledger
from strangler.chain import verify_export
from tests.proofs import tamper


def test_tamper_every_manipulation_is_found(tmp_path: Path) -> None:
    found, missed = tamper.run(400, tmp_path, seed=7)
    assert (found, missed) == (400, [])


def test_tamper_without_its_checkpoint_a_cut_off_end_is_not_found(tmp_path: Path) -> None:
    case = tamper.made(tmp_path, 7)
    (tmp_path / "cut.jsonl").write_bytes(b"".join(case.lines[:-3]))
    assert verify_export(tmp_path / "cut.jsonl") == tamper.ENTRIES - 3
    assert verify_ledger.verify(str(tmp_path / "cut.jsonl"), None, [], "") == tamper.ENTRIES - 3


def test_tamper_verifier_that_goes_with_an_export_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(verify_ledger.__file__).read_text("utf-8"))
    names = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names - set(sys.stdlib_module_names) == {"cryptography"}
