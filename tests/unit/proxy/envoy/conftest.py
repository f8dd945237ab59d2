"""These need gRPC and protobuf, which come with the extra; ``test_installed`` says so where they are missing."""

from tests.conformance.conftest import has_envoy, needs_envoy

collect_ignore_glob = [] if has_envoy() else ["test_[!i]*.py"]


def pytest_runtest_setup() -> None:
    needs_envoy()
