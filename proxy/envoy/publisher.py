"""Resources into Envoy: looked at first, written as files, swapped by rename, and waited for.

Clusters go before the routes that name them, and those of the table before stay until the next. A table that Envoy
refuses is told, and the one in use stays.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from proxy.envoy.admin import Admin
from proxy.envoy.binary import TableRefused, validate
from proxy.envoy.bootstrap import LISTENER, Limits, Places, bootstrap, connection_manager, listener
from proxy.envoy.native import Message
from proxy.envoy.routing import ROUTES, Resources
from strangler.state import write_atomically

TAKES_WITHIN_S = 5.0
_COUNTERS = {
    "cds": "cluster_manager.cds.update_",
    "lds": "listener_manager.lds.update_",
    "rds": f"http.{LISTENER}.rds.{ROUTES}.update_",
}


class Publisher:
    """Keeps Envoy's files.

    Args:
        places: where they are.
        limits: bounds out of the plan, at the start.
    """

    def __init__(self, places: Places, limits: Limits) -> None:
        self._places = places
        self._limits = limits
        self._clusters: dict[str, Message] = {}
        self._written: dict[str, bytes] = {}

    @property
    def config(self) -> Path:
        """The static configuration's file."""
        return self._places.folder / "bootstrap.json"

    async def prepare(self, resources: Resources) -> None:
        """Write everything, before Envoy is started.

        Raises:
            TableRefused: Envoy would not take it.
        """
        await self._validate(resources)
        write_atomically(self.config, orjson.dumps(bootstrap(self._places, self._limits)))
        for kind, content in self._files(resources, resources.clusters).items():
            self._write(kind, content)
        self._clusters = resources.clusters

    async def publish(self, resources: Resources, admin: Admin) -> None:
        """Swap to these resources, and wait until Envoy has them.

        Raises:
            TableRefused: it does not take them: it goes on with those it has.
            StranglerError: it does not say whether it took them.
        """
        await self._validate(resources)
        both = self._clusters | resources.clusters
        for kind, content in self._files(resources, both).items():
            await self._swap(kind, content, admin)
        self._clusters = resources.clusters

    def _files(self, resources: Resources, clusters: dict[str, Message]) -> dict[str, list[Message]]:
        """Kinds to resources, in the order in which Envoy must learn of them."""
        return {
            "cds": list(clusters.values()),
            "lds": [listener(self._places, self._limits, resources.key_headers)],
            "rds": [resources.routes],
        }

    async def _validate(self, resources: Resources) -> None:
        gone = named_clusters(resources.routes) - resources.clusters.keys()
        if gone:
            raise TableRefused(f"routes lead to clusters that there are none of: {', '.join(sorted(gone))}")
        manager = connection_manager(self._limits, resources.key_headers) | {"route_config": _static(resources.routes)}
        whole: dict[str, Any] = bootstrap(self._places, self._limits)
        del whole["dynamic_resources"], whole["admin"]
        ours = _static(listener(self._places, self._limits, resources.key_headers))
        ours["filter_chains"][0]["filters"][0]["typed_config"] = manager
        whole["static_resources"]["listeners"] = [ours]
        whole["static_resources"]["clusters"] += [_static(cluster) for cluster in resources.clusters.values()]
        await validate(whole, self._places.folder / "candidate.json")

    async def _swap(self, kind: str, content: list[Message], admin: Admin) -> None:
        if self._written.get(kind) == _document(content):
            return
        before = await admin.stats(f"^{_COUNTERS[kind]}")
        previous = self._written.get(kind)
        self._write(kind, content)
        if not await self._is_taken(kind, before, admin):
            if previous is not None:
                self._written[kind] = previous  # what Envoy has, whatever the file says
            raise TableRefused(f"Envoy refused the new {kind}, or did not take it in time; the one in use stays")

    async def _is_taken(self, kind: str, before: dict[str, int], admin: Admin) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(TAKES_WITHIN_S):
                while True:
                    now = await admin.stats(f"^{_COUNTERS[kind]}")
                    if _has_grown(kind, "rejected", before, now):
                        return False
                    if _has_grown(kind, "success", before, now):
                        return True
                    await asyncio.sleep(0.002)
        return False

    def _write(self, kind: str, content: list[Message]) -> None:
        document = _document(content)
        write_atomically(self._places.folder / f"{kind}.json", document)
        self._written[kind] = document


def named_clusters(message: object) -> frozenset[str]:
    """The clusters that routes lead to.

    Envoy's own ``validate_clusters`` does not look into routes that are in a matcher (1.40): that a cluster is not
    there would be found out by callers.
    """
    if isinstance(message, list):
        return frozenset().union(*map(named_clusters, message))
    if not isinstance(message, dict):
        return frozenset()
    own = {message["cluster"]} if isinstance(message.get("cluster"), str) else set()
    return frozenset(own).union(*map(named_clusters, message.values()))


def _document(content: list[Message]) -> bytes:
    return orjson.dumps({"version_info": "1", "resources": content})


def _static(message: Message) -> Message:
    return {name: value for name, value in message.items() if name != "@type"}


def _has_grown(kind: str, what: str, before: dict[str, int], now: dict[str, int]) -> bool:
    name = _COUNTERS[kind] + what
    return now.get(name, 0) > before.get(name, 0)
