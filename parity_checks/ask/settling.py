"""A read on which the sides disagree: both are asked again, so that a race is told from a defect."""

import asyncio
from dataclasses import dataclass, replace

from parity_checks.ask.entries import Entries
from parity_checks.ask.judge import Entry
from parity_checks.ask.judges import Judges
from parity_checks.ask.sides import Sides
from strangler.exchange import Exchange, Judged, Observation, Outcome, OutcomeKind
from strangler.stages import Side


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A read on which the sides disagree so far: a defect, or a race that goes away."""

    exchange: Exchange
    entry: Entry
    outcome: Outcome
    asked: Observation


class Settling:
    """Settles what is unsettled, within the plan's bounds."""

    def __init__(self, entries: Entries, sides: Sides, judges: Judges) -> None:
        self._entries = entries
        self._sides = sides
        self._judges = judges

    async def settled(self, unsettled: Unsettled) -> Judged:
        """Ask both sides again: what goes away was a race, what stays is a mismatch.

        Later exchanges of the same key must go on meanwhile: the write that was raced may be one of them.
        """
        exchange, entry, outcome = unsettled.exchange, unsettled.entry, unsettled.outcome
        settle = self._entries.plan.operations[exchange.operation].compare.settle
        observations = [unsettled.asked]
        for attempt in range(1, settle.attempts + 1):
            await asyncio.sleep(settle.after_s)
            old, new = await asyncio.gather(self._again(exchange, Side.OLD), self._again(exchange, Side.NEW))
            observations += [old, new]
            if old.has_failed or new.has_failed:
                continue
            again = await self._judges.compared(exchange, entry, old, new)
            if again.kind is OutcomeKind.MATCH:
                return Judged(exchange.id, replace(again, settled=attempt), tuple(observations))
            if again.kind is OutcomeKind.MISMATCH:
                outcome = again
        return Judged(exchange.id, outcome, tuple(observations))

    async def _again(self, exchange: Exchange, side: Side) -> Observation:
        asked = await self._sides.ask(exchange, side, again=True)
        self._judges.saw(exchange.operation, asked.observation)
        return asked.observation
