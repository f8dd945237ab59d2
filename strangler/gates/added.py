"""The gates that a plan adds: each is asked only where the plan names it."""

from strangler.evidence import Evidence, Verdict
from strangler.gates.window_gate import window
from strangler.plan.models import Gates


def added(evidence: Evidence, policy: Gates, now: float) -> tuple[Verdict, ...]:  # noqa: ARG001  more gates to come
    """What the gates say that are off where the plan does not name them, in the plan's order."""
    said = []
    if policy.window is not None:
        said.append(window(policy.window, now))
    return tuple(said)
