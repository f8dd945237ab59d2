"""One good plan that every test here changes in one place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from strangler.errors import PlanError, Problem
from strangler.plan import LoadedPlan, parse_plan

GOOD = """\
version: 1
programme: elderly-care
gateway: http://127.0.0.1:7300
systems:
  pensions: {department: pensions, speaks: soap, wsdl: "http://127.0.0.1:7101/pensions?wsdl", timeout_s: 5}
  patient-index: {department: health, speaks: odbc, connection: "${PATIENT_INDEX_ODBC}"}
  citizen-record: {department: shared, speaks: http, url: "http://127.0.0.1:7201", build_header: x-build-id}
  stand-in: {department: shared, speaks: http, url: "http://127.0.0.1:7202", build: "1", serves: [/stand-in]}
operations:
  pensions.get-entitlement:
    effect: read
    match: {method: POST, path: {type: Exact, value: /pensions}, soap_action: GetEntitlement}
    old: pensions
    new: {system: citizen-record, facade: "examples.elderly_care.facades:entitlement"}
    key: {xpath: "//nino"}
    compare:
      rules:
        - {path: "//paidAt", as: datetime, within_s: 5, zone: Europe/London, why: "clocks differ"}
        - {path: "//name", as: text, fold: case, why: "the old system stores capitals"}
    gates:
      parity: {max_mismatch: 0.001, confidence: 0.95, severity: any}
      load: {budget: peak-hour}
      soak_h: 24
      approvals: 2
    rollback: {when: {mismatch_over: 0.01, errors_over: 0.02, p99_ratio_over: 2.0}, window_s: 300, to: shadow}
  health.update-contact:
    effect: write
    match: {method: PUT, path: {type: RegularExpression, value: "/patients/[^/]+/contact"}}
    old: {system: patient-index, adapter: "examples.elderly_care.adapters:contact"}
    new: citizen-record
    key: {path: "^/patients/([^/]+)"}
    writes: {policy: dual, idempotency_header: Idempotency-Key}
    rollback: {when: {mismatch_over: 0.05, errors_over: 0.02}, to: dualwrite}
budgets:
  peak-hour: {rate_per_s: 20, p99_ms: 250}
people:
  amira: {roles: [operator, approver]}
  bevan: {roles: [approver]}
"""
ENVIRON = {"PATIENT_INDEX_ODBC": "DRIVER=SQLite3;Database=patients.db"}


@pytest.fixture
def good() -> str:
    """The good plan's text."""
    return GOOD


@pytest.fixture
def load() -> Callable[..., LoadedPlan]:
    """Loads text as a plan named ``migration.yaml``."""
    return lambda text, environ=ENVIRON: parse_plan(text, Path("migration.yaml"), environ)


@pytest.fixture
def problems(load: Callable[..., LoadedPlan]) -> Callable[..., tuple[Problem, ...]]:
    """Loads the good plan after one replacement, and returns why it was refused."""

    def refused(before: str, after: str, environ: dict[str, str] = ENVIRON) -> tuple[Problem, ...]:
        assert before in GOOD
        with pytest.raises(PlanError) as caught:
            load(GOOD.replace(before, after, 1), environ)
        return caught.value.problems

    return refused
