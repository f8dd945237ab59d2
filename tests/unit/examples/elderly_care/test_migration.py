"""The example's plan: it loads without a warning, and says of every caller's request what it is."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from examples.elderly_care.population import citizens
from examples.elderly_care.traffic.callers import MIX, Asked, Callers
from legacy_adapters.resolve import declared_in
from parity_checks.rules.compiled import compile_rules
from proxy.decide import compile_table, decide
from strangler.exchange import Request
from strangler.plan.loader import LoadedPlan, load_plan
from strangler.stages import Effect

EXAMPLE = Path(__file__).parents[4] / "examples" / "elderly_care"
URLS = "PENSIONS", "COUNCIL", "CITIZEN_RECORD", "ENTITLEMENT", "CARE_PLAN", "ASSESSMENT", "GATEWAY"
ENVIRON = {f"{name}_URL": f"http://127.0.0.1:{7100 + at}" for at, name in enumerate(URLS)} | {
    "PATIENT_INDEX_ODBC": "DRIVER=SQLite3;Database=patient-index.db"
}


@pytest.fixture(scope="module")
def loaded() -> LoadedPlan:
    return load_plan(EXAMPLE / "migration.yaml", ENVIRON)


def test_the_plan_loads_without_a_warning(loaded: LoadedPlan) -> None:
    assert loaded.warnings == ()


def test_every_caller_s_request_is_its_operation_and_has_the_citizen_as_its_key(loaded: LoadedPlan) -> None:
    people = list(citizens(200))
    numbers = {one.nino for one in people} | {one.nhs_number for one in people}
    table = compile_table(loaded.plan, {})
    callers = Callers(people)
    decided: defaultdict[str, set[str | None]] = defaultdict(set)

    def look(asked: Asked) -> None:
        decision = decide(table, Request(asked.method, asked.target, tuple(asked.headers.items()), asked.body))
        assert decision.operation == asked.operation
        decided[asked.operation].add(decision.key)
        for _, follower in asked.then:
            look(follower)

    for _ in range(2_500):
        look(callers.draw())

    assert set(decided) == set(MIX)
    assert all(keys & numbers for keys in decided.values())
    assert not any(key is None or " " in key for keys in decided.values() for key in keys)


def test_every_adapter_and_facade_can_be_imported(loaded: LoadedPlan) -> None:
    expected = {
        (operation, side)
        for operation, entry in loaded.plan.operations.items()
        for side, target in (("old", entry.old), ("new", entry.new))
        if target.adapter or target.facade
    }
    assert {(one.operation, str(one.side)) for one in declared_in(loaded.plan)} == expected


def test_every_operation_s_rules_compile(loaded: LoadedPlan) -> None:
    for operation, entry in loaded.plan.operations.items():
        assert compile_rules(operation, entry.compare).operation == operation


def test_every_write_goes_to_both_sides_under_a_key_of_its_own(loaded: LoadedPlan) -> None:
    writes = [entry.writes for entry in loaded.plan.operations.values() if entry.effect is Effect.WRITE]
    assert [(one.policy, one.idempotency_header) for one in writes if one] == [("dual", "Idempotency-Key")] * 4


def test_no_defect_hides_behind_a_rule_that_lets_a_value_differ(loaded: LoadedPlan) -> None:
    """Opaque rules are for what each server makes by itself: none of them covers a seeded defect's path."""
    for defect in yaml.safe_load((EXAMPLE / "defects.yaml").read_text("utf-8"))["defects"]:
        rules = loaded.plan.operations[defect["operation"]].compare.rules
        loose = [rule.path for rule in rules if rule.as_ in ("opaque", "ignore")]
        names = {re.sub(r"\W", "", path.rpartition("/")[2].rpartition(".")[2]) for path in loose}
        assert not any(name in path for name in names for path in defect["paths"])
