"""A read on which the sides disagree: both are asked again, so that races and noise are told from defects.

::

    mismatch --both asked again--> match, settled            (a race)
        | stays, and writes of its key are on their way: asked again once they have arrived
        | stays
        +--old asked several times at once--> noise           (old differs from itself just so)
        +-----------------------------------> mismatch        (a defect, or a write that was lost)
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from parity_checks.ask.entries import Entries
from parity_checks.ask.identities import Learnt
from parity_checks.ask.judge import Entry
from parity_checks.ask.judges import Judges
from parity_checks.ask.sampling import Drawn
from parity_checks.ask.sides import Sides
from parity_checks.ask.wavering import Wavering
from parity_checks.ask.writes import Writes
from strangler.exchange import Exchange, Judged, Observation, Outcome, OutcomeKind, Reason
from strangler.stages import Side

LONGEST_WAIT_S: Final = 15.0
"""How long a read waits for writes of its key that are on their way; after it nobody can tell a race from a defect."""


MOST_FURTHER: Final = 8
"""How many further attempts such writes may cause."""

_JOURNALED_WITHIN_S: Final = 0.25
"""A write that old has made is in the journal so soon."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A read on which the sides disagree so far: a defect, or a race that goes away."""

    exchange: Exchange
    entry: Entry
    outcome: Outcome
    drawn: Drawn


class Settling:
    """Settles what is unsettled, within the plan's bounds."""

    def __init__(self, entries: Entries, sides: Sides, judges: Judges, wavering: Wavering, writes: Writes) -> None:
        self._entries = entries
        self._sides = sides
        self._judges = judges
        self._wavering = wavering
        self._writes = writes

    async def settled(self, unsettled: Unsettled) -> Judged:
        """Ask both sides again: what goes away was a race, what stays is noise or a mismatch.

        Later exchanges of the same key must go on meanwhile: the write that was raced may be one of them.
        """
        judged = await self._settled(unsettled)
        return replace(judged, outcome=Learnt().joined(judged.outcome, unsettled.drawn.asked.note))

    async def _settled(self, unsettled: Unsettled) -> Judged:
        exchange, drawn = unsettled.exchange, unsettled.drawn
        settle = self._entries.plan.operations[exchange.operation].compare.settle
        seen, refused = [exchange.answer, drawn.asked.observation], list[Observation]()
        outcome, attempt, allowed = unsettled.outcome, 0, settle.attempts
        until = self._writes.now() + LONGEST_WAIT_S
        while attempt < allowed:
            await asyncio.sleep(settle.after_s)
            attempt, began = attempt + 1, self._writes.now()
            old, new = await asyncio.gather(self._again(exchange, Side.OLD), self._again(exchange, Side.NEW))
            again = await self._judges.compared(exchange, unsettled.entry, old, new)
            if again.reason is Reason.BOTH_REFUSED and not _was_refused_so(seen[:2], new):
                refused += [old, new]  # such as a token that is good for once: nothing is told of what differed
                continue
            if again.kind is OutcomeKind.MATCH:
                observations = (*drawn.observations, *seen[2:], *refused, old, new)
                return Judged(exchange.id, replace(again, settled=attempt), observations, sample=drawn.sample)
            seen += [old, new]
            outcome = again if again.kind is OutcomeKind.MISMATCH else outcome
            if attempt == allowed and await self._is_touched(exchange, began):
                if allowed == settle.attempts + MOST_FURTHER or not await self._writes.passed(exchange.key, until):
                    outcome = _unknown(outcome)
                    break
                allowed += 1
        observations = (*drawn.observations, *seen[2:], *refused)
        if outcome.kind is not OutcomeKind.MISMATCH:
            return Judged(exchange.id, outcome, observations, sample=drawn.sample)
        doubted = await self._wavering.doubted(exchange, unsettled.entry, outcome, _compared_last(seen))
        return Judged(exchange.id, doubted.outcome, (*observations, *doubted.observations), sample=drawn.sample)

    async def _is_touched(self, exchange: Exchange, since: float) -> bool:
        """Whether a write of the key may have been made on one side only when both were last asked."""
        if exchange.key is None:
            return False
        await asyncio.sleep(_JOURNALED_WITHIN_S)
        return await self._writes.touch(exchange.key, since)

    async def _again(self, exchange: Exchange, side: Side) -> Observation:
        asked = await self._sides.ask(exchange, side, again=True)
        self._judges.saw(exchange.operation, asked.observation)
        return asked.observation


def _was_refused_so(first: Sequence[Observation], now: Observation) -> bool:
    """Whether one side had refused in this way from the first, as where a record was just being deleted."""
    return any(one.has_refused and one.status == now.status for one in first)


def _unknown(outcome: Outcome) -> Outcome:
    detail = "the sides disagree, but writes of its key were on their way all the time"
    return replace(outcome, kind=OutcomeKind.NOT_COMPARED, reason=Reason.WRITE_UNCERTAIN, differences=(), detail=detail)


def _compared_last(seen: list[Observation]) -> list[Observation]:
    """The answers, both of each pair that could be compared."""
    pairs = zip(seen[::2], seen[1::2], strict=True)
    return [one for pair in pairs if not any(answer.has_failed for answer in pair) for one in pair]
