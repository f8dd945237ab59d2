"""What is in force, and what a move would be: everything that can be asked of a cutover without changing anything.

Data flow: the ledger's decisions and the journal's evidence come in, ``propose`` asks the gates, ``Cutover`` acts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from strangler import gates
from strangler.builds import builds_in_force
from strangler.custom_gates import ask
from strangler.decisions import Acceptance, Decisions
from strangler.errors import UsageError
from strangler.evidence import (
    Approval,
    Builds,
    Evidence,
    ParityEvidence,
    Result,
    RuleLimit,
    Verdict,
    entry_digest,
    fingerprint,
)
from strangler.exchange import digest
from strangler.gathering import with_added
from strangler.holds import Hold, read_hold
from strangler.journal import AcceptedSignature, Journal, RuleUse
from strangler.ledger import Ledger
from strangler.moves import brings_forward
from strangler.overrides import Overridden
from strangler.people import named
from strangler.plan.comparison import Compare
from strangler.plan.models import Operation, Plan
from strangler.plan.rule_paths import parse_path
from strangler.published import Published, read_published
from strangler.rollout import Rollout, rollout_from, steps_forward
from strangler.state import StateFolder


@dataclass(frozen=True, slots=True)
class Proposal:
    """A move somebody thinks of: from where to where, what the gates say, and whether it may be made.

    ``reasons`` are complete sentences for what stands against it.
    """

    operation: str
    before: Rollout
    after: Rollout
    verdicts: tuple[Verdict, ...]
    allowed: bool
    reasons: tuple[str, ...] = ()


class Proposals:
    """The readable half of ``Cutover``: rollouts, evidence, verdicts, proposals. Thread-safe as its stores are.

    Args:
        plan: the programme's plan.
        journal: where evidence is read.
        ledger: where decisions are kept.
        state: where rollouts and the hold are published.
        clock: seconds since the epoch.
    """

    def __init__(
        self, plan: Plan, journal: Journal, ledger: Ledger, state: StateFolder, clock: Callable[[], float]
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._ledger = ledger
        self._state = state
        self._clock = clock
        self._decisions = Decisions(ledger, self.published)
        self._noted: dict[str, Builds] = {}

    def rollouts(self) -> dict[str, Rollout]:
        """Every operation's rollout, as the ledger has it; everything off where nothing was decided."""
        self._decisions.sync()
        return {name: self._rollout(name, operation) for name, operation in self._plan.operations.items()}

    def published(self) -> Published | None:
        """What engines were given last; ``None`` where that is nothing that can be read."""
        return read_published(self._state.rollouts_file)

    def decided(self) -> int:
        """The seq of the last entry that changed a rollout: engines must have been given that one, or a later one."""
        self._decisions.sync()
        return self._decisions.moved_seq()

    def changed_at(self, operation: str) -> float:
        """When the operation's rollout last changed; 0 where it never did. Seconds since the epoch."""
        self._decisions.sync()
        return self._decisions.changed_at(operation)

    def accepted(self, operation: str) -> tuple[AcceptedSignature, ...]:
        """The signatures accepted for an operation; the journal applies their expiry and rate."""
        self._decisions.sync()
        return self._decisions.accepted(operation)

    def note_builds(self, operation: str, builds: Builds) -> None:
        """Say which builds run now, as a probe just told: evidence of any other is stale at once."""
        self._operation(operation)
        self._noted[operation] = builds

    def overridden(self, operation: str) -> tuple[Overridden, ...]:
        """Every move of it that was made although gates held, oldest first: shown for ever."""
        self._decisions.sync()
        return self._decisions.overridden(operation)

    def acceptances(self) -> tuple[Acceptance, ...]:
        """Every acceptance on record that was not rejected since."""
        self._decisions.sync()
        return self._decisions.acceptances()

    def builds(self, operation: str) -> Builds:
        """What runs on each side: as noted, else as last seen, else as the plan declares, else ``unknown``."""
        self._operation(operation)
        if operation in self._noted:
            return self._noted[operation]
        return builds_in_force(self._plan, operation, self._journal.last_builds(operation))

    def evidence(self, operation: str, builds: Builds | None = None) -> Evidence:
        """What gates may read of an operation, under the present plan entry and builds."""
        self._operation(operation)
        self._decisions.sync()
        entry = entry_digest(self._plan, operation)
        mark = fingerprint(entry, builds or self.builds(operation))
        return Evidence(
            operation=operation,
            fingerprint=mark,
            parity=self._parity(operation, mark),
            coverage=self._journal.coverage(operation, entry, mark),
            load=self._journal.load(operation, mark),
            approvals=self._standing(operation, mark),
            gaps=sum(gap.count for gap in self._journal.gaps(operation)),
        )

    def _parity(self, operation: str, mark: str) -> ParityEvidence:
        """What comparison told, with what people agreed to and what the plan calls minor laid over it."""
        entry = self._operation(operation)
        is_major = entry.gates.parity.severity == "major"
        minor = [parse_path(path) for path in entry.compare.minor] if is_major else []
        accepted = self._decisions.accepted(operation)
        seen = self._journal.parity(operation, mark, self._clock(), accepted, minor=minor)
        return replace(seen, rules=_limits(entry.compare, self._journal.rule_uses(operation, mark)))

    def hold_in_force(self) -> Hold | None:
        """The kill switch; ``None`` where it is off."""
        return read_hold(self._state.hold_file)

    # Forward

    def verdicts(
        self,
        operation: str,
        to: Rollout,
        who: str | None,
        builds: Builds | None = None,
        *,
        approved_as: Rollout | None = None,
    ) -> tuple[Verdict, ...]:
        """What the gates of a move say; none where the move brings no key forward to ``live`` or beyond.

        ``approved_as`` is the rollout that approvals must name: that of the move itself, or the end of its schedule.
        """
        entry = self._operation(operation)
        self._decisions.sync()
        if not brings_forward(self._rollout(operation, entry), to, entry.effect):
            return ()
        evidence, now, policy = self.evidence(operation, builds), self._clock(), entry.gates
        held = self.hold_in_force()
        said = [gates.parity(evidence, policy.parity, now)]
        if policy.coverage is not None:
            said.append(gates.coverage(evidence, policy.coverage))
        if policy.load is not None:
            said.append(gates.load(evidence, policy.load, self._plan.budgets[policy.load.budget], now))
        if policy.soak_h > 0:
            said.append(gates.soak(evidence, policy.soak_h, now))
        evidence = with_added(evidence, self._plan, self._journal, now)
        said.extend(gates.added(evidence, policy, now))
        taken_back_at = self._decisions.taken_back_at(operation)
        if taken_back_at is not None and entry.rollback is not None and entry.rollback.cool_down_s > 0:
            said.append(gates.cool_down(taken_back_at, entry.rollback.cool_down_s, now))
        said.append(gates.gaps(evidence))
        if policy.approvals > 0:
            approvers = self._people("approver")
            said.append(
                gates.approvals(evidence, policy.approvals, str(approved_as or to), who, approvers=approvers, now=now)
            )
        said.append(gates.hold(f"{held.who}: {held.why}" if held and held.covers(operation) else None))
        if approved_as is None or gates.may_move(said):  # the guard, which takes steps, must not wait for nothing
            said.extend(ask(policy.custom, evidence, to))
        return tuple(said)

    def propose(
        self,
        operation: str,
        to: Rollout,
        who: str | None,
        builds: Builds | None = None,
        *,
        approved_as: Rollout | None = None,
    ) -> Proposal:
        """What a move would be, and whether it may be made now. Changes nothing. Arguments as of ``verdicts``."""
        entry = self._operation(operation)
        self._decisions.sync()
        before = self._rollout(operation, entry)
        said = self.verdicts(operation, to, who, builds, approved_as=approved_as)
        reasons = [sentence(verdict) for verdict in said if verdict.result is not Result.PASS]
        if steps_forward(before, to, entry.effect) > 1:
            reasons.insert(0, f"a move brings a key at most one stage forward; from {before} to {to} it is more")
        operators = self._people("operator")
        if who is not None and operators and who not in operators:
            reasons.append(f"{who} is no operator in the plan; operators are {', '.join(operators)}")
        return Proposal(operation, before, to, said, not reasons, tuple(reasons))

    def _rollout(self, name: str, operation: Operation) -> Rollout:
        shares = self._decisions.shares(name)
        if shares is None:
            return Rollout()
        try:
            return rollout_from(shares, operation.effect)
        except ValueError:  # the plan changed its effect since: what was decided then is no decision now
            return Rollout()

    def _operation(self, name: str) -> Operation:
        try:
            return self._plan.operations[name]
        except KeyError:
            known = ", ".join(sorted(self._plan.operations))
            raise UsageError(f"the plan has no operation {name!r}; it has {known}") from None

    def _people(self, role: str) -> tuple[str, ...]:
        return named(self._plan.people, (role,))

    def _standing(self, operation: str, mark: str) -> tuple[Approval, ...]:
        """The approvals, as of the evidence's fingerprint where they were given under it and the present gates."""
        here = standing(self._plan.operations[operation], mark)
        given = self._decisions.approvals(operation)
        return tuple(replace(one, fingerprint=mark if one.fingerprint == here else "earlier") for one in given)


def standing(operation: Operation, mark: str) -> str:
    """What an approval stands under: the evidence's fingerprint, and the gates as the plan has them."""
    policy = operation.gates.model_dump_json(by_alias=True)
    return digest(mark.encode(), policy.encode())


def _limits(compare: Compare, uses: Mapping[int, RuleUse]) -> tuple[RuleLimit, ...]:
    """How much the rules hid that may hide only so much."""
    return tuple(
        RuleLimit(f"rule {place + 1} ({rule.as_} at {rule.path})", rule.at_most, use.exchanges)
        for place, rule in enumerate(compare.rules)
        if rule.at_most is not None and (use := uses.get(place)) is not None
    )


def sentence(verdict: Verdict) -> str:
    """A verdict as people read it."""
    remedy = f"; needed: {verdict.remedy}" if verdict.remedy else ""
    return f"{verdict.gate}: {verdict.result}: {'; '.join(verdict.reasons)}{remedy}"


def verdict_body(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the ledger keeps it."""
    return {
        "gate": verdict.gate,
        "result": verdict.result.value,
        "value": verdict.value,
        "threshold": verdict.threshold,
        "reasons": list(verdict.reasons),
    }
