import pytest

from parity_checks.ask.entries import Entries
from strangler.errors import PlanError
from strangler.evidence import entry_digest
from strangler.plan.models import Plan


def plan(**rule: str) -> Plan:
    return Plan.model_validate(
        {
            "version": 1,
            "programme": "p",
            "systems": {"s": {"department": "d", "speaks": "http", "url": "http://127.0.0.1:9"}},
            "operations": {
                "a.b": {
                    "effect": "read",
                    "match": {"path": {"value": "/"}},
                    "old": "s",
                    "new": "s",
                    "compare": {"rules": [{"path": "$.a", "as": "ignore", "why": "because", **rule}]},
                }
            },
        }
    )


def test_entries_keep_those_of_earlier_plans() -> None:
    first, second = plan(), plan(path="$.b")
    entries = Entries(first)
    entries.use(second)
    digests = [entry_digest(one, "a.b") for one in (first, second)]
    found = [entries.find("a.b", digest) for digest in digests]
    assert [entry.rules.paths[0].text for entry in found if entry] == ["$.a", "$.b"]
    assert entries.in_force("a.b").digest == digests[1]
    assert entries.find("a.b", "another") is None


def test_entries_refuse_a_bad_path_and_keep_the_plan() -> None:
    good = plan()
    entries = Entries(good)
    with pytest.raises(PlanError, match=r"operations\.a\.b\.compare.*'//item/x'"):
        entries.use(plan(path="//item[3]/x"))
    assert entries.plan is good
