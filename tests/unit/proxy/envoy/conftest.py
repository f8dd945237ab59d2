"""These need gRPC and protobuf, which come with the extra."""

from tests.conformance.conftest import needs_envoy


def pytest_runtest_setup() -> None:
    needs_envoy()
