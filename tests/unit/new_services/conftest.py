import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from new_services.kit import Service, create_app


class Client:
    """Asks an application as a caller would, without a socket."""

    def __init__(self, app: Starlette) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://service") as client:
                return await client.request(method, path, **arguments)

        return asyncio.run(send())

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def put(self, path: str, body: object, key: str | None = None) -> httpx.Response:
        return self.request("PUT", path, json=body, headers={"Idempotency-Key": key} if key is not None else {})

    def post(self, path: str, body: object, key: str | None = None) -> httpx.Response:
        return self.request("POST", path, json=body, headers={"Idempotency-Key": key} if key is not None else {})


Start = Callable[..., Client]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Make a service's application over a database of the test's own; a second start finds the same database."""
    apps: list[Starlette] = []

    def started(service: Service, build: str = "build-7", **arguments: Any) -> Client:
        app = create_app(service, build, f"sqlite:///{tmp_path}/{service.name}.db", **arguments)
        apps.append(app)
        return Client(app)

    yield started
    for app in apps:
        app.state.database.close()
