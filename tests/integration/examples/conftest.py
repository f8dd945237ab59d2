"""The old systems as processes of their own, and the databases that the patient index can be in."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

CITIZENS = 1_200


@dataclass(frozen=True)
class Running:
    """A system that runs: its address, its data folder, and a client that is good for a test."""

    url: str
    data: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def run(name: str, data: Path, *options: str) -> Iterator[Running]:
    port = free_port()
    command = [sys.executable, "-m", f"examples.elderly_care.estate.{name}", "--port", str(port), "--data", str(data)]
    process = subprocess.Popen([*command, "--citizens", str(CITIZENS), *options])
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_up(url), f"{name} at {url}")
        yield Running(url, data)
    finally:
        process.terminate()
        assert process.wait(10) == 0


def wait_until(is_so, what: str, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, f"{what} did not come up"
        time.sleep(0.05)


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def pensions(tmp_path_factory):
    with run("pensions", tmp_path_factory.mktemp("pensions")) as system:
        yield system


@pytest.fixture(scope="session")
def council(tmp_path_factory):
    with run("council", tmp_path_factory.mktemp("council")) as system:
        yield system


@pytest.fixture(name="free_port")
def free_port_fixture():
    """Finds a port where nobody listens."""
    return free_port


@pytest.fixture(name="running", scope="session")
def running_fixture():
    """A context manager: a system of one's own, by name, data folder and options."""
    return run


@pytest.fixture(name="wait_until")
def wait_until_fixture():
    """Wait until something is so."""
    return wait_until


@pytest.fixture
def http():
    with httpx.Client(timeout=10) as client:
        yield client


@pytest.fixture
def unused_url():
    """Where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def need(*programs: str) -> list[str]:
    """Where these programs are; a skip on a laptop that lacks one, a failure in CI."""
    places = os.pathsep.join([os.environ["PATH"], "/usr/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])
    found = [shutil.which(program, path=places) for program in programs]
    missing = [program for program, place in zip(programs, found, strict=True) if place is None]
    if missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"not installed: {', '.join(missing)}")
    return [place for place in found if place is not None]


@contextmanager
def folder_of(user: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder for a database server, and what makes it run as its own user where we are root."""
    folder = Path(tempfile.mkdtemp(prefix=f"{user}-"))
    try:
        as_user: dict[str, Any] = {}
        if os.getuid() == 0:
            shutil.chown(folder, user)
            as_user = {"user": user, "group": user, "extra_groups": []}
        yield folder, as_user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def sqlite_odbc(tmp_path_factory):
    return f"DRIVER=SQLite3;Database={tmp_path_factory.mktemp('index') / 'patient-index.db'};JournalMode=WAL"


@pytest.fixture(scope="module")
def postgresql_odbc(postgresql_url):
    """A database of the module's own: modules change what is in it."""
    parts = urlsplit(postgresql_url)
    place = f"DRIVER=PostgreSQL Unicode;Server={parts.hostname};Port={parts.port};Uid={parts.username}"
    return f"{place};Database={_new_database(f'{place};Database=postgres')}"


@pytest.fixture(scope="module")
def mariadb_odbc(mariadb_place):
    """A database of the module's own: modules change what is in it."""
    return f"{mariadb_place};CHARSET=utf8mb4;DATABASE={_new_database(f'{mariadb_place};DATABASE=test')}"


def _new_database(connection: str) -> str:
    import pyodbc

    name = f"t{uuid.uuid4().hex}"
    opened = pyodbc.connect(connection, autocommit=True)
    opened.execute(f"CREATE DATABASE {name}")
    opened.close()
    return name


@pytest.fixture(scope="session")
def mariadb_place():
    """A MariaDB server of the tests' own, as the beginning of an ODBC connection string."""
    install, mariadbd = need("mariadb-install-db", "mariadbd")
    with folder_of("mysql") as (folder, as_user):
        data, port = folder / "data", free_port()
        making = [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
        subprocess.run(making, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user)
        places = [f"--datadir={data}", f"--socket={folder}/s", f"--pid-file={folder}/pid", f"--port={port}"]
        serving = [mariadbd, "--no-defaults", *places, "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0"]
        server = subprocess.Popen(serving, stderr=subprocess.DEVNULL, **as_user)
        try:
            place = f"DRIVER=MariaDB Unicode;SERVER=127.0.0.1;PORT={port};USER=root"
            wait_until(lambda: _connects(f"{place};DATABASE=test"), "MariaDB")
            yield place
        finally:
            server.terminate()
            server.wait(60)


def _connects(connection: str) -> bool:
    import pyodbc

    try:
        pyodbc.connect(connection, timeout=1).close()
    except pyodbc.Error:
        return False
    return True
