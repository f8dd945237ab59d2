"""The gates that a plan adds: each is asked only where the plan names it."""

from strangler.evidence import Evidence, Verdict
from strangler.gates.errors_gate import errors
from strangler.gates.latency_gate import latency
from strangler.gates.rows_gate import rows
from strangler.gates.window_gate import window
from strangler.plan.models import Gates


def added(evidence: Evidence, policy: Gates, now: float) -> tuple[Verdict, ...]:
    """What the gates say that are off where the plan does not name them."""
    said = []
    if policy.errors is not None:
        said.append(errors(evidence, policy.errors, now))
    if policy.latency is not None:
        said.append(latency(evidence, policy.latency, now))
    if policy.rows is not None:
        said.append(rows(evidence, policy.rows, now))
    if policy.window is not None:
        said.append(window(policy.window, now))
    return tuple(said)
