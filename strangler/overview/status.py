"""Every operation at a glance, as plain data."""

import time
from typing import Any

from strangler.exchange import OutcomeKind
from strangler.overview.rehearsal import rehearsal_document
from strangler.overview.schedule import schedule_document
from strangler.overview.session import Session, held_operations
from strangler.overview.words import ago
from strangler.rollout import Rollout


def status_document(session: Session) -> dict[str, Any]:
    """What ``status`` shows, as plain data."""
    now = time.time()
    rollouts = session.cutover.rollouts()
    operations = {name: _row(session, name, rollouts[name], now) for name in session.plan.operations}
    return {
        "programme": session.plan.programme,
        "held": held_operations(session),
        "pending": session.journal.depth(),
        "gaps": len(session.journal.gaps(None)),
        "engines": _engines(session),
        "operations": operations,
    }


def _engines(session: Session) -> dict[str, Any]:
    """Which entry engines were given, which one changed a rollout last, and whether they still lack it."""
    given, decided = session.cutover.published(), session.cutover.decided()
    is_behind = (given.seq if given else 0) < decided
    return {"given": given.seq if given else None, "decided": decided, "is_behind": is_behind}


def _row(session: Session, name: str, rollout: Rollout, now: float) -> dict[str, object]:
    evidence = session.cutover.evidence(name)
    counts = evidence.parity.exchanges if evidence.parity else None
    reached = session.journal.last_reached_old(name)
    mismatch, failed, skipped = (
        counts.of(kind) if counts else 0
        for kind in (OutcomeKind.MISMATCH, OutcomeKind.NEW_FAILED, OutcomeKind.NOT_COMPARED)
    )
    total = counts.total if counts else 0
    return {
        "rollout": shown_rollout(rollout),
        "compared": total - skipped,
        "clean": total - skipped - mismatch - failed,
        "mismatch": mismatch,
        "new_failed": failed,
        "not_compared": skipped,
        "schedule": schedule_document(session, name, now),
        "rehearsal": rehearsal_document(session, name, now),
        "overridden": [str(one) for one in session.cutover.overridden(name)],
        "old_last_reached": ago(now - reached) if reached else "",
    }


def shown_rollout(rollout: Rollout) -> str:
    """The rollout as people say it: ``shadow``, or ``shadow 90, live 10``."""
    shares = rollout.as_dict()
    return next(iter(shares)) if len(shares) == 1 else ", ".join(f"{stage} {share}" for stage, share in shares.items())
