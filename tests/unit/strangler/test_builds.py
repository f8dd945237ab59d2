import pytest

from strangler.builds import GATEWAY_HEADER, BuildSource, build_source, builds_in_force, joined
from strangler.evidence import Builds
from strangler.plan.models import Plan
from strangler.stages import Side

SYSTEMS = {
    "http": {"department": "d", "speaks": "http", "url": "http://x", "build_header": "x-build-id", "build": "declared"},
    "odbc": {"department": "d", "speaks": "odbc", "connection": "DSN=x", "build": "index-7"},
    "plain": {"department": "d", "speaks": "http", "url": "http://y"},
}


def plan(old: object, new: object) -> Plan:
    operation = {"effect": "read", "match": {"path": {"value": "/a"}}, "old": old, "new": new}
    return Plan.model_validate({"version": 1, "programme": "p", "systems": SYSTEMS, "operations": {"a.b": operation}})


@pytest.mark.parametrize(
    ("header", "declared", "told", "name"),
    [
        ("x-build-id", "declared", "told", "told"),
        ("x-build-id", "declared", None, None),
        ("x-build-id", None, "", None),
        (None, "declared", None, "declared"),
        (None, None, None, "unknown"),
    ],
)
def test_build_is_as_told_or_where_nothing_tells_it_as_declared(
    header: str | None, declared: str | None, told: str | None, name: str | None
) -> None:
    assert BuildSource(header, declared).name(told) == name


@pytest.mark.parametrize(
    ("target", "header"),
    [
        ("http", "x-build-id"),
        ({"system": "http", "facade": "m:f"}, "x-build-id"),
        ({"system": "odbc", "adapter": "m:a"}, GATEWAY_HEADER),
        ({"system": "plain", "facade": "m:f"}, GATEWAY_HEADER),
        ("plain", None),
    ],
)
def test_build_source_is_the_header_that_callers_of_that_side_see(target: object, header: str | None) -> None:
    made = plan(target, "plain")
    assert build_source(made, made.operations["a.b"].old).header == header


def test_joined_build_names_every_system_and_the_code_in_between() -> None:
    assert joined("7", {}, "facade.1a2b3c4d") == "7+facade.1a2b3c4d"
    further = {"citizen-record": "release-2", "rows": "unknown"}
    assert joined("7", further, "facade.1a2b3c4d") == "7+citizen-record.release-2+rows.unknown+facade.1a2b3c4d"


def test_builds_in_force_are_as_seen_then_as_declared_then_unknown() -> None:
    made = plan("odbc", "plain")
    assert builds_in_force(made, "a.b", {}) == Builds("index-7", "unknown")
    assert builds_in_force(made, "a.b", {Side.OLD: "index-8", Side.NEW: "2"}) == Builds("index-8", "2")
