from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parity_checks.ask.entries import Entries
from parity_checks.ask.judge import Judge
from parity_checks.rules.source_code import digest_of
from strangler.evidence import Builds
from strangler.exchange import Observation, Outcome, OutcomeKind, Reason
from strangler.plan.models import Plan
from strangler.stages import Side

CODE = "def same(old, new):\n    while old == 'loop': pass\n    return old.upper() == new.upper()\n"


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Judge]:
    (tmp_path / "ours_of_the_plan.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    rule: dict[str, Any] = {"path": "$.a", "as": "custom", "function": "ours_of_the_plan:same", "why": "capitals"}
    system = {"department": "d", "speaks": "http"}
    plan = Plan.model_validate(
        {
            "version": 1,
            "programme": "p",
            "systems": {"old": {**system, "url": "http://old"}, "new": {**system, "url": "http://new"}},
            "operations": {
                "a.read": {
                    "effect": "read",
                    "match": {"path": {"value": "/"}},
                    "old": "old",
                    "new": "new",
                    "compare": {"rules": [{**rule, "code": digest_of(CODE.encode()), "within_ms": 1000}]},
                }
            },
        }
    )
    entries = Entries(plan)
    yield Judge(entries.in_force("a.read"), Builds("1", "2"), "i")
    entries.close()


def judged(judge: Judge, old: str, new: str) -> Outcome:
    headers = (("content-type", "application/json"),)
    bodies = (f'{{"a":"{value}"}}'.encode() for value in (old, new))
    sides = (Observation(side, 200, headers, body) for side, body in zip(Side, bodies, strict=True))
    return judge.judge(*sides)


def test_judge_compares_by_a_function_of_the_plan(judge: Judge) -> None:
    assert (judged(judge, "x", "X").kind, judged(judge, "x", "X").hidden) == (OutcomeKind.MATCH, (1,))
    assert judged(judge, "x", "y").kind is OutcomeKind.MISMATCH


def test_judge_names_a_function_that_loops_and_goes_on(judge: Judge) -> None:
    outcome = judged(judge, "loop", "x")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.NOT_COMPARED, Reason.COMPARER_FAILED)
    assert outcome.detail == "custom rule $.a (ours_of_the_plan:same): it took longer than 1000 ms"
    assert judged(judge, "x", "X").kind is OutcomeKind.MATCH
