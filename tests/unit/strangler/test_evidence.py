import pytest

from strangler.evidence import entry_digest
from strangler.plan.models import Plan


def plan(also: list[str], build: str = "1") -> Plan:
    system = {"department": "d", "speaks": "http", "url": "http://x"}
    return Plan.model_validate(
        {
            "version": 1,
            "programme": "p",
            "systems": {"a": system, "b": system, "c": {**system, "build": build}},
            "operations": {
                "x.y": {
                    "effect": "read",
                    "match": {"path": {"value": "/x"}},
                    "old": "a",
                    "new": {"system": "b", "facade": "m:f", "also": also},
                }
            },
        }
    )


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        (plan(["c"]), plan([]), False),
        (plan(["c"]), plan(["c"], build="2"), False),
        (plan([]), plan([], build="2"), True),
    ],
)
def test_entry_digest_tells_the_systems_that_a_facade_asks_besides(before: Plan, after: Plan, is_same: bool) -> None:
    assert (entry_digest(before, "x.y") == entry_digest(after, "x.y")) is is_same
