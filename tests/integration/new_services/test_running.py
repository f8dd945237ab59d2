"""The shared services as processes, and over the databases that they can be in."""

import asyncio
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import sqlalchemy as sa

from new_services.citizen_record.service import SERVICE as CITIZEN_RECORD
from new_services.kit import create_app

NINO = "QQ123456A"
CITIZEN = {
    "nino": NINO,
    "nhs_number": "9990000018",
    "name": "Łukasz O’Neill",
    "date_of_birth": "1940-02-29",
    "address": {"lines": ["1 Mill Street"], "postcode": "ZZ1 1AB"},
}


@contextmanager
def process(module: str, *arguments: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = subprocess.Popen([sys.executable, "-m", module, *arguments, "--port", str(port)])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        started.terminate()
        assert started.wait(10) in (0, -15)


def build_of(url: str, within_s: float = 20.0) -> str:
    deadline = time.monotonic() + within_s
    while True:
        try:
            return httpx.get(f"{url}/health").headers["x-build-id"]
        except httpx.TransportError:
            assert time.monotonic() < deadline, f"{url} did not come up"
            time.sleep(0.05)


@pytest.mark.parametrize("name", ["citizen_record", "notifications"])
def test_both_releases_run_over_one_database_and_say_which_they_are(name, tmp_path):
    options = ["--database", f"sqlite:///{tmp_path}/{name}.db"]
    if name == "citizen_record":
        options += ["--notifications", "http://127.0.0.1:9", "--notifications-key-file", f"{tmp_path}/key"]
    if name == "notifications":
        options += ["--api-key-file", f"{tmp_path}/key"]
    with (
        process(f"new_services.{name}", *options, "--build", "release-2") as second,
        process("examples.elderly_care.release_1", name, *options, "--build", "release-1") as first,
    ):
        assert (build_of(first), build_of(second)) == ("release-1", "release-2")


def test_half_of_what_letters_need_is_refused(tmp_path):
    options = ["--port", "1", "--database", f"sqlite:///{tmp_path}/r.db", "--notifications", "http://127.0.0.1:9"]
    command = [sys.executable, "-m", "new_services.citizen_record", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "--notifications-key-file" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["entitlement", "care_plan", "assessment"])
def test_release_1_runs_the_other_services_too(name, tmp_path):
    database = f"sqlite:///{tmp_path}/{name}.db"
    with process("examples.elderly_care.release_1", name, "--database", database, "--build", "release-1") as url:
        assert build_of(url) == "release-1"


def test_a_service_that_nobody_knows_is_refused_by_name():
    command = [sys.executable, "-m", "examples.elderly_care.release_1", "pensions"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "citizen_record" in done.stderr) == (1, True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/record.db"
    server = request.getfixturevalue("postgresql_url").replace("postgresql://", "postgresql+psycopg://")
    name = f"t{uuid.uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server.rpartition('/')[0]}/{name}"


@pytest.fixture
def app(database_url):
    app = create_app(CITIZEN_RECORD, "build-7", database_url)
    yield app
    app.state.database.close()


async def test_of_many_reports_at_once_with_one_key_one_is_done_and_all_hear_of_it(app):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        imported = await client.post("/citizens/import", json={"citizens": [CITIZEN]})
        assert (imported.status_code, imported.json()) == (200, {"imported": 1})

        async def report(key: str) -> httpx.Response:
            body = {"date_of_death": "2026-01-05"}
            return await client.post(f"/citizens/{NINO}/death", json=body, headers={"Idempotency-Key": key})

        answers = await asyncio.gather(*(report("one") for _ in range(12)))
        other = await report("two")
        found = (await client.get(f"/citizens/{NINO}")).json()

    assert Counter(answer.status_code for answer in answers) == {201: 12}
    assert len({answer.content for answer in answers}) == 1
    assert (other.status_code, found["is_deceased"], found["name"]) == (409, True, "Łukasz O’Neill")


async def test_an_import_is_whole_or_not_at_all(app):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        twice = {"citizens": [CITIZEN, {**CITIZEN, "nino": "QQ000001B"}]}  # one NHS number, two citizens
        refused = await client.post("/citizens/import", json=twice)
        found = await client.get(f"/citizens/{NINO}")
    assert (refused.status_code, found.status_code) == (500, 404)
