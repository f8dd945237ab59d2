"""``strangler demo`` as ``make demo`` runs it, without a person. What it must find is in the estate's own files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.product import strangler

pytestmark = pytest.mark.slow

DEFECTS = Path(__file__).parents[2] / "examples/elderly_care/defects.yaml"
OPERATION = "pensions.get-entitlement"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The demo's home, and the document it wrote."""
    folder = tmp_path_factory.mktemp("demo")
    home, file = folder / "home", folder / "figures.json"
    said = strangler("demo", "--headless", "--json", str(file), "--home", str(home), cwd=folder, within_s=900)
    assert file.exists(), "\n".join([*said.out.splitlines()[-20:], said.err])
    assert "Traceback" not in said.out + said.err
    figures = json.loads(file.read_text("utf-8"))
    assert (said.code == 0) == figures["as_promised"]
    return home, figures


def test_demo_finds_every_seeded_defect_and_nothing_else(told: tuple[Path, dict[str, Any]]) -> None:
    _, figures = told
    ids = sorted(defect["id"] for defect in yaml.safe_load(DEFECTS.read_text("utf-8"))["defects"])
    assert len(ids) >= 10
    assert (figures["seeded_defects"], figures["found_defects"], figures["false_findings"]) == (ids, ids, [])


def test_demo_callers_see_no_failure_before_the_fault(told: tuple[Path, dict[str, Any]]) -> None:
    _, figures = told
    assert figures["requests"] > 5000
    assert (figures["caller_failures_before_fault"], figures["sticky_violations"]) == (0, 0)
    assert all(count > 0 for count in figures["not_compared"].values())


def test_demo_gate_holds_release_1_and_passes_release_2(told: tuple[Path, dict[str, Any]]) -> None:
    _, figures = told
    assert (figures["gate_release_1"], figures["gate_release_2"]) == ("HOLD", "PASS")


def test_demo_moves_as_told_and_comes_back(told: tuple[Path, dict[str, Any]]) -> None:
    _, figures = told
    steps = [(step["kind"], step["to"]) for step in figures["rollout_steps"] if step["operation"] == OPERATION]
    assert [(kind, {stage: float(share) for stage, share in to.items()}) for kind, to in steps] == [
        ("rollout", {"shadow": 100}),
        ("rollout", {"shadow": 90, "live": 10}),
        ("rollout", {"live": 100}),
        ("rollback", {"shadow": 100}),
    ]
    back = figures["rollback"]
    assert 0 < back["failed_requests"] <= back["failed_at_most"]
    assert back["seconds"] is not None


def test_demo_leaves_a_report_and_a_ledger_that_verifies(told: tuple[Path, dict[str, Any]]) -> None:
    home, figures = told
    assert figures["ledger_verified"] is True
    assert figures["as_promised"] is True
    assert figures["seconds"] > 0
    page = (home / "parity.html").read_text("utf-8")
    assert "<script src" not in page
    assert "http://" not in page.replace("http://www.w3.org/", "").replace("http://schemas.xmlsoap.org/", "")
    verified = strangler("ledger", "verify", str(home / "ledger.jsonl"), cwd=home)
    assert verified.code == 0, verified.out + verified.err
