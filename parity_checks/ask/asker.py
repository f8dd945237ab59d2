"""What happens to one claimed exchange: the other side is asked, and both answers are judged."""

from dataclasses import replace

from parity_checks.ask.client import Asked
from parity_checks.ask.effects import Consequent, Effects
from parity_checks.ask.entries import Entries
from parity_checks.ask.identities import Identities
from parity_checks.ask.judge import Entry
from parity_checks.ask.judges import Judges
from parity_checks.ask.sampling import Sampling
from parity_checks.ask.settling import Unsettled
from strangler.errors import UsageError
from strangler.exchange import Exchange, Failure, Judged, Observation, Outcome, OutcomeKind, Reason
from strangler.plan.addresses import asked_url
from strangler.stages import Effect, Side

_SENT_IN_VAIN = frozenset({Failure.TIMEOUT, Failure.RESET, Failure.PROTOCOL})
"""Failures after which the system may have done what it was asked; it was never sent to one that is unreachable."""

_GATEWAY_TIMEOUT = 504


class Asker:
    """Judges exchanges one by one."""

    def __init__(
        self, entries: Entries, sampling: Sampling, judges: Judges, identities: Identities, effects: Effects
    ) -> None:
        self._entries = entries
        self._identities = identities
        self._effects = effects
        self._sampling = sampling
        self._judges = judges

    async def judged(self, exchange: Exchange, *, was_claimed_before: bool) -> Judged | Unsettled | Consequent:
        """The exchange's outcome, with every observation made for it.

        A read's may have yet to settle, and of a write the effects may have yet to be read.
        """
        entry = self._entries.find(exchange.operation, exchange.entry)
        is_known = entry is not None
        if exchange.operation not in self._entries.plan.operations:
            detail = "the operation is no longer in the plan"
            unasked = await self._judges.unasked(exchange, Reason.NOT_ASKED, detail)
            return replace(unasked, gap=self.lack(exchange, detail))
        if entry is None:
            if exchange.effect is Effect.READ:
                return await self._judges.unasked(exchange, Reason.EXPIRED, "decided under a plan entry that is gone")
            entry = self._entries.in_force(exchange.operation)
        judged = await self._with_entry(exchange, entry, was_claimed_before=was_claimed_before)
        if is_known or isinstance(judged, Unsettled):
            return judged
        if isinstance(judged, Consequent):
            judged = judged.judged
        # The write has reached the other side, as it must; but nobody knows the rules it was decided under.
        expired = replace(judged.outcome, kind=OutcomeKind.NOT_COMPARED, reason=Reason.EXPIRED, differences=())
        return replace(judged, outcome=expired)

    def is_unrepeatable(self, exchange: Exchange) -> bool:
        """Whether asking must not happen twice: the old side has no guard against a repeated write."""
        return exchange.effect is Effect.WRITE and exchange.asked is Side.OLD

    async def _with_entry(
        self, exchange: Exchange, entry: Entry, *, was_claimed_before: bool
    ) -> Judged | Unsettled | Consequent:
        refusal = self._refusal(exchange, was_claimed_before=was_claimed_before)
        failed = exchange.fell_back or (exchange.answer if exchange.answer.has_failed else None)
        if failed is not None and failed.side is Side.NEW:
            judge = await self._judges.judge(exchange, entry, failed)
            gap = self.lack(exchange, f"the new side answered {_told(failed)}")
            return Judged(exchange.id, judge.new_failed(failed), gap=gap)
        if refusal is not None:
            judge = await self._judges.judge(exchange, entry, exchange.answer)
            return Judged(exchange.id, judge.not_compared(*refusal), gap=self.lack(exchange, refusal[1]))
        side = exchange.asked or exchange.answer.side.other
        drawn = await self._sampling.ask(exchange, entry, side)
        seen = drawn.asked.observation
        gap = "" if seen.has_succeeded else self.lack(exchange, f"the {side} side answered {_told(seen)}")
        learnt = await self._identities.learn(exchange, seen)  # first: the comparison may ask for these ids
        outcome = learnt.joined(await self._outcome(exchange, entry, drawn.asked), drawn.asked.note)
        if outcome.kind is OutcomeKind.MISMATCH and exchange.effect is Effect.READ:
            return Unsettled(exchange, entry, outcome, drawn)
        judged = Judged(exchange.id, outcome, drawn.observations, gap, drawn.sample)
        return self._effects.after(exchange, judged, seen)

    async def _outcome(self, exchange: Exchange, entry: Entry, asked: Asked) -> Outcome:
        """What comes of the asked side's first answer."""
        if asked.observation.failure and self.is_unrepeatable(exchange) and asked.was_sent:
            judge = await self._judges.judge(exchange, entry, exchange.answer)
            return judge.not_compared(Reason.WRITE_UNCERTAIN, f"{asked.observation.failure} after it was sent")
        if exchange.not_compared is not None:  # a write is asked all the same: the other side must have it
            judge = await self._judges.judge(exchange, entry, exchange.answer, asked.observation)
            return judge.not_compared(exchange.not_compared, "as the engine said")
        return await self._judges.compared(exchange, entry, exchange.answer, asked.observation)

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


def _may_have_done_it(answer: Observation) -> bool:
    """Whether a write was sent and its fate is unknown: nothing readable came back, or a gateway waited in vain."""
    return answer.failure in _SENT_IN_VAIN or (answer.failure is None and answer.status == _GATEWAY_TIMEOUT)


def _told(seen: Observation) -> str:
    return (
        seen.failure.value
        if seen.failure
        else f"status {seen.status}" + (" with a fault" if seen.status == 200 else "")
    )
