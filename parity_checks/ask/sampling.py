"""Fair draws for noise: old is asked twice and new once, in the same breath, so that each half sees the same world.

``again`` is where old and old differ, ``beside`` where old and new do. Were new no other than old, a path would be in
the one as often as in the other. Whether a read is drawn is decided before anything is asked, by a digest of its id: no
answer has a say in it. A draw of which anything failed is dropped whole.
"""

import asyncio
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from parity_checks.ask.client import Asked
from parity_checks.ask.entries import Entries
from parity_checks.ask.judge import Entry
from parity_checks.ask.judges import Judges
from parity_checks.ask.sides import Sides
from parity_checks.ask.writes import Writes
from strangler.exchange import Difference, Exchange, NoiseSample, Observation, PathAndKind
from strangler.stages import Effect, Side

WRITTEN_WITHIN_S: Final = 5.0
"""A key that was written within so many seconds is not drawn."""

_DENOMINATOR = 2**64


@dataclass(frozen=True, slots=True)
class Drawn:
    """What asking told: the asked side's answer, and with a draw everything that was observed for it."""

    asked: Asked
    observations: tuple[Observation, ...]
    sample: NoiseSample | None = None


class Sampling:
    """Asks the side to be asked; of a drawn read, both sides in the same breath."""

    def __init__(self, entries: Entries, sides: Sides, judges: Judges, writes: Writes) -> None:
        self._entries = entries
        self._sides = sides
        self._judges = judges
        self._writes = writes

    async def ask(self, exchange: Exchange, entry: Entry, side: Side) -> Drawn:
        """Ask, and draw where it is to be drawn."""
        if not await self._is_drawn(exchange):
            asked = await self._sides.ask(exchange, side)
            self._judges.saw(exchange.operation, asked.observation)
            return Drawn(asked, (asked.observation,))
        # Who goes first differs from draw to draw, so that no side is always the later one.
        turns = [side, Side.OLD, side.other if side is Side.OLD else Side.OLD]
        order = (0, 1, 2) if _share(exchange.id, b"turn") < 0.5 else (2, 1, 0)
        asking = [self._sides.ask(exchange, turns[at], again=at > 0) for at in order]
        answers = dict(zip(order, await asyncio.gather(*asking), strict=True))
        asked = answers[0]
        observations = tuple(answers[at].observation for at in range(3))
        self._judges.saw(exchange.operation, *observations)
        olds = [seen for seen in observations if seen.side is Side.OLD]
        new = next(seen for seen in observations if seen.side is Side.NEW)
        if any(answer.observation.has_failed for answer in answers.values()):
            return Drawn(asked, observations)
        again = await self._judges.differences(entry, olds[0], olds[1])
        beside = await self._judges.differences(entry, olds[0], new)
        if again is None or beside is None:
            return Drawn(asked, observations)
        return Drawn(asked, observations, NoiseSample(_paths(again), _paths(beside)))

    async def _is_drawn(self, exchange: Exchange) -> bool:
        """Whether this read is drawn. A key that is being written is left out: the sides may not be at the same point.

        So is every read while old has no two places free, or is left alone after failures: callers must not pay for it.
        """
        share = self._entries.plan.operations[exchange.operation].compare.noise.sample
        if exchange.effect is not Effect.READ or not share or _share(exchange.id, b"draw") >= share:
            return False
        if not self._sides.has_room(exchange, Side.OLD, 2):
            return False
        return not await self._writes.touch(exchange.key, self._writes.now() - WRITTEN_WITHIN_S)


def _share(exchange_id: str, what: bytes) -> float:
    """A number from 0 up to 1 that depends on the id alone."""
    return int.from_bytes(blake2b(exchange_id.encode(), digest_size=8, person=what).digest()) / _DENOMINATOR


def _paths(differences: tuple[Difference, ...]) -> frozenset[PathAndKind]:
    return frozenset((found.general_path, found.kind) for found in differences)
