"""Whether a mismatch that stays is new's, or old's own wavering: old is asked several times in the same breath.

A read whose key was written of late is judged more strictly, because old's answers may differ for the write's sake: a
value is then noise only where each of old's answers has another one, or where new wavers too; and what other reads have
taught does not count. So a write that the new side lost never passes for noise.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from parity_checks import noise
from parity_checks.ask.judge import Entry
from parity_checks.ask.judges import Judges
from parity_checks.ask.sides import Sides
from parity_checks.ask.writes import Writes
from parity_checks.compare.findings import MOST_OF_ONE_KIND
from strangler.evidence import NoiseEvidence
from strangler.exchange import Difference, DifferenceKind, Exchange, Observation, Outcome, OutcomeKind, PathAndKind
from strangler.stages import Side

LearntNoise = Callable[[str, str], Awaitable[NoiseEvidence]]
"""What the journal knows of an operation's noise under a fingerprint."""

LEARNT_FOR_S: Final = 3.0
"""For how long what was read of the journal is used."""

_FIRST_BREATH: Final = 3
_LONG_BREATH: Final = 12
"""How often old is asked, at first and where a path is known to waver or may do so by halves."""

_STEADY_AFTER: Final = 24
"""After so many answers of old without a difference at a path, mismatches there are not doubted any more."""

_STEADY_FOR_S: Final = 60.0
"""For how long that holds: nothing is steady for good."""

_MOST_WEIGHED: Final = 20_000
"""An answer with more differences of one signature is not doubted: what is not looked at is not called noise."""

_MOST_KEPT: Final = 4_096

_HALVES = frozenset({DifferenceKind.ORDER})
"""Kinds that come by few turns, so that old may well show the same one several times."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """A mismatch as it is after doubt, with old's further answers."""

    outcome: Outcome
    observations: tuple[Observation, ...] = ()


@dataclass(slots=True)
class _Shown:
    """What old showed at one path since then: answers, and how many of them differed from the first of their breath."""

    since: float
    answers: int = 0
    wavered: int = 0


class Wavering:
    """Doubts mismatches; remembers, within bounds, where old wavers and where it is steady."""

    def __init__(
        self,
        sides: Sides,
        judges: Judges,
        writes: Writes,
        learnt: LearntNoise,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sides = sides
        self._judges = judges
        self._writes = writes
        self._learnt = learnt
        self._clock = clock
        self._read: OrderedDict[tuple[str, str], tuple[float, frozenset[PathAndKind]]] = OrderedDict()
        self._shown: OrderedDict[tuple[str, PathAndKind], _Shown] = OrderedDict()

    async def doubted(
        self, exchange: Exchange, entry: Entry, outcome: Outcome, seen_so_far: Sequence[Observation]
    ) -> Doubted:
        """Take away what old does itself.

        Args:
            exchange: the read.
            entry: what it is judged by.
            outcome: the mismatch that stayed.
            seen_so_far: both sides' answers, oldest first; the mismatch was found with the last of each.
        """
        olds, news = ([one for one in seen_so_far if one.side is side] for side in (Side.OLD, Side.NEW))
        learnt = await self._learnt_paths(exchange.operation, outcome.fingerprint)
        open_paths = {(found.general_path, found.kind) for found in outcome.differences}
        if not olds or all(self._is_steady(outcome.fingerprint, path) and path not in learnt for path in open_paths):
            return Doubted(outcome)
        reference = olds[-1]
        is_of_status = any(found.kind is DifferenceKind.STATUS for found in outcome.differences)

        def telling(answers: Sequence[Observation]) -> list[Observation]:
            """Where both sides said the same status, answers of another one tell nothing of what differed."""
            return [one for one in answers if is_of_status or one.status == reference.status]

        most = _MOST_WEIGHED if are_cut(outcome.differences) else MOST_OF_ONE_KIND
        weighed = await self._weighed(entry, outcome, reference, news[-1], most)
        if weighed is None:
            return Doubted(outcome)
        breath = await self._breath(exchange, _FIRST_BREATH)
        seen = await self._seen(entry, reference, telling(breath), most)
        unseen = open_paths - _paths_in(seen)
        if any(self._may_waver(outcome.fingerprint, path, learnt) for path in unseen):
            more = await self._breath(exchange, _LONG_BREATH)
            seen += await self._seen(entry, reference, telling(more), most)
        self._remember(outcome.fingerprint, open_paths, seen)
        if self._writes.were_lately(exchange.key):
            new_too = _paths_in(await self._seen(entry, news[-1], news[:-1])) if news else set()
            seen, learnt = _surely(seen, {path for path, _ in new_too}), frozenset()
        elif exchange.key is not None:  # old's answers over time tell too, where nobody wrote in between
            seen += await self._seen(entry, reference, telling(olds[:-1]), most)
        remaining = noise.judge(weighed, seen, learnt, entry.rules.in_old_terms, most)
        if not remaining:
            return Doubted(replace(outcome, kind=OutcomeKind.NOISE), tuple(breath))
        return Doubted(replace(outcome, differences=_cut(remaining)), tuple(breath))

    async def _breath(self, exchange: Exchange, times: int) -> list[Observation]:
        """Old's answers to so many questions at once; the lane lets no more through than old may have."""
        asked = await asyncio.gather(*(self._sides.ask(exchange, Side.OLD, again=True) for _ in range(times)))
        return [one.observation for one in asked if not one.observation.has_failed]

    async def _weighed(
        self, entry: Entry, outcome: Outcome, old: Observation, new: Observation, most: int
    ) -> tuple[Difference, ...] | None:
        """All differences, also those that the outcome has left out; ``None`` where there are too many to weigh."""
        if most == MOST_OF_ONE_KIND:
            return outcome.differences
        found = await self._judges.differences(entry, old, new, most)
        if found is None:
            return None
        return (*found, *(one for one in outcome.differences if one.general_path.startswith("ids.")))

    async def _seen(
        self, entry: Entry, reference: Observation, others: Sequence[Observation], most: int = MOST_OF_ONE_KIND
    ) -> list[tuple[Difference, ...]]:
        found = [await self._judges.differences(entry, reference, other, most) for other in others]
        return [one for one in found if one is not None]

    async def _learnt_paths(self, operation: str, fingerprint: str) -> frozenset[PathAndKind]:
        known = self._read.get((operation, fingerprint))
        if known is not None and known[0] > self._clock():
            return known[1]
        paths = noise.learnt_paths(await self._learnt(operation, fingerprint))
        self._read[operation, fingerprint] = (self._clock() + LEARNT_FOR_S, paths)
        self._read.move_to_end((operation, fingerprint))
        while len(self._read) > _MOST_KEPT:
            self._read.popitem(last=False)
        return paths

    def _is_steady(self, fingerprint: str, path: PathAndKind) -> bool:
        shown = self._shown.get((fingerprint, path))
        if shown is None or self._clock() - shown.since > _STEADY_FOR_S:
            return False
        return not shown.wavered and shown.answers >= _STEADY_AFTER

    def _may_waver(self, fingerprint: str, path: PathAndKind, learnt: frozenset[PathAndKind]) -> bool:
        """Whether old may waver here although a few answers did not show it."""
        shown = self._shown.get((fingerprint, path))
        return path in learnt or path[1] in _HALVES or (shown is not None and shown.wavered > 0)

    def _remember(self, fingerprint: str, open_paths: set[PathAndKind], seen: Sequence[Sequence[Difference]]) -> None:
        if not seen:
            return
        wavered = [{(found.general_path, found.kind) for found in one} for one in seen]
        for path in open_paths:
            shown = self._shown.get((fingerprint, path))
            if shown is None or self._clock() - shown.since > _STEADY_FOR_S:
                shown = self._shown[fingerprint, path] = _Shown(self._clock())
            self._shown.move_to_end((fingerprint, path))
            shown.answers += len(seen)
            shown.wavered += sum(path in one for one in wavered)
        while len(self._shown) > _MOST_KEPT:
            self._shown.popitem(last=False)


def are_cut(differences: Sequence[Difference]) -> bool:
    """Whether there may be more of one signature than are kept."""
    return any(count >= MOST_OF_ONE_KIND for count in Counter(one.signature for one in differences).values())


def _cut(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """As many of each signature as an exchange keeps."""
    counts: Counter[str] = Counter()
    kept: list[Difference] = []
    for one in differences:
        counts[one.signature] += 1
        if counts[one.signature] <= MOST_OF_ONE_KIND:
            kept.append(one)
    return tuple(kept)


def _paths_in(seen: Sequence[Sequence[Difference]]) -> set[PathAndKind]:
    return {(found.general_path, found.kind) for one in seen for found in one}


def _surely(seen: Sequence[Sequence[Difference]], new_too: set[str]) -> list[tuple[Difference, ...]]:
    """Without what a write may have changed.

    What is left are turns of order, values of which old had another one in each answer, and the paths (``new_too``) at
    which new wavers as well: a side that lost a write is steady there.
    """
    values: dict[tuple[str, DifferenceKind], set[str | None]] = {}
    for one in seen:
        for found in one:
            values.setdefault((found.path, found.kind), set()).add(found.new)
    always_new = {place for place, told in values.items() if len(told) == len(seen) > 1}
    return [
        tuple(
            found
            for found in one
            if found.kind in _HALVES or found.general_path in new_too or (found.path, found.kind) in always_new
        )
        for one in seen
    ]
