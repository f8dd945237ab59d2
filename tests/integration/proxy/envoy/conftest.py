"""The production engine with two systems, running in the test's own loop."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance.conftest import has_envoy, needs_envoy
from tests.conformance.engines import Surroundings, running
from tests.integration.proxy.serving import PLAN, eventually

collect_ignore_glob = [] if has_envoy() else ["test_*.py"]  # ``tests/unit/proxy/envoy/test_installed.py`` says so

SHORT_PLAN = PLAN.replace("{timeout_s}", "1").replace("{queue}", "1000")


@dataclass(frozen=True)
class Published:
    """Rollouts as they are, and what is held."""

    shares: dict[str, dict[str, float]] = field(default_factory=dict)
    held: tuple[str, ...] = ()

    def rollouts(self) -> dict[str, dict[str, float]]:
        return self.shares


async def rolled_out(around: Surroundings, seq: int, **shares: dict[str, float]) -> None:
    """Publish rollouts, and wait until Envoy has them. ``get_item={"live": 100}`` is of ``shop.get-item``."""
    named = {f"shop.{name.replace('_', '-')}": share for name, share in shares.items()}
    around.publish(seq, Published(named))
    await eventually(lambda: around.engine.in_force.seq == seq)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Surroundings]:
    needs_envoy()
    async with running("envoy", tmp_path, Published(), SHORT_PLAN) as around:
        yield around
