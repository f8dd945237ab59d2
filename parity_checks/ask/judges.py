"""Judges for exchanges: under the right plan entry, and the builds that answered."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from parity_checks.ask.entries import Entries
from parity_checks.ask.identities import Identities
from parity_checks.ask.judge import Entry, Judge, differences, input_of
from parity_checks.compare.findings import MOST_OF_ONE_KIND
from parity_checks.rules.compiled import CompiledRules
from strangler.builds import UNKNOWN, builds_in_force
from strangler.evidence import Builds
from strangler.exchange import Difference, Exchange, Judged, Observation, Outcome, Reason
from strangler.stages import Side

LastBuilds = Callable[[str], Awaitable[Mapping[Side, str]]]
"""The build last seen on each side of an operation, from the journal."""

_LARGE_BODY = 65_536
"""Bodies from this size on are compared in a thread, so that the others do not wait."""


class Judges:
    """Judges exchanges; holds no state but the builds last seen."""

    def __init__(self, entries: Entries, last_builds: LastBuilds, identities: Identities) -> None:
        self._entries = entries
        self._identities = identities
        self._last_builds = last_builds
        self._builds: dict[tuple[str, Side], str] = {}

    def saw(self, operation: str, *seen: Observation) -> None:
        """Remember the builds that answered."""
        for one in seen:
            if one.build is not None:
                self._builds[operation, one.side] = one.build

    async def compared(
        self, exchange: Exchange, entry: Entry, one: Observation, other: Observation, *, ids_of: str | None = None
    ) -> Outcome:
        """The outcome of two observations, one of each side; ``ids_of`` is the operation whose ids hold, if another."""
        old, new = (one, other) if one.side is Side.OLD else (other, one)
        judge = await self.judge(exchange, entry, old, new)

        async def compared(rules: CompiledRules) -> Outcome:
            knowing = judge if rules is entry.rules else replace(judge, entry=replace(judge.entry, rules=rules))
            if rules.functions:  # they wait for pipes
                threads = self._entries.functions.threads
                return await asyncio.get_running_loop().run_in_executor(threads, knowing.judge, old, new)
            if _is_long(old, new):
                return await asyncio.to_thread(knowing.judge, old, new)
            return knowing.judge(old, new)

        return await self._identities.recalling(ids_of or exchange.operation, entry.rules, compared)

    async def differences(
        self, entry: Entry, one: Observation, other: Observation, most: int = MOST_OF_ONE_KIND
    ) -> tuple[Difference, ...] | None:
        """Where two answers differ, of two sides (old first) or of one; ``None`` where they cannot be compared.

        At most ``most`` of one signature; where more than usual are asked for, ``None`` too if those are not all.
        """

        async def compared(rules: CompiledRules) -> tuple[Difference, ...] | None:
            knowing = replace(entry, rules=rules)
            if rules.functions:
                threads = self._entries.functions.threads
                return await asyncio.get_running_loop().run_in_executor(threads, differences, knowing, one, other, most)
            if _is_long(one, other):
                return await asyncio.to_thread(differences, knowing, one, other, most)
            return differences(knowing, one, other, most)

        return await self._identities.recalling(entry.operation, entry.rules, compared)

    async def judge(self, exchange: Exchange, entry: Entry, *seen: Observation) -> Judge:
        """The judge under the entry's own digest, or the exchange's where the entry is another one."""
        entry = entry if entry.digest == exchange.entry else replace(entry, digest=exchange.entry)
        builds = await self._builds_of(exchange.operation, *seen, exchange.answer)
        return Judge(entry, builds, input_of(exchange, entry.ignoring))

    async def unasked(self, exchange: Exchange, reason: Reason, detail: str) -> Judged:
        """Not compared, for nobody knows its entry."""
        nothing = Entry(exchange.operation, exchange.entry, *[self._entries.no_rules] * 3)
        judge = await self.judge(exchange, nothing, exchange.answer)
        return Judged(exchange.id, judge.not_compared(reason, detail))

    async def _builds_of(self, operation: str, *seen: Observation) -> Builds:
        """The builds that answered; for a side whose answer names none, the one last seen there."""
        found: dict[Side, str] = {}
        for observation in seen:
            if observation.build:
                found.setdefault(observation.side, observation.build)
                self._builds[operation, observation.side] = found[observation.side]
        for side in Side:
            if side not in found:
                found[side] = await self._last_build(operation, side)
        return Builds(found[Side.OLD], found[Side.NEW])

    async def _last_build(self, operation: str, side: Side) -> str:
        known = self._builds.get((operation, side))
        if known is None:
            seen = await self._last_builds(operation)
            if operation not in self._entries.plan.operations:
                return seen.get(side, UNKNOWN)
            builds = builds_in_force(self._entries.plan, operation, seen)
            known = builds.old if side is Side.OLD else builds.new
        return known


def _is_long(one: Observation, other: Observation) -> bool:
    return len(one.body or b"") + len(other.body or b"") > _LARGE_BODY
