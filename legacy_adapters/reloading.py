"""Follows the plan: when it changes, new handlers take over, and the old ones finish what they have under way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from legacy_adapters.contract import Answer
from legacy_adapters.handlers import Gateway, open_gateway
from strangler.errors import StranglerError
from strangler.exchange import Request
from strangler.plan.models import Plan

FINISH_S = 30.0
"""How long a gateway that was replaced may finish its requests, in seconds."""

_log = structlog.get_logger("gateway")


@dataclass(slots=True)
class _Serving:
    gateway: Gateway
    closing: AsyncExitStack
    under_way: int = 0


class Reloading:
    """A gateway that is replaced whole when the plan changes."""

    def __init__(
        self,
        load: Callable[[], Plan],
        environ: Callable[[], Mapping[str, str]],
        changed: Callable[[], Any],
        every_s: float,
    ) -> None:
        self._load, self._environ, self._changed, self._every_s = load, environ, changed, every_s
        self._serving: _Serving | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator["Reloading"]:
        """Open the first gateway and follow the plan until the block ends."""
        seen = self._changed()
        self._serving = await self._open()
        watching = asyncio.create_task(self._watch(seen), name="follow the plan")
        try:
            yield self
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._serving.closing.aclose()

    async def answer(self, side: str, operation: str, request: Request) -> Answer:
        """The present gateway's answer."""
        serving = self._present()
        serving.under_way += 1
        try:
            return await serving.gateway.answer(side, operation, request)
        finally:
            serving.under_way -= 1

    async def builds(self) -> dict[str, dict[str, str | None]]:
        """The present gateway's builds."""
        return await self._present().gateway.builds()

    def _present(self) -> _Serving:
        if self._serving is None:
            raise RuntimeError("answer() is only for within run()")
        return self._serving

    async def _open(self) -> _Serving:
        closing = AsyncExitStack()
        gateway = await closing.enter_async_context(open_gateway(self._load(), self._environ()))
        return _Serving(gateway, closing)

    async def _watch(self, seen: Any) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            now = self._changed()
            if now == seen:
                continue
            seen = now
            try:
                fresh = await self._open()
            except StranglerError as error:
                _log.error("the changed plan is not used", reason=str(error))
                continue
            before, self._serving = self._present(), fresh
            _log.info("the changed plan is used")
            await _idle(before)
            await before.closing.aclose()


async def _idle(serving: _Serving) -> None:
    deadline = asyncio.get_running_loop().time() + FINISH_S
    while serving.under_way and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - a count, at most 30 s
        await asyncio.sleep(0.05)
