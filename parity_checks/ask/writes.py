"""Which keys are being written: a read of such a key may see one side before the write and the other after it."""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from strangler.exchange import Exchange
from strangler.stages import Effect

UnfinishedWrites = Callable[[str], Awaitable[list[str]]]
"""A key's writes that have no outcome yet, from the journal."""

LATELY_S: Final = 60.0
"""For how long a key counts as written: what old shows of it may still lag behind."""

_MOST_KEYS: Final = 50_000
_LOOK_EVERY_S: Final = 0.1


class Writes:
    """The writes that this worker holds, and when each key was last written. Bounded; other keys count as unwritten."""

    def __init__(self, unfinished: UnfinishedWrites, clock: Callable[[], float] = time.monotonic) -> None:
        self._unfinished = unfinished
        self._clock = clock
        self._pending: Counter[str] = Counter()
        self._made: set[str] = set()
        self._last: OrderedDict[str, float] = OrderedDict()

    def claimed(self, exchange: Exchange) -> None:
        """A claimed exchange is going to be asked."""
        if exchange.effect is Effect.WRITE and exchange.key is not None:
            self._pending[exchange.key] += 1
            self._note(exchange.key)

    def made(self, exchange: Exchange) -> None:
        """It was asked, whatever came of it."""
        if exchange.effect is Effect.WRITE and exchange.key is not None:
            self._pending[exchange.key] -= 1
            if not self._pending[exchange.key]:
                del self._pending[exchange.key]
            self._made.add(exchange.id)
            self._note(exchange.key)

    def finished(self, exchange: Exchange) -> None:
        """The journal has its outcome."""
        self._made.discard(exchange.id)

    def were_lately(self, key: str | None, within_s: float = LATELY_S) -> bool:
        """Whether this worker has got a write of the key within so many seconds, made or yet to be made."""
        if key is None:
            return False
        last = self._last.get(key)
        return key in self._pending or (last is not None and self._clock() - last <= within_s)

    async def touch(self, key: str | None, since: float) -> bool:
        """Whether a write of the key is on its way to the asked side, or arrived there after ``since``.

        Args:
            key: the key; nobody knows the writes of ``None``.
            since: on this object's clock.
        """
        if key is None:
            return False
        if key in self._pending or self._last.get(key, 0.0) >= since:
            return True
        return any(name not in self._made for name in await self._unfinished(key))

    async def passed(self, key: str | None, until: float) -> bool:
        """Wait until no write of the key is on its way; whether that came before ``until``, on this object's clock."""
        while await self.touch(key, self._clock()):
            if self._clock() >= until:
                return False
            await asyncio.sleep(_LOOK_EVERY_S)
        return True

    def now(self) -> float:
        """This object's clock."""
        return self._clock()

    def _note(self, key: str) -> None:
        self._last[key] = self._clock()
        self._last.move_to_end(key)
        while len(self._last) > _MOST_KEYS:
            self._last.popitem(last=False)
