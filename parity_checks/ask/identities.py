"""The identity map at work: ids are learnt from creates, and exchanged in what is asked of the other side.

Pairs never change once they are learnt, so that those seen lately are kept in memory. An id that nobody knows while a
create of its kind is still on its way is waited for, within a bound; then the request goes out with the id as it is,
and the outcome says so.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, ParamSpec, Protocol, TypeVar

import structlog

from parity_checks.ask.entries import Entries
from parity_checks.identity.learning import difference, told
from parity_checks.identity.requests import NamedId, find
from parity_checks.rules.compiled import CompiledRules
from strangler.errors import StoreError
from strangler.exchange import (
    Difference,
    DifferenceKind,
    Exchange,
    Observation,
    Origin,
    Outcome,
    OutcomeKind,
    Request,
    digest,
)
from strangler.journal import IdConflict, LearntId
from strangler.stages import Side

_log = structlog.get_logger("worker")
_P = ParamSpec("_P")
_T = TypeVar("_T")

LONGEST_WAIT_S: Final = 3.0
"""How long a request waits for the creates before it that may tell its ids."""

_LOOK_AFTER_S: Final = (0.05, 0.1, 0.2, 0.4)
_MOST_KEPT: Final = 65_536
_LARGE_BODY: Final = 8_192
"""Bodies from this size on are searched for ids in a thread: it takes a while to find the place of each."""

_ROUNDS: Final = 4
"""How often a comparison may ask for ids that it meets; each answer can only bring others together."""

_TRIES: Final = 5
_COMPARED = frozenset({OutcomeKind.MATCH, OutcomeKind.NOISE, OutcomeKind.ACCEPTED, OutcomeKind.MISMATCH})
_LONGEST_NAME: Final = 64


class IdStore(Protocol):
    """What the map needs of the journal; ``strangler.journal.Journal`` says what each does."""

    def learn_ids(self, pairs: Sequence[LearntId]) -> tuple[IdConflict, ...]: ...  # noqa: D102
    def ids(self, name: str, values: Sequence[str], side: Side) -> dict[str, str]: ...  # noqa: D102
    def are_pending(self, operations: Sequence[str], until: float) -> bool: ...  # noqa: D102


class Identities:
    """The identity map of one worker."""

    def __init__(self, entries: Entries, store: IdStore) -> None:
        self._entries = entries
        self._store = store
        self._pairs: OrderedDict[tuple[str, Side, str], str] = OrderedDict()
        self.unknown = 0
        """Ids with which a side was asked although nobody knew its own."""

    async def request_for(self, exchange: Exchange, side: Side, *, may_wait: bool) -> tuple[Request, str]:
        """The request as it is put to one side, and what is to be said of its ids; empty where there is nothing.

        Args:
            exchange: the exchange; its ids are those of the side that answered.
            side: who is asked.
            may_wait: whether to wait for creates that are on their way.
        """
        uses = self._entries.plan.operations[exchange.operation].ids.use
        mine = exchange.answer.side
        if not uses or side is mine:
            return exchange.request, ""
        is_large = len(exchange.request.body or b"") > _LARGE_BODY
        spots = (await asyncio.to_thread(find, exchange.request, uses)) if is_large else find(exchange.request, uses)
        known = await self._known(exchange.operation, spots.ids, mine)
        if may_wait:
            known = await self._waited_for(exchange, spots.ids, known)
        request, left = spots.exchanged(known)
        # An id of the asked side's own came from that side while it was the one that answered.
        own = await self._known(exchange.operation, left, side)
        unknown = [named for named in left if named not in own]
        self.unknown += len(unknown) if may_wait else 0
        said = [f"{len(unknown)} unknown: {', '.join(sorted({name for name, _ in unknown}))}"] if unknown else []
        if spots.complaint:
            said.append(spots.complaint)
        return request, f"ids sent as they are ({'; '.join(said)})" if said else ""

    async def _waited_for(
        self, exchange: Exchange, ids: Sequence[NamedId], known: dict[NamedId, str]
    ) -> dict[NamedId, str]:
        until = time.monotonic() + LONGEST_WAIT_S
        waits = 0
        while len(known) < len(ids) and time.monotonic() < until:
            names = {name for name, _ in ids}
            creators = [
                operation
                for operation, entry in self._entries.plan.operations.items()
                if operation != exchange.operation and any(learn.name in names for learn in entry.ids.learn)
            ]
            is_pending = await self._journal(self._store.are_pending, creators, exchange.at)
            known = await self._known(exchange.operation, ids, exchange.answer.side)
            if not is_pending:
                return known
            await asyncio.sleep(_LOOK_AFTER_S[min(waits, len(_LOOK_AFTER_S) - 1)])
            waits += 1
        return known

    async def learn(self, exchange: Exchange, asked: Observation) -> "Learnt":
        """Learn from the answers to a create that both sides have made."""
        learn = self._entries.plan.operations[exchange.operation].ids.learn
        answer = exchange.answer
        if not learn or not answer.has_succeeded or not asked.has_succeeded or answer.side is asked.side:
            return Learnt()
        if exchange.origin is not Origin.CALLER:
            return Learnt()  # a copy of its own, which no caller will ever ask about
        if answer.body is None or asked.body is None:
            return Learnt(said="ids not learnt: a body was not captured")
        old, new = (answer, asked) if answer.side is Side.OLD else (asked, answer)
        is_large = len(old.body or b"") + len(new.body or b"") > _LARGE_BODY
        telling = partial(told, exchange.operation, learn, old, new)
        found = (await asyncio.to_thread(telling)) if is_large else telling()
        names = {self._kept_as(exchange.operation, one.name): one for one in learn}
        pairs = [
            LearntId(self._kept_as(exchange.operation, name), one, other, exchange.operation, exchange.id, exchange.at)
            for name, one, other in found.pairs
        ]
        conflicts = await self._journal(self._store.learn_ids, pairs) if pairs else ()
        differences = list(found.differences)
        for conflict in conflicts:
            one = names[conflict.given.name]
            differences.append(
                difference(exchange.operation, DifferenceKind.IDENTITY, one.name, one.old, *_both(conflict))
            )
        said = f"ids told by neither side: {', '.join(found.untold)}" if found.untold else ""
        return Learnt(tuple(differences), said)

    async def recalling(
        self, operation: str, rules: CompiledRules, compared: Callable[[CompiledRules], Awaitable[_T]]
    ) -> _T:
        """Compare with the ids that the rules ask for: compare, look up what was met, and compare again."""
        if not rules.has_ids:
            return await compared(rules)
        recalled = Recalled()
        for _ in range(_ROUNDS):
            result = await compared(rules.knowing(recalled))
            if not recalled.missing:
                return result
            missing = tuple(recalled.missing)
            known = await self._known(operation, missing, Side.OLD)
            recalled.take(missing, known)
        return await compared(rules.knowing(recalled))

    async def _known(self, operation: str, ids: Iterable[NamedId], side: Side) -> dict[NamedId, str]:
        """Of each id of this side that is known, the other side's."""
        found: dict[NamedId, str] = {}
        wanted: dict[str, list[NamedId]] = {}
        for named in ids:
            kept_as = self._kept_as(operation, named[0])
            pair = self._pairs.get((kept_as, side, named[1]))
            if pair is None:
                wanted.setdefault(kept_as, []).append(named)
            else:
                self._pairs.move_to_end((kept_as, side, named[1]))
                found[named] = pair
        for kept_as, names in wanted.items():
            values = [value for _, value in names]
            pairs = await self._journal(self._store.ids, kept_as, values, side)
            for named in names:
                if named[1] in pairs:
                    found[named] = pairs[named[1]]
                    self._keep((kept_as, side, named[1]), pairs[named[1]])
        return found

    def _keep(self, known: tuple[str, Side, str], other: str) -> None:
        self._pairs[known] = other
        while len(self._pairs) > _MOST_KEPT:
            self._pairs.popitem(last=False)

    def _kept_as(self, operation: str, name: str) -> str:
        """The name in the journal. A sandbox makes ids of its own: the system it stands for does not know them."""
        writes = self._entries.plan.operations[operation].writes
        full = f"{name}@{writes.sandbox}" if writes and writes.policy == "sandbox" else name
        return full if len(full) <= _LONGEST_NAME else digest(full.encode())

    @staticmethod
    async def _journal(look: Callable[_P, _T], *wanted: _P.args, **further: _P.kwargs) -> _T:
        """Ask the journal, again while it cannot be read: an exchange must not fail for that.

        Raises:
            StoreError: it could not be read several times.
        """
        for tried in range(1, _TRIES):
            try:
                return await asyncio.to_thread(look, *wanted, **further)
            except StoreError as error:
                _log.warning("the journal's ids cannot be read; trying again", error=str(error))
                await asyncio.sleep(0.1 * tried)
        return await asyncio.to_thread(look, *wanted, **further)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What came of learning: where two answers disagree with each other, or with what was learnt before them."""

    differences: tuple[Difference, ...] = ()
    said: str = ""

    def joined(self, outcome: Outcome, *notes: str) -> Outcome:
        """The outcome with these differences and with what is to be said of ids."""
        detail = "; ".join(part for part in (outcome.detail, self.said, *notes) if part)
        outcome = outcome if detail == outcome.detail else replace(outcome, detail=detail)
        if not self.differences or outcome.kind not in _COMPARED:
            return outcome
        kinds = {one.kind for one in outcome.differences}
        # A missing id is mostly found by the comparison as well, where it is missing: once is enough.
        further = tuple(one for one in self.differences if one.kind is DifferenceKind.IDENTITY or one.kind not in kinds)
        return replace(outcome, kind=OutcomeKind.MISMATCH, differences=outcome.differences + further)


class Recalled:
    """Ids as a comparison asks for them: what it has not got yet it notes as ``missing``."""

    def __init__(self) -> None:
        self._new: dict[NamedId, str | None] = {}
        self.missing: dict[NamedId, None] = {}

    def new_of(self, name: str, old: str) -> str | None:
        """The new side's id for the old one, where it is known."""
        if (name, old) not in self._new:
            self.missing[name, old] = None
        return self._new.get((name, old))

    def take(self, asked: Iterable[NamedId], known: dict[NamedId, str]) -> None:
        """Remember what was looked up, whether it was found or not."""
        self._new |= {named: known.get(named) for named in asked}
        self.missing = {}


def _both(conflict: IdConflict) -> tuple[str, str]:
    """The two ids of a conflict, each with the partner it had before."""
    given, before = conflict.given, conflict.standing
    old = next((f" (was {one.new})" for one in before if one.old == given.old), "")
    new = next((f" (was {one.old})" for one in before if one.new == given.new), "")
    return given.old + new, given.new + old
