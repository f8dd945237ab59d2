"""What a write must have changed: read on both sides once both have made it, compared, and told with the write.

::

    write made on both sides -> each effect is read on both -> differ -> read again, bounded -> still -> old twice more
                                                                                                 (what differs is noise)

Effects are read beside the key's later exchanges, for nothing may wait for them; a write of the key that is on its way
meanwhile is waited for, so that a race is not called a defect.

What comes of it, worst first: a difference makes the write a mismatch; a new side that fails to answer makes it
``new_failed``; an old side that fails, or an effect that cannot be asked for, leaves it not compared, with the reason.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Final, Protocol

import orjson

from parity_checks import noise
from parity_checks.ask.effect_requests import Unfilled, effect_request
from parity_checks.ask.entries import Entries
from parity_checks.ask.judge import Entry
from parity_checks.ask.judges import Judges
from parity_checks.ask.sides import Sides
from parity_checks.ask.wavering import are_cut
from parity_checks.ask.writes import Writes
from parity_checks.compare.signature import signature
from parity_checks.rules.concerns import concerns
from strangler.errors import StranglerError
from strangler.exchange import (
    Difference,
    Exchange,
    Failure,
    Judged,
    Observation,
    Outcome,
    OutcomeKind,
    Reason,
)
from strangler.plan.comparison import Consequence, RowsQuery
from strangler.plan.models import System
from strangler.stages import Effect, Side

LONGEST_WAIT_S: Final = 15.0
"""How long an effect waits for later writes of its key that are on their way."""

MOST_FURTHER: Final = 4
"""How many further looks such writes may cause."""

_JOURNALED_WITHIN_S: Final = 0.25
"""A later write that the answering side has made is in the journal so soon."""

_JSON: Final = (("content-type", "application/json"),)
_COMPARED = frozenset({OutcomeKind.MATCH, OutcomeKind.NOISE, OutcomeKind.ACCEPTED, OutcomeKind.MISMATCH})


class RowSource(Protocol):
    """Reads rows of a system's database."""

    async def rows(self, name: str, system: System, query: str, key: str) -> list[dict[str, str | None]]:
        """The rows of a query, columns by name, values as text.

        Args:
            name: the system's name in the plan.
            system: how its database is reached.
            query: SQL in which ``:key`` stands for the key.
            key: the write's key.

        Raises:
            StranglerError: the database cannot be reached, or refuses the query.
        """
        ...


@dataclass(frozen=True, slots=True)
class Consequent:
    """A write that both sides have made, and whose effects are still to be read."""

    exchange: Exchange
    judged: Judged
    asked: Observation

    def unread(self, why: str) -> Judged:
        """What is left to say where nobody comes to read the effects."""
        if self.judged.outcome.kind is OutcomeKind.MISMATCH:
            return replace(self.judged, outcome=replace(self.judged.outcome, detail=f"effects not read: {why}"))
        return replace(self.judged, outcome=_not_compared(self.judged.outcome, Reason.COMPARER_FAILED, why))


class Effects:
    """Reads the effects of writes."""

    def __init__(
        self, entries: Entries, sides: Sides, judges: Judges, writes: Writes, rows: RowSource | None = None
    ) -> None:
        self._entries = entries
        self._sides = sides
        self._judges = judges
        self._writes = writes
        self._rows = rows

    def after(self, exchange: Exchange, judged: Judged, asked: Observation) -> Judged | Consequent:
        """The write with its effects still to be read, where it has any and both sides say that they made it."""
        operation = self._entries.plan.operations.get(exchange.operation)
        has_effects = exchange.effect is Effect.WRITE and operation is not None and bool(operation.effects)
        are_made = exchange.answer.has_succeeded and asked.has_succeeded and judged.outcome.kind in _COMPARED
        return Consequent(exchange, judged, asked) if has_effects and are_made else judged

    async def followed(self, made: Consequent) -> Judged:
        """Read every effect, and join what was found with the write's outcome."""
        operation = self._entries.plan.operations.get(made.exchange.operation)
        outcome = made.judged.outcome
        for effect in operation.effects if operation is not None else ():
            found = await self._settled(made, effect)
            if effect.rows is not None and len(found.hidden) == len(outcome.hidden):  # both by the write's own rules
                hidden = tuple(one + other for one, other in zip(outcome.hidden, found.hidden, strict=True))
                outcome = replace(outcome, hidden=hidden)
            outcome = _joined(outcome, effect.name, found, made.exchange.operation)
        return replace(made.judged, outcome=outcome)

    async def _settled(self, made: Consequent, effect: Consequence) -> Outcome:
        """One effect's outcome, once it had time to show."""
        key = made.exchange.key
        settle = self._entries.plan.operations[effect.read or made.exchange.operation].compare.settle
        until = self._writes.now() + LONGEST_WAIT_S
        attempt, allowed = 0, settle.attempts
        await asyncio.sleep(effect.after_s)
        while True:
            began = self._writes.now()
            outcome = await self._look(made, effect)
            if outcome.kind is not OutcomeKind.MISMATCH and (outcome.kind is OutcomeKind.MATCH or attempt >= allowed):
                return replace(outcome, settled=attempt)
            if attempt >= allowed:
                await asyncio.sleep(_JOURNALED_WITHIN_S)
                # What arrived just before the look may not show yet: a side is given the plan's time after each write.
                if not await self._writes.touch(key, began - settle.after_s):
                    return await self._doubted(made, effect, outcome)
                if allowed >= settle.attempts + MOST_FURTHER or not await self._writes.passed(key, until):
                    return _not_compared(outcome, Reason.WRITE_UNCERTAIN, "later writes of its key kept coming")
                allowed += 1
            attempt += 1
            await asyncio.sleep(settle.after_s)

    async def _doubted(self, made: Consequent, effect: Consequence, outcome: Outcome) -> Outcome:
        """Without what old does itself, in answers asked for in the same breath: type, form and range still count."""
        if effect.read is None or are_cut(outcome.differences):
            return outcome
        entry = self._entries.in_force(effect.read)
        asked = await asyncio.gather(*(self._read(made, effect, Side.OLD) for _ in range(3)))
        olds = [one for one in asked if isinstance(one, Observation) and not one.has_failed]
        wavering = [await self._judges.differences(entry, olds[0], other) or () for other in olds[1:]]
        left = noise.judge(outcome.differences, wavering, in_old_terms=entry.rules.in_old_terms)
        return outcome if len(left) == len(outcome.differences) else _with(outcome, left, OutcomeKind.NOISE)

    async def _look(self, made: Consequent, effect: Consequence) -> Outcome:
        """One effect read on both sides and compared."""
        base = made.judged.outcome
        if effect.rows is not None:
            old, new = await self._both_rows(made.exchange, effect.rows)
            entry = self._entries.in_force(made.exchange.operation)
            outcome = await self._judges.compared(made.exchange, entry, old, new)
        else:
            read = effect.read or ""
            entry = self._entries.in_force(read)
            one, other = await asyncio.gather(*(self._read(made, effect, side) for side in (Side.OLD, Side.NEW)))
            if isinstance(one, str) or isinstance(other, str):
                return _not_compared(base, Reason.NOT_ASKED, one if isinstance(one, str) else str(other))
            asked = _as_read(made.exchange, read, entry, one)
            outcome = await self._judges.compared(asked, entry, one, other, ids_of=made.exchange.operation)
        if outcome.kind is not OutcomeKind.MISMATCH or not effect.only:
            return outcome
        left = tuple(found for found in outcome.differences if concerns(effect.only, found))
        return _with(outcome, left, OutcomeKind.MATCH)

    async def _read(self, made: Consequent, effect: Consequence, side: Side) -> Observation | str:
        """One side's answer to the effect's request; or why it cannot be asked for."""
        if effect.request is None or effect.read is None:
            return "no request"
        answer = made.exchange.answer if made.exchange.answer.side is side else made.asked
        try:
            request = effect_request(effect.request, made.exchange.key, answer)
        except Unfilled as unfilled:
            return str(unfilled)
        entry = self._entries.in_force(effect.read)
        asking = replace(_as_read(made.exchange, effect.read, entry, answer), request=request)
        writes = self._entries.plan.operations[made.exchange.operation].writes
        stand_in = writes.sandbox if writes and writes.policy == "sandbox" and side is Side.NEW else None
        return (await self._sides.ask(asking, side, again=True, stand_in=stand_in)).observation

    async def _both_rows(self, exchange: Exchange, rows: RowsQuery) -> tuple[Observation, Observation]:
        return await asyncio.gather(
            self._rows_of(Side.OLD, rows.old_system, rows.old, exchange.key),
            self._rows_of(Side.NEW, rows.new_system, rows.new, exchange.key),
        )

    async def _rows_of(self, side: Side, system: str, query: str, key: str | None) -> Observation:
        """One side's rows as an answer in JSON, so that they are compared as everything else is."""
        if self._rows is None or key is None:
            return Observation(side, None, failure=Failure.UNREACHABLE)
        known = self._entries.plan.systems[system]
        try:
            found = await asyncio.wait_for(self._rows.rows(system, known, query, key), known.timeout_s)
        except TimeoutError:
            return Observation(side, None, failure=Failure.TIMEOUT)
        except StranglerError:
            return Observation(side, None, failure=Failure.UNREACHABLE)
        body = orjson.dumps(found)
        return Observation(side, 200, _JSON, body, len(body))


def _as_read(exchange: Exchange, read: str, entry: Entry, answer: Observation) -> Exchange:
    """The effect as if a caller had asked it of this side: its own ids stand in it already."""
    return replace(
        exchange,
        operation=read,
        effect=Effect.READ,
        entry=entry.digest,
        answer=answer,
        not_compared=None,
        fell_back=None,
    )


def _with(outcome: Outcome, differences: tuple[Difference, ...], without: OutcomeKind) -> Outcome:
    kind = OutcomeKind.MISMATCH if differences else without
    return replace(outcome, kind=kind, differences=differences)


def _not_compared(outcome: Outcome, reason: Reason, detail: str) -> Outcome:
    return replace(outcome, kind=OutcomeKind.NOT_COMPARED, reason=reason, differences=(), detail=detail)


def _joined(write: Outcome, name: str, found: Outcome, operation: str) -> Outcome:
    """The write's outcome with one effect's; see above for which counts."""
    prefix = f"effects.{name}"
    differences = tuple(_tied(prefix, one, operation) for one in found.differences)
    said = f"{prefix}: {found.detail or found.reason or found.kind}" if found.kind not in _COMPARED else ""
    if found.reason is Reason.BOTH_REFUSED:
        said = f"{prefix}: both sides refused"
    joined = replace(
        write,
        differences=write.differences + differences,
        settled=max(write.settled, found.settled),
        detail="; ".join(part for part in (write.detail, said) if part),
    )
    if joined.differences and (differences or write.kind in _COMPARED):
        return replace(joined, kind=OutcomeKind.MISMATCH, reason=None)
    if OutcomeKind.NEW_FAILED in {write.kind, found.kind}:
        return replace(joined, kind=OutcomeKind.NEW_FAILED, reason=None)
    if write.kind is OutcomeKind.NOT_COMPARED:
        return joined
    if found.kind is OutcomeKind.NOT_COMPARED:
        return replace(joined, kind=OutcomeKind.NOT_COMPARED, reason=found.reason)
    return replace(joined, kind=OutcomeKind.NOISE) if found.kind is OutcomeKind.NOISE else joined


def _tied(prefix: str, found: Difference, operation: str) -> Difference:
    """A difference of the effect as a finding of the write."""
    general = f"{prefix} {found.general_path}"
    return replace(found, general_path=general, signature=signature(operation, general, found.kind))
