import pytest

from strangler.evidence import CoverageEvidence, entry_digest, is_item
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


def test_coverage_without_what_cannot_be_seen_counts_the_rest() -> None:
    seen = CoverageEvidence(5, 2, ("answer //a absent", "fault Client/X", "fault Client/Y"))
    left = seen.without(["fault Client/*"])
    assert (left.expected, left.seen, left.unseen, left.share) == (3, 2, ("answer //a absent",), 2 / 3)


@pytest.mark.parametrize(
    ("item", "pattern", "is_named"),
    [
        ("fault Client/X", "fault Client/X", True),
        ("fault Client/X", "fault Client/", False),
        ("fault Client/X", "fault *", True),
        ("fault Client/X", "*", True),
        ("request //a = *", "request //a = *", True),
    ],
)
def test_is_item_takes_the_whole_text_or_its_beginning_before_a_star(item: str, pattern: str, is_named: bool) -> None:
    assert is_item(item, pattern) is is_named


def test_entry_digest_of_a_write_tells_how_its_effects_are_compared() -> None:
    def with_rules(*rules: dict[str, str]) -> Plan:
        read = plan([]).operations["x.y"].model_dump(by_alias=True, mode="json")
        effect = {"name": "shown", "read": "x.y", "request": {"target": "/x"}}
        write = {**read, "effect": "write", "writes": {"policy": "never"}, "effects": [effect]}
        whole = plan([]).model_dump(by_alias=True, mode="json")
        operations = {"x.y": {**read, "compare": {"rules": list(rules)}}, "x.z": write}
        return Plan.model_validate({**whole, "operations": operations})

    ruled = with_rules({"path": "$.a", "as": "ignore", "why": "any"})
    assert entry_digest(with_rules(), "x.z") == entry_digest(with_rules(), "x.z")
    assert entry_digest(with_rules(), "x.z") != entry_digest(ruled, "x.z")
