"""Gates that a plan adds: none is asked that it does not name."""

from strangler import gates
from strangler.evidence import Evidence, Result
from strangler.plan.models import Gates

NOW = 1_800_000_000.0
ALWAYS = {"zone": "UTC", "open": [{"days": ["fri"], "from": "00:00", "to": "24:00"}]}


def test_added_gates_are_off_where_the_plan_does_not_name_them() -> None:
    assert gates.added(Evidence("a.b", "now"), Gates(), NOW) == ()


def test_added_gates_are_asked_where_the_plan_names_them() -> None:
    policy = Gates.model_validate({"window": ALWAYS, "errors": {}, "latency": {}})
    said = gates.added(Evidence("a.b", "now"), policy, NOW)
    assert [(verdict.gate, verdict.result) for verdict in said] == [
        ("errors", Result.NO_DATA),
        ("latency", Result.NO_DATA),
        ("window", Result.PASS),
    ]
