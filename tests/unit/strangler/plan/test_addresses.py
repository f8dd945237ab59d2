import pytest

from strangler.errors import UsageError
from strangler.plan.addresses import asked_url, base_url
from strangler.plan.models import Plan
from strangler.stages import Side


def _plan(writes: dict[str, str] | None, *, gateway: str | None = "http://gw:9/", **entry: object) -> Plan:
    systems = {
        "old": {"department": "d", "speaks": "soap", "wsdl": "http://old:1/x?wsdl"},
        "new": {"department": "d", "speaks": "http", "url": "http://new:2/base/"},
        "copy": {"department": "d", "speaks": "http", "url": "http://copy:3"},
    }
    operation = {
        "effect": "write" if writes else "read",
        "match": {"path": {"value": "/a"}},
        "old": "old",
        "new": "new",
        "writes": writes,
        **entry,
    }
    return Plan.model_validate(
        {"version": 1, "programme": "p", "gateway": gateway, "systems": systems, "operations": {"a.b": operation}}
    )


def test_base_url_is_the_system_itself_where_nothing_stands_between() -> None:
    plan = _plan(None)
    assert [base_url(plan, "a.b", side) for side in Side] == ["http://old:1", "http://new:2/base"]


def test_base_url_is_the_gateway_where_a_facade_or_an_adapter_stands_between() -> None:
    plan = _plan(None, old={"system": "old", "adapter": "m:a"}, new={"system": "new", "facade": "m:f"})
    assert [base_url(plan, "a.b", side) for side in Side] == ["http://gw:9/old/a.b", "http://gw:9/new/a.b"]


def test_base_url_refuses_a_gateway_that_the_plan_does_not_name() -> None:
    with pytest.raises(UsageError, match="needs the gateway"):
        base_url(_plan(None, gateway=None, new={"system": "new", "facade": "m:f"}), "a.b", Side.NEW)


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        (None, ["http://old:1", "http://new:2/base"]),
        ({"policy": "dual", "idempotency_header": "I"}, ["http://old:1", "http://new:2/base"]),
        ({"policy": "sandbox", "sandbox": "copy"}, [None, "http://copy:3"]),
        ({"policy": "never"}, [None, None]),
    ],
)
def test_asked_url_keeps_writes_to_their_policy(writes: dict[str, str] | None, expected: list[str | None]) -> None:
    plan = _plan(writes)
    assert [asked_url(plan, "a.b", side) for side in Side] == expected
