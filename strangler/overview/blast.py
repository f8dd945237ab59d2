"""What a move would touch, and the command that takes it back: for the dry run."""

import shlex
from typing import Any

from strangler.moves import moved, taken_back
from strangler.overview.session import Session
from strangler.proposals import Proposal
from strangler.stages import Stage

DAY_S = 86_400.0


def blast_document(session: Session, proposal: Proposal, now: float) -> dict[str, Any]:
    """Who and what a move reaches, from the last day of the journal, as plain data.

    Which keys have which bucket is not known here: keys are sealed, and only a digest of each is kept. So the share of
    all keys that the move touches is exact, and the numbers of keys and requests are that share of what was seen.

    Args:
        session: the programme.
        proposal: the move.
        now: seconds since the epoch.
    """
    operation = session.plan.operations[proposal.operation]
    seen = session.journal.traffic(proposal.operation, now - DAY_S, now)
    touched = moved(proposal.before, proposal.after)
    other_side = float(touched.to_new + touched.to_old) / 100
    is_for_everybody = operation.key is None and len(proposal.after.shares) == 1
    movable = seen.requests if is_for_everybody else seen.keyed
    systems = [operation.old.system, *operation.old.also, operation.new.system, *operation.new.also]
    return {
        "stage_changes_percent": float(touched.stage),
        "to_new_percent": float(touched.to_new),
        "to_old_percent": float(touched.to_old),
        "keys_seen": seen.keys,
        "keys_moved_about": round(seen.keys * other_side),
        "requests_seen": seen.requests,
        "requests_without_key": seen.requests - movable,
        "requests_per_hour": round(seen.per_hour),
        "requests_moved_per_hour_about": round(movable / seen.span_h * other_side),
        "looked_at_h": round(seen.span_h, 3) if seen.requests else 0.0,
        "is_capped": seen.is_capped,
        "departments": sorted({session.plan.systems[name].department for name in systems}),
        "systems": list(dict.fromkeys(systems)),
        "way_back": way_back(session, proposal),
    }


def way_back(session: Session, proposal: Proposal) -> str:
    """The command that makes the rollout again what it is before the move."""
    operation = session.plan.operations[proposal.operation]
    usual = operation.rollback.to if operation.rollback else Stage.SHADOW
    before, after = proposal.before, proposal.after
    stages = sorted((stage for stage, _ in before.shares), key=lambda stage: stage is not usual)
    for stage in stages:
        if after != before == taken_back(after, stage, operation.effect):
            to = "" if stage is usual else f" --to {stage}"
            return f"strangler rollback {proposal.operation}{to} --why '...'"
    return f"strangler cutover {proposal.operation} --to {shlex.quote(str(before))} --yes --why '...'"
