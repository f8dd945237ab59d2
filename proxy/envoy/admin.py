"""Envoy's administration interface, over its private socket."""

import logging
from pathlib import Path

import httpx

from strangler.errors import StranglerError

logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every question to the administration


class Admin:
    """What we ask of a running Envoy.

    Args:
        socket: the socket of its administration.
    """

    def __init__(self, socket: Path) -> None:
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://envoy", timeout=5.0)

    async def close(self) -> None:
        """Let go of the socket."""
        await self._client.aclose()

    async def is_ready(self) -> bool:
        """Whether it says that it is live, and its listener is there."""
        try:
            answer = await self._client.get("/ready")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    async def stats(self, pattern: str) -> dict[str, int]:
        """Counters and gauges whose names match the regular expression.

        Raises:
            StranglerError: Envoy does not answer.
        """
        text = await self._get("/stats", filter=pattern)
        found: dict[str, int] = {}
        for line in text.splitlines():
            name, _, value = line.rpartition(": ")
            if value.isdigit():
                found[name] = int(value)
        return found

    async def port(self, listener: str) -> int | None:
        """The port that the listener got; ``None`` while there is no such listener."""
        for line in (await self._get("/listeners")).splitlines():
            name, _, address = line.partition("::")
            if name == listener:
                return int(address.rpartition(":")[2])
        return None

    async def drain(self) -> None:
        """Tell callers to come on new connections elsewhere, and take no new ones in the end."""
        await self._post("/drain_listeners?graceful&skip_exit")

    async def _get(self, path: str, **query: str) -> str:
        try:
            answer = await self._client.get(path, params=query)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise StranglerError(f"Envoy's administration does not answer {path}: {error}") from error
        return answer.text

    async def _post(self, path: str) -> None:
        try:
            answer = await self._client.post(path)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise StranglerError(f"Envoy's administration does not answer {path}: {error}") from error
