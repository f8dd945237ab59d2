from pathlib import Path

import pytest

from proxy.envoy.publisher import named_clusters
from proxy.envoy.routing import Resources, cluster_name, resources
from proxy.mitm.tables import Sources, Tables
from strangler.state import StateFolder
from tests.conformance.cases import PLAN


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    plan = tmp_path / "migration.yaml"
    plan.write_text(PLAN.format(old=1, new=2))
    return Sources(plan, StateFolder(tmp_path / "state", {}), {}).load()


@pytest.fixture
def made(tables: Tables) -> Resources:
    return resources(tables, 3)


def test_every_route_leads_to_a_cluster_that_is_there(made: Resources) -> None:
    assert named_clusters(made.routes) == set(made.clusters) == {"http://127.0.0.1:1", "http://127.0.0.1:2"}


def test_a_cluster_is_told_by_scheme_host_and_port_without_a_password() -> None:
    assert cluster_name("https://u:p@shop.example:8443/api") == "https://shop.example:8443"


def test_a_name_is_looked_up_and_an_address_is_not(made: Resources) -> None:
    assert {cluster["type"] for cluster in made.clusters.values()} == {"STATIC"}


def test_the_same_tables_make_the_same_resources(tables: Tables, made: Resources) -> None:
    assert resources(tables, 3) == made


def test_nothing_of_ours_reaches_a_system_by_these_headers(made: Resources) -> None:
    removed = set(made.routes["request_headers_to_remove"])
    assert {"x-strangler-route", "x-strangler-path"} < removed
    assert {header for header, _ in made.key_headers} < removed
