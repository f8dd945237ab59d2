"""The last plan and rollouts that could be used, kept beside the state: what an engine starts from when the files fail.

An engine that dies at a bad moment must not need a good plan, a good environment file and good rollouts to answer
again. The copy has its placeholders filled in, so it needs no environment; it is readable by its owner only. It stands
for one plan file: another one that does not load is refused as ever.
"""

import logging
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from strangler.exchange import digest
from strangler.plan.models import Plan
from strangler.rollout import Rollout
from strangler.state import StateFolder

log = logging.getLogger(__name__)

_NAME = "plan.good.json"


@dataclass(frozen=True, slots=True)
class LastGood:
    """What was in use: the plan, its digest, and the published document of rollouts."""

    plan: Plan
    digest: str
    published: Mapping[str, Any]


def keep(state: StateFolder, plan_path: Path, plan: Plan, seq: int, rollouts: Mapping[str, Rollout]) -> None:
    """Remember what is in use now. Best effort: where it cannot be written, that is logged and traffic goes on."""
    try:
        shares = {name: rollout.as_dict() for name, rollout in rollouts.items()}
        content = orjson.dumps(
            {
                "plan_file": str(plan_path.resolve()),
                "digest": digest(_canonical(plan)),
                "plan": _canonical(plan).decode(),
                "published": {"seq": seq, "rollouts": shares},
            }
        )
        path = state.path / _NAME
        if not path.exists() or path.read_bytes() != content:
            _replace(path, content)
    except (OSError, TypeError, ValueError) as error:
        log.warning("%s cannot be kept, so a start with a broken plan would fail: %s", _NAME, error)


def recall(state: StateFolder, plan_path: Path) -> LastGood | None:
    """What was in use last under this plan file; ``None`` where that is not known, or no longer readable."""
    try:
        kept = orjson.loads((state.path / _NAME).read_bytes())
        if kept["plan_file"] != str(plan_path.resolve()):
            return None
        text = kept["plan"].encode()
        if digest(text) != kept["digest"]:
            raise ValueError("its digest does not fit")  # noqa: TRY301  one way out for everything that is wrong
        return LastGood(Plan.model_validate_json(text), kept["digest"], dict(kept["published"]))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.error("%s cannot be used either: %s", _NAME, error)  # noqa: TRY400  the message is all an operator needs
        return None


def _canonical(plan: Plan) -> bytes:
    """As ``LoadedPlan.digest`` is made of."""
    return plan.model_dump_json(by_alias=True).encode()


def _replace(path: Path, content: bytes) -> None:
    """Write it whole, never readable by others."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
