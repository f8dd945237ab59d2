"""What happens to one claimed exchange: the other side is asked, both answers are judged, a mismatch may settle."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from parity_checks.ask.client import Asked, Asking
from parity_checks.ask.entries import Entries
from parity_checks.ask.judge import Entry, Judge, input_of
from parity_checks.ask.lanes import Lanes
from strangler.builds import UNKNOWN, BuildSource, build_source, builds_in_force
from strangler.errors import UsageError
from strangler.evidence import Builds
from strangler.exchange import Exchange, Failure, Headers, Judged, Observation, Outcome, OutcomeKind, Reason
from strangler.plan.addresses import asked_url, base_url, needs_gateway, target_of
from strangler.plan.models import System, Target
from strangler.stages import Effect, Side

EXCHANGE_HEADER = "x-strangler-exchange"
ROLE_HEADER = "x-strangler-role"
"""Says ``asked``: the caller hears another side, so this one must not write to citizens about it."""

_LARGE_BODY = 65_536
"""Bodies from this size on are compared in a thread, so that the others do not wait."""

_WRITE_AGAIN = frozenset({Failure.UNREACHABLE, Failure.RESET, Failure.TIMEOUT})

_SENT_IN_VAIN = frozenset({Failure.TIMEOUT, Failure.RESET, Failure.PROTOCOL})
"""Failures after which the system may have done what it was asked; it was never sent to one that is unreachable."""

_GATEWAY_TIMEOUT = 504

_LastBuilds = Callable[[str], Awaitable[Mapping[Side, str]]]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A read on which the sides disagree so far: a defect, or a race that goes away."""

    exchange: Exchange
    entry: Entry
    outcome: Outcome
    asked: Observation


class Asker:
    """Judges exchanges one by one; holds no state but the builds last seen and what rules have hidden."""

    def __init__(self, entries: Entries, lanes: Lanes, last_builds: _LastBuilds) -> None:
        self._entries = entries
        self._lanes = lanes
        self._last_builds = last_builds
        self._builds: dict[tuple[str, Side], str] = {}
        self.hidden: dict[str, list[int]] = {}
        """By operation, how many differences each rule has hidden since this worker started."""

    async def judged(self, exchange: Exchange, *, was_claimed_before: bool) -> Judged | Unsettled:
        """The exchange's outcome, with every observation made for it; of a read it may have yet to settle."""
        entry = self._entries.find(exchange.operation, exchange.entry)
        is_known = entry is not None
        if exchange.operation not in self._entries.plan.operations:
            detail = "the operation is no longer in the plan"
            unasked = await self._unasked(exchange, Reason.NOT_ASKED, detail)
            return replace(unasked, gap=self.lack(exchange, detail))
        if entry is None:
            if exchange.effect is Effect.READ:
                return await self._unasked(exchange, Reason.EXPIRED, "decided under a plan entry that is gone")
            entry = self._entries.in_force(exchange.operation)
        judged = await self._with_entry(exchange, entry, was_claimed_before=was_claimed_before)
        if is_known or isinstance(judged, Unsettled):
            return judged
        # The write has reached the other side, as it must; but nobody knows the rules it was decided under.
        expired = replace(judged.outcome, kind=OutcomeKind.NOT_COMPARED, reason=Reason.EXPIRED, differences=())
        return replace(judged, outcome=expired)

    def is_unrepeatable(self, exchange: Exchange) -> bool:
        """Whether asking must not happen twice: the old side has no guard against a repeated write."""
        return exchange.effect is Effect.WRITE and exchange.asked is Side.OLD

    async def _with_entry(self, exchange: Exchange, entry: Entry, *, was_claimed_before: bool) -> Judged | Unsettled:
        refusal = self._refusal(exchange, was_claimed_before=was_claimed_before)
        failed = exchange.fell_back or (exchange.answer if exchange.answer.has_failed else None)
        if failed is not None and failed.side is Side.NEW:
            judge = await self._judge(exchange, entry, failed)
            gap = self.lack(exchange, f"the new side answered {_told(failed)}")
            return Judged(exchange.id, judge.new_failed(failed), gap=gap)
        if refusal is not None:
            judge = await self._judge(exchange, entry, exchange.answer)
            return Judged(exchange.id, judge.not_compared(*refusal), gap=self.lack(exchange, refusal[1]))
        side = exchange.asked or exchange.answer.side.other
        asked = await self._ask(exchange, side)
        seen = asked.observation
        gap = "" if seen.has_succeeded else self.lack(exchange, f"the {side} side answered {_told(seen)}")
        outcome = await self._outcome(exchange, entry, asked)
        if outcome.kind is OutcomeKind.MISMATCH and exchange.effect is Effect.READ:
            return Unsettled(exchange, entry, outcome, seen)
        return Judged(exchange.id, outcome, (seen,), gap)

    async def _outcome(self, exchange: Exchange, entry: Entry, asked: Asked) -> Outcome:
        """What comes of the asked side's first answer."""
        if asked.observation.failure and self.is_unrepeatable(exchange) and asked.was_sent:
            judge = await self._judge(exchange, entry, exchange.answer)
            return judge.not_compared(Reason.WRITE_UNCERTAIN, f"{asked.observation.failure} after it was sent")
        if exchange.not_compared is not None:  # a write is asked all the same: the other side must have it
            judge = await self._judge(exchange, entry, exchange.answer, asked.observation)
            return judge.not_compared(exchange.not_compared, "as the engine said")
        return await self._compared(exchange, entry, exchange.answer, asked.observation)

    def lack(self, exchange: Exchange, why: str) -> str:
        """Why the asked side lacks this exchange's write; empty where it was never to have it.

        Only a write that took effect on the answering side is owed to the other one, and only by the policy ``dual``:
        a sandbox holds copies. Where the answering side got the write and nobody heard what became of it, it may have
        taken effect: that is for people to look up.
        """
        is_uncertain = _may_have_done_it(exchange.answer)
        is_owed = exchange.answer.has_succeeded or is_uncertain
        if exchange.effect is not Effect.WRITE or exchange.asked is None or not is_owed:
            return ""
        operation = self._entries.plan.operations.get(exchange.operation)
        if operation is not None and (operation.writes is None or operation.writes.policy != "dual"):
            return ""
        if is_uncertain:
            why = f"the answering side may have done it: {_told(exchange.answer)} after it was sent"
        return f"exchange {exchange.id}: {why}"

    def _refusal(  # noqa: PLR0911  one line per reason
        self, exchange: Exchange, *, was_claimed_before: bool
    ) -> tuple[Reason, str] | None:
        """Why the other side is not asked, if it is not."""
        if exchange.asked is None:
            return Reason.NOT_ASKED, "the stage asks nobody"
        if exchange.not_compared is not None and exchange.effect is Effect.READ:
            return exchange.not_compared, "as the engine said"
        if exchange.answer.has_failed:
            return Reason.OLD_FAILED, "the old side failed its caller"
        if exchange.request.body is None:
            return Reason.TOO_LARGE, "the request body was not captured"
        if exchange.effect is Effect.WRITE and not exchange.answer.has_succeeded:
            return Reason.NOT_ASKED, "the answering side refused the write"
        if self.is_unrepeatable(exchange) and was_claimed_before:
            return Reason.WRITE_UNCERTAIN, "a worker died with it; it may have been sent"
        try:
            if asked_url(self._entries.plan, exchange.operation, exchange.asked) is None:
                return Reason.NOT_ASKED, "the plan's write policy asks nobody"
        except UsageError as error:
            return Reason.NOT_ASKED, str(error)
        return None

    async def _ask(self, exchange: Exchange, side: Side, *, again: bool = False) -> Asked:
        plan = self._entries.plan
        find = base_url if again else asked_url
        url = find(plan, exchange.operation, side) or ""
        name, system = self._system(exchange, side)
        is_unrepeatable = exchange.effect is Effect.WRITE and side is Side.OLD
        extra = self._extra(exchange, side)
        asking = Asking(side, name, url, exchange.request, extra, is_unrepeatable, self._source(exchange, side, name))
        # A read goes out a second time, because a pooled connection may just have been closed by the other end;
        # a write must reach the other side, so that it is tried longer, and after a timeout too.
        tries = 2
        if exchange.effect is Effect.WRITE:
            tries, asking = 3, replace(asking, tried_again_after=_WRITE_AGAIN)
        asked = await self._lanes.ask(asking, system, tries=tries)
        if asked.observation.build is not None:
            self._builds[exchange.operation, side] = asked.observation.build
        return asked

    def _source(self, exchange: Exchange, side: Side, system: str) -> BuildSource:
        """Where the asked system tells its build."""
        target = target_of(self._entries.plan.operations[exchange.operation], side)
        return build_source(self._entries.plan, target if target.system == system else Target(system=system))

    def _system(self, exchange: Exchange, side: Side) -> tuple[str, System]:
        writes = self._entries.plan.operations[exchange.operation].writes
        if side is Side.NEW and exchange.effect is Effect.WRITE and writes and writes.policy == "sandbox":
            name = writes.sandbox or ""
            return name, self._entries.plan.systems[name]
        return self._entries.system(exchange.operation, side)

    def _extra(self, exchange: Exchange, side: Side) -> Headers:
        """What is said beside the caller's own fields; a raw old system hears nothing of ours."""
        plan = self._entries.plan
        operation = plan.operations[exchange.operation]
        extra: list[tuple[str, str]] = []
        if side is Side.NEW or needs_gateway(plan, target_of(operation, side)):
            extra += [(EXCHANGE_HEADER, exchange.id), (ROLE_HEADER, "asked")]
        header = operation.writes.idempotency_header if operation.writes else None
        if header and side is Side.NEW and exchange.effect is Effect.WRITE and exchange.request.header(header) is None:
            extra.append((header, exchange.id))
        return tuple(extra)

    async def settled(self, unsettled: Unsettled) -> Judged:
        """Ask both sides again: what goes away was a race, what stays is a mismatch.

        Later exchanges of the same key must go on meanwhile: the write that was raced may be one of them.
        """
        exchange, entry, outcome = unsettled.exchange, unsettled.entry, unsettled.outcome
        settle = self._entries.plan.operations[exchange.operation].compare.settle
        observations = [unsettled.asked]
        for attempt in range(1, settle.attempts + 1):
            await asyncio.sleep(settle.after_s)
            old, new = await asyncio.gather(
                self._ask(exchange, Side.OLD, again=True), self._ask(exchange, Side.NEW, again=True)
            )
            observations += [old.observation, new.observation]
            if old.observation.has_failed or new.observation.has_failed:
                continue
            again = await self._compared(exchange, entry, old.observation, new.observation)
            if again.kind is OutcomeKind.MATCH:
                return Judged(exchange.id, replace(again, settled=attempt), tuple(observations))
            if again.kind is OutcomeKind.MISMATCH:
                outcome = again
        return Judged(exchange.id, outcome, tuple(observations))

    async def _compared(self, exchange: Exchange, entry: Entry, one: Observation, other: Observation) -> Outcome:
        old, new = (one, other) if one.side is Side.OLD else (other, one)
        judge = await self._judge(exchange, entry, old, new)
        if len(old.body or b"") + len(new.body or b"") > _LARGE_BODY:
            outcome, hidden = await asyncio.to_thread(judge.judge, old, new)
        else:
            outcome, hidden = judge.judge(old, new)
        counts = self.hidden.setdefault(exchange.operation, [0] * len(entry.rules.rules))
        if len(counts) == len(hidden):
            self.hidden[exchange.operation] = [before + now for before, now in zip(counts, hidden, strict=True)]
        return outcome

    async def _judge(self, exchange: Exchange, entry: Entry, *seen: Observation) -> Judge:
        """The judge under the entry's own digest, or the exchange's where the entry is another one."""
        entry = entry if entry.digest == exchange.entry else replace(entry, digest=exchange.entry)
        builds = await self._builds_of(exchange.operation, *seen, exchange.answer)
        return Judge(entry, builds, input_of(exchange, entry.ignoring))

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

    async def _unasked(self, exchange: Exchange, reason: Reason, detail: str) -> Judged:
        nothing = Entry(exchange.operation, exchange.entry, self._entries.no_rules, self._entries.no_rules)
        judge = await self._judge(exchange, nothing, exchange.answer)
        return Judged(exchange.id, judge.not_compared(reason, detail))


def _may_have_done_it(answer: Observation) -> bool:
    """Whether a write was sent and its fate is unknown: nothing readable came back, or a gateway waited in vain."""
    return answer.failure in _SENT_IN_VAIN or (answer.failure is None and answer.status == _GATEWAY_TIMEOUT)


def _told(seen: Observation) -> str:
    return (
        seen.failure.value
        if seen.failure
        else f"status {seen.status}" + (" with a fault" if seen.status == 200 else "")
    )
