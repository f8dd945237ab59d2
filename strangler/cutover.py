"""The only code that changes a rollout.

Data flow: ``propose`` reads evidence and asks the gates; ``move`` writes the decision into the ledger, on the very head
it was based on; ``publish`` derives the rollouts from the ledger and swaps the file that engines watch. The ledger
comes first, so an engine never follows a decision that is not on record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from strangler import gates
from strangler.builds import builds_in_force
from strangler.decisions import Acceptance, Decisions
from strangler.errors import Refused, StoreError, UsageError
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
from strangler.holds import Hold, read_hold, reserve_hold, set_hold
from strangler.journal import AcceptedSignature, Journal, RuleUse
from strangler.ledger import Entry, EntryKind, Ledger
from strangler.people import OPERATORS, OURS, check_person, named
from strangler.plan.comparison import Compare
from strangler.plan.models import Operation, Plan
from strangler.plan.rule_paths import parse_path
from strangler.published import Published, read_published, write_published
from strangler.rollout import DENOMINATOR, Rollout, rollout_from, stage_for, steps_forward, thresholds
from strangler.stages import Effect, Stage, is_answered_by_new, path_of, position
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


class Cutover:
    """Rollouts of one programme: shown, proposed, moved, taken back, held. Thread-safe as its stores are.

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

    # What is in force

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
        self, operation: str, to: Rollout, who: str | None, builds: Builds | None = None
    ) -> tuple[Verdict, ...]:
        """What the gates of a move say; none where the move brings no key forward to ``live`` or beyond."""
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
        said.append(gates.gaps(evidence))
        if policy.approvals > 0:
            approvers = self._people("approver")
            said.append(gates.approvals(evidence, policy.approvals, str(to), who, approvers=approvers, now=now))
        said.append(gates.hold(f"{held.who}: {held.why}" if held and held.covers(operation) else None))
        return tuple(said)

    def propose(self, operation: str, to: Rollout, who: str | None, builds: Builds | None = None) -> Proposal:
        """What a move would be, and whether it may be made now. Changes nothing."""
        entry = self._operation(operation)
        self._decisions.sync()
        before = self._rollout(operation, entry)
        said = self.verdicts(operation, to, who, builds)
        reasons = [_sentence(verdict) for verdict in said if verdict.result is not Result.PASS]
        if steps_forward(before, to, entry.effect) > 1:
            reasons.insert(0, f"a move brings a key at most one stage forward; from {before} to {to} it is more")
        operators = self._people("operator")
        if who is not None and operators and who not in operators:
            reasons.append(f"{who} is no operator in the plan; operators are {', '.join(operators)}")
        return Proposal(operation, before, to, said, not reasons, tuple(reasons))

    def move(self, operation: str, to: Rollout, who: str, why: str, builds: Builds | None = None) -> Entry:
        """Make a move: into the ledger, then to the engines.

        Raises:
            Refused: a gate, or somebody else, was in the way; ``reasons`` says what. Nothing moved; the refusal, with
                what the gates said, is in the ledger.
            StoreError: the ledger or the engines' file cannot be written. What was decided before is published first,
                so that engines never lag behind the ledger because this move is refused.
        """
        seq = self.catch_up()
        proposal = self.propose(operation, to, who, builds)
        if proposal.before == to:
            raise Refused(f"{operation} is at {to} already")
        if not proposal.allowed:
            self.record_refusal(proposal, who, why, builds)
            raise Refused(f"{operation} stays at {proposal.before}: the move to {to} is refused", proposal.reasons)
        return self._decide(EntryKind.ROLLOUT, who, self._move_body(proposal, why, builds), expect_seq=seq)

    def record_refusal(self, proposal: Proposal, who: str, why: str, builds: Builds | None = None) -> Entry:
        """Put on record that somebody asked for a move which may not be made."""
        body = {**self._move_body(proposal, why, builds), "refused": list(proposal.reasons)}
        return self._ledger.append(EntryKind.REFUSAL, who, body, now=self._clock())

    def approve(self, operation: str, to: Rollout, who: str, why: str, builds: Builds | None = None) -> Entry:
        """Approve one rollout on the present evidence and under the present gates.

        It is void as soon as evidence, gates, or what is accepted in this operation, is another.

        Raises:
            Refused: the plan does not let this person approve, or there is no evidence to approve on.
        """
        entry = self._operation(operation)
        if who not in self._people("approver"):
            approvers = ", ".join(self._people("approver")) or "nobody"
            raise Refused(f"{who} may not approve: approvers in the plan are {approvers}")
        evidence = self.evidence(operation, builds)
        if brings_forward(self._rollout(operation, entry), to, entry.effect):
            verdict = gates.parity(evidence, entry.gates.parity, self._clock())
            if verdict.result in {Result.NO_DATA, Result.STALE}:
                raise Refused(f"there is no evidence that {operation} to {to} could be approved on", verdict.reasons)
        body = {
            "operation": operation,
            "to": str(to),
            "fingerprint": evidence.fingerprint,
            "stands_under": standing(entry, evidence.fingerprint),
            "why": why,
        }
        return self._ledger.append(EntryKind.APPROVAL, who, body, now=self._clock())

    def close_gap(self, gap_id: int, who: str, why: str) -> Entry:
        """Say that the rows of a gap are reconciled: on record first, then in the journal.

        Raises:
            UsageError: there is no such open gap, or no reason was given.
            Refused: the plan names operators, and this person is none.
            StoreError: a store cannot be written; the gap stays open.
        """
        gap = next((gap for gap in self._journal.gaps() if gap.id == gap_id), None)
        if gap is None:
            raise UsageError(f"there is no open gap {gap_id}")
        if len(why.strip()) < 3:
            raise UsageError("say how the rows were reconciled")
        check_person(self._plan.people, who, OPERATORS, "close gaps")
        now = self._clock()
        body = {"gap": gap.id, "operation": gap.operation, "writes": gap.count, "since": gap.at, "why": why}
        entry = self._ledger.append(EntryKind.GAP_CLOSED, who, body, now=now)
        self._journal.close_gap(gap.id, why, who, now)
        return entry

    # Back

    def rollback(
        self,
        operation: str,
        who: str,
        why: str,
        to: Stage | None = None,
        figures: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Take every key that is beyond a stage back to it, at once and without gates.

        Args:
            operation: the operation.
            who: who decides.
            why: the reason.
            to: the stage; the plan's, else ``shadow``, where not given.
            figures: what was seen, for the record.

        Raises:
            Refused: no key is beyond that stage (engines are given what is decided all the same), or the plan names
                people and this one is not among them.
            StoreError: the ledger or the engines' file cannot be written; ``hold`` still works.
        """
        entry = self._operation(operation)
        if not who.startswith(OURS):
            check_person(self._plan.people, who, (), "take an operation back")
        target = to or (entry.rollback.to if entry.rollback else Stage.SHADOW)
        seq = self.catch_up()
        before = self._rollout(operation, entry)
        after = taken_back(before, target, entry.effect)
        if after == before:
            raise Refused(f"{operation} is at {before}: no key is beyond {target}")
        body = {
            "operation": operation,
            "before": before.as_dict(),
            "after": after.as_dict(),
            "why": why,
            "figures": dict(figures or {}),
        }
        return self._decide(EntryKind.ROLLBACK, who, body, expect_seq=seq)

    def hold(self, operations: Sequence[str] | None, who: str, why: str) -> Entry | None:
        """Send operations (``None``: all) to old at once. The file first, so it works when the ledger is down.

        Returns:
            The ledger's entry, or ``None`` where the ledger could not be written: the hold is in force all the same.

        Raises:
            Refused: the plan names people, and this one is not among them.
        """
        check_person(self._plan.people, who, (), "hold operations")
        now = self._clock()
        held = set_hold(self._state, operations, who, why, now)
        body = {"operations": list(held.operations), "why": why}
        try:
            return self._ledger.append(EntryKind.HOLD, who, body, now=now)
        except StoreError:
            return None

    def release(self, who: str, why: str) -> Entry:
        """Lift the hold. On record first: while the ledger is down it stays.

        Raises:
            Refused: there is no hold, or the plan names people and this one is no operator.
        """
        check_person(self._plan.people, who, OPERATORS, "release a hold")
        held = self.hold_in_force()
        if held is None:
            raise Refused("there is no hold to release")
        body = {"operations": list(held.operations), "why": why}
        entry = self._ledger.append(EntryKind.RELEASE, who, body, now=self._clock())
        self._state.hold_file.unlink(missing_ok=True)
        return entry

    def publish(self) -> int:
        """Swap the file that engines watch, whole; the ledger's seq it stands for. Safe to repeat at every start.

        Raises:
            StoreError: the ledger cannot be read, or the file cannot be written.
        """
        with self._state.turn("publish"):
            seq = self._decisions.sync()
            shares = {
                name: self._rollout(name, operation).as_dict() for name, operation in self._plan.operations.items()
            }
            reserve_hold(self._state)
            write_published(self._state.rollouts_file, self._decisions.position(), shares)
        return seq

    def catch_up(self) -> int:
        """Publish where engines were given another entry than the ledger's last; that entry's seq. Cheap if not.

        Raises:
            StoreError: the ledger cannot be read, or the engines' file cannot be written.
        """
        seq = self._decisions.sync()
        return seq if self.published() == self._decisions.position() else self.publish()

    def _decide(self, kind: EntryKind, who: str, body: Mapping[str, Any], *, expect_seq: int) -> Entry:
        entry = self._ledger.append(kind, who, body, expect_seq=expect_seq, now=self._clock())
        self.publish()
        return entry

    def _move_body(self, proposal: Proposal, why: str, builds: Builds | None) -> dict[str, Any]:
        return {
            "operation": proposal.operation,
            "before": proposal.before.as_dict(),
            "after": proposal.after.as_dict(),
            "why": why,
            "entry": entry_digest(self._plan, proposal.operation),
            "fingerprint": self.evidence(proposal.operation, builds).fingerprint,
            "gates": [_verdict_body(verdict) for verdict in proposal.verdicts],
        }

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


def brings_forward(before: Rollout, after: Rollout, effect: Effect) -> bool:
    """Whether any key moves forward to a stage in which callers hear the new side."""
    first, second = thresholds(before), thresholds(after)
    edges = {0, *(limit for limit, _ in first), *(limit for limit, _ in second)}
    for edge in edges:
        if edge >= DENOMINATOR:
            continue
        now, then = stage_for(first, edge), stage_for(second, edge)
        if is_answered_by_new(then) and position(then, effect) > position(now, effect):
            return True
    return False


def taken_back(before: Rollout, to: Stage, effect: Effect) -> Rollout:
    """The rollout with every key that is beyond a stage brought back to it (or to the one before, if skipped)."""
    stages = path_of(effect)
    order = list(Stage)
    target = next(stage for stage in reversed(stages) if order.index(stage) <= order.index(to))
    shares: dict[str, Any] = {}
    for stage, share in before.shares:
        kept = min(stage, target, key=order.index)
        shares[kept.value] = shares.get(kept.value, 0) + share
    return rollout_from(shares, effect)


def _limits(compare: Compare, uses: Mapping[int, RuleUse]) -> tuple[RuleLimit, ...]:
    """How much the rules hid that may hide only so much."""
    return tuple(
        RuleLimit(f"rule {place + 1} ({rule.as_} at {rule.path})", rule.at_most, use.exchanges)
        for place, rule in enumerate(compare.rules)
        if rule.at_most is not None and (use := uses.get(place)) is not None
    )


def _sentence(verdict: Verdict) -> str:
    remedy = f"; needed: {verdict.remedy}" if verdict.remedy else ""
    return f"{verdict.gate}: {verdict.result}: {'; '.join(verdict.reasons)}{remedy}"


def _verdict_body(verdict: Verdict) -> dict[str, Any]:
    return {
        "gate": verdict.gate,
        "result": verdict.result.value,
        "value": verdict.value,
        "threshold": verdict.threshold,
        "reasons": list(verdict.reasons),
    }
