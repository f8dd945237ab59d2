"""Real databases for the integration tests: started here, on loopback and free ports, and stopped at the end."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

POSTGRESQL_BIN = Path("/usr/lib/postgresql/15/bin")
STARTS_WITHIN_S = 30.0


def missing(what: str) -> None:
    """A missing component: a skip on a laptop, a failure where ``CI=true``."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged(*command: str | Path) -> list[str]:
    """The command as somebody whom PostgreSQL agrees to run for: it refuses root."""
    words = [str(word) for word in command]
    if os.geteuid() != 0:
        return words
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *words]


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A temporary PostgreSQL cluster's empty database, as a URL."""
    if not (POSTGRESQL_BIN / "initdb").exists():
        missing(f"PostgreSQL in {POSTGRESQL_BIN} (Debian package postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="strangler-postgresql-"))
    port = free_port()
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    initdb = unprivileged(POSTGRESQL_BIN / "initdb", "-D", folder / "data", "-U", "strangler", "-A", "trust", "-N")
    subprocess.run([*initdb, "--encoding=UTF8", "--locale=C.UTF-8"], check=True, capture_output=True, cwd=folder)
    server = subprocess.Popen(
        unprivileged(POSTGRESQL_BIN / "postgres", "-D", folder / "data", *options.split()),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(server, port)
        yield f"postgresql://strangler@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(STARTS_WITHIN_S)
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    ready = [str(POSTGRESQL_BIN / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while time.monotonic() < until:
        if server.poll() is not None:
            pytest.fail(f"PostgreSQL ended with {server.returncode} while it started")
        if subprocess.run(ready, check=False).returncode == 0:
            return
        time.sleep(0.05)
    pytest.fail("PostgreSQL did not start in time")
