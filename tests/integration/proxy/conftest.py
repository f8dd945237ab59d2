"""The engine, running in the test's own loop."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.proxy.serving import Running, running


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as run:
        yield run
