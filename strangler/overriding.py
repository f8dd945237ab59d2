"""Asking for a move although gates hold, and confirming it: two people, on record, on the very same evidence.

Data flow: an operator's ``ask_override`` and an approver's ``confirm_override`` are entries of the ledger; ``grant``
weighs them against what the gates say now, and ``Cutover.move`` makes the move that it lets through.
"""

from typing import Any

from strangler.errors import Refused, UsageError
from strangler.evidence import Builds
from strangler.ledger import Entry, EntryKind
from strangler.overrides import Ask, beyond_override, confirmers, gone_stale, held_back, is_same_person, missing
from strangler.people import OPERATORS, check_person
from strangler.proposals import Proposal, Proposals, standing, verdict_body
from strangler.rollout import Rollout


class Overriding(Proposals):
    """Proposals that people may decide against a gate."""

    def asked_override(self, operation: str, to: Rollout, builds: Builds | None = None) -> Ask | None:
        """What somebody asked for last, where it still stands; ``None`` otherwise."""
        proposal = self.propose(operation, to, None, builds)
        ask = self._decisions.ask(operation, str(to))
        if ask is None or gone_stale(ask, proposal.verdicts, self._mark(operation, builds), self._clock()):
            return None
        return ask

    def ask_override(self, operation: str, to: Rollout, who: str, why: str, builds: Builds | None = None) -> Entry:
        """Ask for a move although gates hold. Moves nothing; each further ask wants confirmations of its own.

        Raises:
            Refused: the plan names no operator, or another one; no gate holds; or one does that nobody may set aside.
            UsageError: no reason was given.
        """
        _check_reason(why)
        self._check_operator(who)
        proposal = self.propose(operation, to, who, builds)
        held = held_back(proposal.verdicts)
        if not held:
            raise Refused("no gate holds that could be overridden", proposal.reasons)
        against = [*_beside_gates(proposal), *beyond_override(proposal.verdicts)]
        if against:
            raise Refused(f"the move of {operation} to {to} cannot be overridden", tuple(against))
        body = {
            "operation": operation,
            "before": proposal.before.as_dict(),
            "to": str(to),
            "why": why,
            "overrides": held,
            "gates": [verdict_body(verdict) for verdict in proposal.verdicts],
            "fingerprint": self.evidence(operation, builds).fingerprint,
            "stands_under": self._mark(operation, builds),
        }
        return self._ledger.append(EntryKind.OVERRIDE, who, body, now=self._clock())

    def confirm_override(self, operation: str, to: Rollout, who: str, why: str, builds: Builds | None = None) -> Entry:
        """Agree to what somebody else asked for. Moves nothing: who asked moves.

        Raises:
            Refused: this person is no approver in the plan, or asked for it; or nothing was asked that still stands.
            UsageError: no reason was given.
        """
        _check_reason(why)
        approvers = self._people("approver")
        if who not in approvers:
            raise Refused(f"{who} may not confirm: approvers in the plan are {', '.join(approvers) or 'nobody'}")
        proposal = self.propose(operation, to, None, builds)
        ask, mark = self._decisions.ask(operation, str(to)), self._mark(operation, builds)
        if ask is None:
            raise Refused(f"nobody asked for an override of {operation} to {to}")
        lacks = [*gone_stale(ask, proposal.verdicts, mark, self._clock()), *beyond_override(proposal.verdicts)]
        if is_same_person(ask.who, who):
            lacks.append(f"{ask.who} asked for it: somebody else must confirm")
        if lacks:
            raise Refused(f"the override of {operation} to {to} cannot be confirmed", tuple(lacks))
        body = {
            "operation": operation,
            "to": str(to),
            "ask": ask.seq,
            "why": why,
            "gates": [verdict_body(verdict) for verdict in proposal.verdicts],
            "stands_under": mark,
        }
        return self._ledger.append(EntryKind.CONFIRMATION, who, body, now=self._clock())

    def lacks_of_override(self, proposal: Proposal, who: str, builds: Builds | None = None) -> tuple[str, ...]:
        """What a move by override still lacks, as sentences; empty where it may be made."""
        operation, to = proposal.operation, str(proposal.after)
        ask = self._decisions.ask(operation, to)
        lacks = missing(
            ask,
            self._decisions.confirmations(ask.seq) if ask else (),
            proposal.verdicts,
            who=who,
            approvers=self._people("approver"),
            needed=self._operation(operation).gates.approvals,
            mark=self._mark(operation, builds),
            now=self._clock(),
        )
        return (*_beside_gates(proposal), *lacks)

    def grant(self, proposal: Proposal, who: str, builds: Builds | None = None) -> dict[str, Any]:
        """What the ledger keeps of an override in the move that it lets through.

        Raises:
            Refused: it lets nothing through; ``reasons`` says what it lacks.
        """
        self._check_operator(who)
        ask = self._decisions.ask(proposal.operation, str(proposal.after))
        lacks = self.lacks_of_override(proposal, who, builds)
        if lacks or ask is None:
            told = f"{proposal.operation} stays at {proposal.before}: the override to {proposal.after} is not granted"
            raise Refused(told, lacks)
        given = self._decisions.confirmations(ask.seq)
        agreed = confirmers(ask, given, self._people("approver"), self._mark(proposal.operation, builds)).values()
        held = held_back(proposal.verdicts)
        return {
            "ask": ask.seq,
            "asked_by": ask.who,
            "why": ask.why,
            "confirmed_by": [{"who": one.who, "why": one.why, "entry": one.seq} for one in agreed],
            "gates": [verdict_body(verdict) for verdict in proposal.verdicts if verdict.gate in held],
        }

    def _check_operator(self, who: str) -> None:
        if not self._people("operator"):
            raise Refused("nothing can be overridden: the plan names no operator")
        check_person(self._plan.people, who, OPERATORS, "override a gate")

    def _mark(self, operation: str, builds: Builds | None) -> str:
        return standing(self._operation(operation), self.evidence(operation, builds).fingerprint)


def _beside_gates(proposal: Proposal) -> tuple[str, ...]:
    """What stands against the move and is no gate: nobody overrides that."""
    gates = tuple(f"{verdict.gate}: " for verdict in proposal.verdicts)
    return tuple(reason for reason in proposal.reasons if not reason.startswith(gates))


def _check_reason(why: str) -> None:
    if len(why.strip()) < 3:
        raise UsageError("an override needs a reason: say --why '...'")
