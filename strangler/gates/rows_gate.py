"""Whether the rows behind an operation were reconciled, a short while ago and to the end."""

from strangler.evidence import Evidence, Result, RowsEvidence, RowsRun, Verdict
from strangler.gates.verdicts import is_past, no_data
from strangler.plan.gate_models import RowsGate


def rows(evidence: Evidence, policy: RowsGate, now: float) -> Verdict:
    """Whether the newest reconciliation that ended, under the present plan, found few enough differences.

    Its age is that of its oldest reading: a run that went on where one before had stopped is as old as that one.
    """
    threshold = f"at most {policy.max_differences:,} differences, at most {policy.max_age_h:g} h old"
    remedy = f"strangler rows {policy.name}"
    seen = evidence.rows
    if seen is None or seen.name != policy.name or (seen.run is None and not seen.elsewhere):
        return no_data("rows", f"the rows of {policy.name} were never reconciled to the end", threshold, remedy=remedy)
    if seen.run is None:
        reason = "the rows were only reconciled as an earlier plan has them"
        return Verdict("rows", Result.STALE, (reason,), "", threshold, remedy)
    damage = _damage(seen, seen.run, policy) or _damage_of_times(seen.run, now)
    if damage:
        return no_data("rows", damage, threshold, remedy=remedy)
    run, age_h = seen.run, (now - seen.run.began_at) / 3600
    value = f"{run.differences:,} differences in {run.old_rows:,} old and {run.new_rows:,} new rows, {age_h:.1f} h old"
    if not age_h <= policy.max_age_h:
        reason = f"the rows were read {age_h:.1f} h ago; at most {policy.max_age_h:g} h are allowed"
        return Verdict("rows", Result.STALE, (reason,), value, threshold, remedy)
    reasons = []
    if run.differences > policy.max_differences:
        reasons.append(f"{run.differences:,} rows differ; the plan allows {policy.max_differences:,}")
    if seen.stopped > policy.max_differences:
        reasons.append(f"a run since then found {seen.stopped:,} rows that differ before it was stopped")
    if reasons:
        return Verdict("rows", Result.HOLD, tuple(reasons), value, threshold, f"rows that agree, then {remedy}")
    return Verdict("rows", Result.PASS, (), value, threshold)


def _damage(seen: RowsEvidence, run: RowsRun, policy: RowsGate) -> str:
    """What is wrong with the figures or the limits themselves; empty where nothing is."""
    for count in (run.differences, run.old_rows, run.new_rows, seen.stopped, policy.max_differences):
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            return f"{count!r} is no number of rows"
    if run.is_complete is not True:
        return "the run was stopped before its end"
    if not run.old_rows:
        return "there was no row on the old side: nothing was compared"
    if run.old_rows - run.new_rows > run.differences:
        return "fewer rows differ than are missing: the figures contradict each other"
    return ""


def _damage_of_times(run: RowsRun, now: float) -> str:
    if not all(isinstance(at, int | float) and is_past(at, now) for at in (run.began_at, run.at)):
        return "the run's times are not in the past: a clock is wrong"
    if run.began_at > run.at:
        return "the run ended before it began: a clock is wrong"
    return ""
