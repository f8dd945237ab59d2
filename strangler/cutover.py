"""The only code that changes a rollout.

Data flow: ``propose`` reads evidence and asks the gates; ``move`` writes the decision into the ledger, on the very head
it was based on; ``publish`` derives the rollouts from the ledger and swaps the file that engines watch. The ledger
comes first, so an engine never follows a decision that is not on record.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from strangler import gates
from strangler.errors import Refused, StoreError, UsageError
from strangler.evidence import Builds, Result, entry_digest
from strangler.holds import reserve_hold, set_hold
from strangler.journal import Journal
from strangler.ledger import Entry, EntryKind, Ledger
from strangler.moves import brings_forward, taken_back
from strangler.overrides import REPLACED
from strangler.people import GUARD, OPERATORS, OURS, check_person
from strangler.plan.models import Plan
from strangler.proposals import Proposal, sentence, standing, verdict_body
from strangler.published import write_published
from strangler.rollout import Rollout, rollout_from
from strangler.schedules import Schedule
from strangler.scheduling import Scheduling
from strangler.stages import Stage, path_of
from strangler.state import StateFolder

__all__ = ["Cutover", "Proposal"]


LOOK_AGAIN_S = 2.0
"""How long a scheduled step that gates hold is left alone."""


class Cutover(Scheduling):
    """Rollouts of one programme: shown, proposed, moved, taken back, held. Thread-safe as its stores are."""

    def __init__(
        self, plan: Plan, journal: Journal, ledger: Ledger, state: StateFolder, clock: Callable[[], float]
    ) -> None:
        super().__init__(plan, journal, ledger, state, clock)
        self._looked: dict[int, float] = {}

    # Forward

    def move(
        self, operation: str, to: Rollout, who: str, why: str, builds: Builds | None = None, *, override: bool = False
    ) -> Entry:
        """Make a move: into the ledger, then to the engines.

        With ``override`` also where gates hold, if this person asked for that and enough others confirmed it.

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
        body = self._move_body(proposal, why, builds)
        if not proposal.allowed and override:
            body["override"] = self._granted(proposal, who, why, builds)
        elif not proposal.allowed:
            self.record_refusal(proposal, who, why, builds)
            raise Refused(f"{operation} stays at {proposal.before}: the move to {to} is refused", proposal.reasons)
        return self._decide(EntryKind.ROLLOUT, who, body, expect_seq=seq)

    def _granted(self, proposal: Proposal, who: str, why: str, builds: Builds | None) -> dict[str, Any]:
        try:
            return self.grant(proposal, who, builds)
        except Refused as refused:
            self.record_refusal(replace(proposal, reasons=refused.reasons or (str(refused),)), who, why, builds)
            raise

    def take_steps(self) -> list[Entry]:
        """Take each scheduled step that is due and that every gate lets through; what went on record.

        Each is decided on the very head of the ledger at which it was the next one: so it is taken once, whoever else
        takes steps, and however often a guard dies and starts again. A step that gates hold is looked at again every
        few seconds; one that they hold for longer than the schedule's patience ends it, as a hold does.

        Raises:
            StoreError: a store is not there. Nothing was lost: the ledger knows where each schedule stands.
        """
        made: list[Entry] = []
        seq = self.catch_up()
        for schedule in self._decisions.schedules():
            if schedule.operation not in self._plan.operations:
                continue
            try:
                entry = self._take_step(schedule, seq)
            except Refused:  # somebody else decided first: the next look sees what
                return made
            if entry is not None:
                made.append(entry)
                seq = self.catch_up()
        return made

    def _take_step(self, schedule: Schedule, seq: int) -> Entry | None:
        now, held = self._clock(), self.hold_in_force()
        if held is not None and held.covers(schedule.operation):
            return self._end(schedule, GUARD, f"held by {held.who}: {held.why}", seq)
        looked = self._looked.get(schedule.seq, -math.inf)
        if now < schedule.due_at or looked <= now < looked + LOOK_AGAIN_S:
            return None
        self._looked[schedule.seq] = now
        try:
            proposal = self.propose_step(schedule)
        except ValueError as error:
            return self._end(schedule, GUARD, f"stalled: {error}", seq)
        if proposal.allowed:
            del self._looked[schedule.seq]
            step = {"entry": schedule.seq, "step": schedule.taken, "of": len(schedule.steps), "asked_by": schedule.who}
            body = {**self._move_body(proposal, schedule.why, None), "schedule": step}
            return self._decide(EntryKind.ROLLOUT, GUARD, body, expect_seq=seq)
        if now - schedule.due_at > schedule.patience_s:
            return self._end(schedule, GUARD, f"stalled: {'; '.join(proposal.reasons)}", seq)
        return None

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

    def propose_again(self, operation: str, to: Rollout, who: str, builds: Builds | None = None) -> Proposal:
        """Whether an operation that is, or just was, at this rollout may come forward to it once more.

        Every gate is asked but approvals: this very rollout was approved, and in force.
        """
        entry = self._operation(operation)
        furthest = rollout_from({path_of(entry.effect)[-1].value: 100}, entry.effect)
        said = tuple(one for one in self.verdicts(operation, furthest, who, builds) if one.gate != REPLACED)
        reasons = tuple(sentence(one) for one in said if one.result is not Result.PASS)
        if not said:
            reasons = (f"it is at {to}, the last stage: no gate can be asked whether it may come forward again",)
        return Proposal(operation, self.rollouts()[operation], to, said, not reasons, reasons)

    def come_forward_again(
        self, operation: str, to: Rollout, who: str, back: Entry, builds: Builds | None = None
    ) -> Entry:
        """After a rehearsed rollback: the rollout from before it, if nothing was decided since and no gate holds.

        Args:
            operation: the operation.
            to: its rollout before.
            who: who rehearses.
            back: the rollback's entry; it must be the ledger's last, by ``who``, and have left from ``to``.
            builds: what runs on each side.

        Raises:
            Refused: a gate, or somebody else, is in the way; the operation stays back.
            StoreError: a store is not there.
        """
        if back.kind is not EntryKind.ROLLBACK or back.body["operation"] != operation:
            raise Refused(f"ledger entry {back.seq} is no rollback of {operation}")
        if back.who != who:
            raise Refused(f"{operation} was taken back by somebody else: {back.who}")
        if dict(back.body["before"]) != to.as_dict():
            raise Refused(f"{operation} was taken back from another rollout than {to}")
        proposal = self.propose_again(operation, to, who, builds)
        if not proposal.allowed:
            raise Refused(f"{operation} stays at {proposal.before}", proposal.reasons)
        body = {**self._move_body(proposal, "rehearsal: forward again", builds), "rehearsal": back.seq}
        return self._decide(EntryKind.ROLLOUT, who, body, expect_seq=back.seq)

    def record_rehearsal(self, operation: str, who: str, figures: Mapping[str, Any]) -> Entry:
        """Put on record what a rehearsal did."""
        body = {"operation": operation, **figures}
        return self._ledger.append(EntryKind.REHEARSAL, who, body, now=self._clock())

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
            "gates": [verdict_body(verdict) for verdict in proposal.verdicts],
        }
