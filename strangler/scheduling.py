"""Asking for a schedule, cancelling it, and what its next step would be. The guard takes the steps (``Cutover``).

A schedule is an entry of the ledger, and so is each step: where it stands is what the ledger says, whoever reads it.
"""

import math

from strangler.errors import Refused, UsageError
from strangler.evidence import Builds
from strangler.ledger import Entry, EntryKind
from strangler.overriding import Overriding
from strangler.people import OPERATORS, check_person
from strangler.proposals import Proposal
from strangler.rollout import Rollout, rollout_from
from strangler.schedules import Schedule, against

PATIENCE_S = 86_400.0
"""How long gates may hold a step before the schedule ends, unless told otherwise."""


class Scheduling(Overriding):
    """Schedules of one programme."""

    def rehearsal(self, operation: str) -> Entry | None:
        """The last time that a rollback of it, or a failure, was made on purpose; ``None`` where it never was."""
        self._operation(operation)
        self._decisions.sync()
        return self._decisions.rehearsal(operation)

    def schedule(self, operation: str) -> Schedule | None:
        """The operation's schedule: the running one, or the last since somebody moved it by hand."""
        self._operation(operation)
        self._decisions.sync()
        return self._decisions.schedule(operation)

    def ask_schedule(
        self,
        operation: str,
        steps: tuple[Rollout, ...],
        who: str,
        why: str,
        *,
        pause_s: float,
        patience_s: float = PATIENCE_S,
    ) -> Entry:
        """Ask the guard to take these steps, each when its pause is over and every gate passes.

        Approvals of the last step's rollout are asked for at every step.

        Args:
            operation: the operation.
            steps: its rollouts, in order.
            who: who asks; needs to be an operator where the plan names people.
            why: the reason.
            pause_s: seconds between two steps.
            patience_s: how long gates may hold one step.

        Raises:
            Refused: the plan names people and this one is no operator; there is a schedule, or a hold.
            UsageError: these steps lead nowhere from where the operation is, or a time is none.
        """
        entry = self._operation(operation)
        check_person(self._plan.people, who, OPERATORS, "schedule moves")
        for name, seconds in (("pause", pause_s), ("patience", patience_s)):
            if not (math.isfinite(seconds) and seconds > 0):
                raise UsageError(f"a schedule's {name} of {seconds} s: write a time such as 30m or 2h")
        seq = self._decisions.sync()
        if (there := self._decisions.schedule(operation)) is not None and there.is_running:
            raise Refused(f"{operation} has a schedule (ledger entry {there.seq}): cancel it first")
        held = self.hold_in_force()
        if held is not None and held.covers(operation):
            raise Refused(f"{operation} is held: {held.who}: {held.why}")
        if wrong := against(self._rollout(operation, entry), steps, entry.effect):
            raise UsageError(wrong)
        body = {
            "operation": operation,
            "steps": [step.as_dict() for step in steps],
            "pause_s": pause_s,
            "patience_s": patience_s,
            "why": why,
        }
        return self._ledger.append(EntryKind.SCHEDULE, who, body, expect_seq=seq, now=self._clock())

    def cancel_schedule(self, operation: str, who: str, why: str) -> Entry:
        """End a schedule where it stands. Keys stay in the stage they are in.

        Raises:
            Refused: there is none that runs, or the plan names people and this one is not among them.
        """
        check_person(self._plan.people, who, (), "cancel a schedule")
        there = self.schedule(operation)
        if there is None or not there.is_running:
            raise Refused(f"{operation} has no schedule to cancel")
        return self._end(there, who, f"cancelled by {who}: {why}", self._decisions.sync())

    def propose_step(self, schedule: Schedule, builds: Builds | None = None) -> Proposal:
        """What the next step of a running schedule would be, and whether it may be taken now. Changes nothing.

        Raises:
            ValueError: the operation skips a stage of it: the plan changed its effect since.
        """
        effect = self._operation(schedule.operation).effect
        step, end = (rollout_from(schedule.steps[at], effect) for at in (schedule.taken, -1))
        return self.propose(schedule.operation, step, schedule.who, builds, approved_as=end)

    def _end(self, schedule: Schedule, who: str, why: str, seq: int) -> Entry:
        body = {"operation": schedule.operation, "schedule": schedule.seq, "why": why}
        return self._ledger.append(EntryKind.SCHEDULE_END, who, body, expect_seq=seq, now=self._clock())
