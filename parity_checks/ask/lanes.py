"""One lane per system: its share of connections and its breaker, so that one that hangs holds up nobody else."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from parity_checks.ask.client import Asked, Asking, Client
from parity_checks.breaker import Breaker
from strangler.exchange import Failure, Observation
from strangler.plan.models import System

_PAUSES_S = (0.1, 0.4)
"""Waits before a repeatable request is sent again because nothing came back."""


@dataclass(slots=True)
class Lane:
    """One system's lane."""

    slots: asyncio.Semaphore
    width: int
    breaker: Breaker = field(default_factory=Breaker)
    busy: int = 0
    """Places that are taken."""


class Lanes:
    """All lanes; made when a system is first asked, and again when its share changes."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lanes: dict[str, Lane] = {}

    async def ask(self, asking: Asking, system: System, *, tries: int = 1) -> Asked:
        """Ask, up to ``tries`` times while nothing comes back. While the breaker is open nobody is asked.

        An unrepeatable request is sent again only where surely nothing reached the system.
        """
        asked = await self._ask_once(asking, system)
        for pause_s in _PAUSES_S[: tries - 1]:
            failure = asked.observation.failure
            if failure not in asking.tried_again_after or (asking.is_unrepeatable and asked.was_sent):
                break
            await asyncio.sleep(pause_s)
            again = await self._ask_once(asking, system)
            if again.observation.failure is Failure.BREAKER_OPEN:
                break
            asked = again
        return asked

    def has_room(self, name: str, system: System, places: int) -> bool:
        """Whether a system could be asked so many times at once, now, without anybody's waiting for it."""
        lane = self._lane(name, system)
        return lane.breaker.open_until is None and lane.width - lane.busy >= places

    async def _ask_once(self, asking: Asking, system: System) -> Asked:
        lane = self._lane(asking.system, system)
        async with lane.slots:
            if not lane.breaker.may_ask(self._clock()):
                build = asking.builds.name(None)
                refused = Observation(
                    asking.side, None, body=None, failure=Failure.BREAKER_OPEN, at=time.time(), build=build
                )
                return Asked(refused, was_sent=False)
            lane.busy += 1
            try:
                asked = await self._client.ask(asking, system)
            except BaseException:
                lane.breaker.forgot()
                raise
            finally:
                lane.busy -= 1
            if asked.observation.failure is None:
                lane.breaker.succeeded()
            else:
                lane.breaker.failed(self._clock())
            return asked

    def _lane(self, name: str, system: System) -> Lane:
        lane = self._lanes.get(name)
        if lane is None or lane.width != system.concurrency:
            breaker = lane.breaker if lane else Breaker()
            lane = self._lanes[name] = Lane(asyncio.Semaphore(system.concurrency), system.concurrency, breaker)
        return lane
