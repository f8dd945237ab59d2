"""A changed address, from the write to the notifications service: real servers, real databases."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from new_services.citizen_record import outbox, sender
from new_services.citizen_record.sender import GIVE_UP_AFTER_S, Sender
from new_services.citizen_record.service import SERVICE, telling
from new_services.citizen_record.tables import NOTICE
from new_services.kit import create_app
from new_services.notifications.service import service

NINO = "QQ123456A"
CITIZEN = {
    "nino": NINO,
    "name": "Łukasz O’Neill",
    "date_of_birth": "1940-02-29",
    "address": {"lines": ["1 Mill Street"], "postcode": "ZZ1 1AB"},
    "contact": {"telephone": "07700900123"},
}
MOVED = {"lines": ["2 Mill Street"], "postcode": "ZZ2 2AB", "told_to": "pensions"}
KEY = "a-key"


@contextmanager
def served(app: Any, port: int = 0) -> Iterator[str]:
    """Serve in a thread, with its lifespan; give the address."""
    listener = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        if hasattr(app.state, "database"):
            app.state.database.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "notifications.key"
    path.write_text(KEY)
    return path


@pytest.fixture
def notifications(tmp_path: Path) -> Starlette:
    return create_app(service(KEY), "release-2", f"sqlite:///{tmp_path}/notifications.db")


@contextmanager
def record(tmp_path: Path, key_file: Path, notifications_url: str) -> Iterator[httpx.Client]:
    url = f"sqlite:///{tmp_path}/record.db"
    app = create_app(
        telling(SERVICE), "r", url, background=lambda database: sender.sending(database, notifications_url, key_file)
    )
    with served(app) as address, httpx.Client(base_url=address) as client:
        yield client


def change(client: httpx.Client, body: dict[str, Any] = MOVED, **headers: str) -> float:
    """Import, then change the address; how long the change took, in seconds."""
    client.post("/citizens/import", json={"citizens": [CITIZEN]}).raise_for_status()
    began = time.monotonic()
    client.put(f"/citizens/{NINO}/address", json=body, headers=headers).raise_for_status()
    return time.monotonic() - began


def notices(client: httpx.Client) -> dict[str, int]:
    found: dict[str, int] = client.get("/health").json()["notices"]
    return found


def until(is_so: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def asked_for(url: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{url}/v2/notifications", headers={"authorization": f"Bearer {KEY}"})
    found: list[dict[str, Any]] = answer.json()["notifications"]
    return sorted(found, key=lambda one: str(one["type"]))


def test_a_changed_address_asks_for_a_letter_to_the_old_one_and_a_text(
    tmp_path: Path, key_file: Path, notifications: Starlette
) -> None:
    with served(notifications) as url, record(tmp_path, key_file, url) as client:
        change(client, **{"x-strangler-exchange": "e1", "idempotency-key": "e1"})
        client.put(f"/citizens/{NINO}/address", json=MOVED, headers={"idempotency-key": "e1"}).raise_for_status()
        client.put(f"/citizens/{NINO}/address", json=MOVED).raise_for_status()  # the same address: nothing to tell
        until(lambda: notices(client) == {"waiting": 0, "sent": 2, "given_up": 0})
        letter, text = asked_for(url)
    assert [letter[f"line_{number}"] for number in (1, 2, 3)] == ["Łukasz O’Neill", "1 Mill Street", "ZZ1 1AB"]
    assert (text["type"], text["phone_number"]) == ("sms", "07700900123")


def test_a_copy_of_what_another_system_answered_tells_nobody(
    tmp_path: Path, key_file: Path, notifications: Starlette
) -> None:
    with served(notifications) as url, record(tmp_path, key_file, url) as client:
        change(client, **{"x-strangler-exchange": "e1", "x-strangler-role": "asked", "idempotency-key": "e1"})
        assert client.get(f"/citizens/{NINO}").json()["address"]["postcode"] == "ZZ2 2AB"
        assert notices(client) == {"waiting": 0, "sent": 0, "given_up": 0}


def test_a_service_that_is_down_delays_nobody_and_hears_of_it_later(
    tmp_path: Path, key_file: Path, notifications: Starlette
) -> None:
    port = free_port()
    with record(tmp_path, key_file, f"http://127.0.0.1:{port}") as client:
        change(client)
        assert notices(client)["waiting"] == 2
        with served(notifications, port) as url:
            until(lambda: notices(client)["sent"] == 2)
            assert len(asked_for(url)) == 2


def test_what_was_not_sent_outlives_a_restart(tmp_path: Path, key_file: Path, notifications: Starlette) -> None:
    with record(tmp_path, key_file, f"http://127.0.0.1:{free_port()}") as client:
        change(client)
    with served(notifications) as url, record(tmp_path, key_file, url) as client:
        until(lambda: notices(client)["sent"] == 2)
        assert len(asked_for(url)) == 2


def test_a_service_that_hangs_delays_no_write(tmp_path: Path, key_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with record(tmp_path, key_file, url) as client:
            assert change(client) < sender.TIMEOUT_S / 2
            client.put(f"/citizens/{NINO}/address", json={**MOVED, "postcode": "ZZ3 3AB"}).raise_for_status()
            assert notices(client) == {"waiting": 4, "sent": 0, "given_up": 0}


@contextlib.asynccontextmanager
async def sending_to(tmp_path: Path, key_file: Path, url: str, clock: Callable[[], float]):
    """A record with one changed address, and its sender, which sends when it is told to."""
    app = create_app(telling(SERVICE), "r", f"sqlite:///{tmp_path}/record.db", clock=clock)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://record") as client:
        await client.post("/citizens/import", json={"citizens": [CITIZEN]})
        await client.put(f"/citizens/{NINO}/address", json=MOVED)
    database = app.state.database
    async with aiohttp.ClientSession() as session:
        yield Sender(database, url, key_file, session, clock), database
    database.close()


def rows(database: Any) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(NOTICE.select().order_by(NOTICE.c.reference)))


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[str, list[str]]]:
    """A service that answers these statuses in turn, the last one for ever; gives what it was asked for as well."""
    left, asked = list(statuses), []

    async def answer(request: Any) -> JSONResponse:
        asked.append((await request.json())["reference"])
        return JSONResponse({}, left.pop(0) if len(left) > 1 else left[0])

    with served(Starlette(routes=[Route("/v2/notifications/{kind}", answer, methods=["POST"])])) as url:
        yield url, asked


async def test_a_refused_notice_is_given_up_and_what_it_said_is_forgotten(tmp_path: Path, key_file: Path) -> None:
    with answering(400, 201) as (url, asked):
        async with sending_to(tmp_path, key_file, url, lambda: 1_000.0) as (one, database):
            assert await one.send_due() == 1
            assert sorted((row.state, row.body, row.why) for row in rows(database)) == [
                ("given_up", None, "status 400"),
                ("sent", None, None),
            ]
            assert await one.send_due() == 0
    assert len(asked) == 2


async def test_a_notice_is_tried_again_later_and_later_and_given_up_after_three_days(
    tmp_path: Path, key_file: Path
) -> None:
    now = 1_000.0
    with answering(503) as (url, asked):
        async with sending_to(tmp_path, key_file, url, lambda: now) as (one, database):
            waits = []
            for _ in range(3):
                assert await one.send_due() == 0
                assert await one.send_due() == 0  # not yet due
                waits.append(rows(database)[0].next_try_at - now)
                now = rows(database)[0].next_try_at
            assert waits == [1.0, 2.0, 4.0]
            now = 1_000.0 + GIVE_UP_AFTER_S + 1
            await one.send_due()
            assert {row.state for row in rows(database)} == {outbox.State.GIVEN_UP}
    assert len(asked) == 8


async def test_a_key_that_is_not_taken_is_no_reason_to_give_up(tmp_path: Path, key_file: Path) -> None:
    now = 1_000.0
    with answering(403, 403, 201) as (url, _):
        async with sending_to(tmp_path, key_file, url, lambda: now) as (one, database):
            assert await one.send_due() == 0
            assert {row.state for row in rows(database)} == {outbox.State.WAITING}
            now += 2
            assert await one.send_due() == 2


async def test_the_first_that_nothing_comes_back_to_ends_the_batch(tmp_path: Path, key_file: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with sending_to(tmp_path, key_file, url, lambda: 1_000.0) as (one, database):
        assert await one.send_due() == 0
        assert sorted(row.tries for row in rows(database)) == [0, 1]


def test_a_missing_key_ends_no_sender(tmp_path: Path, key_file: Path, notifications: Starlette) -> None:
    key_file.unlink()
    with served(notifications) as url, record(tmp_path, key_file, url) as client:
        change(client)
        time.sleep(2 * sender.EVERY_S)
        assert notices(client)["waiting"] == 2
        key_file.write_text(KEY)
        until(lambda: notices(client)["sent"] == 2)
