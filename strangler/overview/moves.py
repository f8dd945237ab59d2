"""A move as people write it, and the one that comes next."""

import yaml

from strangler.errors import UsageError
from strangler.overview.session import Session
from strangler.rollout import Rollout, rollout_from
from strangler.stages import path_of


def parse_rollout(session: Session, operation: str, to: str) -> Rollout:
    """A rollout from what somebody typed: ``live`` or ``{shadow: 90, live: 10}``.

    Raises:
        UsageError: it is neither, or not a rollout of this operation; the message says what to write.
    """
    effect = session.plan.operations[session.operation(operation)].effect
    try:
        shares = yaml.safe_load(to)
    except yaml.YAMLError:
        shares = None
    if isinstance(shares, bool):  # YAML 1.1 reads a bare `off` as false
        shares = "on" if shares else "off"
    if isinstance(shares, str):
        shares = {shares: 100}
    if not isinstance(shares, dict):
        raise UsageError(f"--to {to!r}: write a stage such as live, or shares such as '{{shadow: 90, live: 10}}'")
    named = {"off" if stage is False else str(stage): share for stage, share in shares.items()}
    try:
        return rollout_from(named, effect)
    except (ValueError, ArithmeticError) as error:
        raise UsageError(f"--to {to!r}: {error}") from error


def next_stage(session: Session, operation: str) -> str:
    """The stage after the most advanced one that the operation is in."""
    effect = session.plan.operations[session.operation(operation)].effect
    stages = path_of(effect)
    furthest = max(stages.index(stage) for stage, _ in session.cutover.rollouts()[operation].shares)
    return stages[min(furthest + 1, len(stages) - 1)].value
