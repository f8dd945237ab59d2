"""Run the production engine until it is told to stop."""

import asyncio
import logging
import os
import signal
from pathlib import Path

from proxy.envoy.engine import Engine
from strangler.state import StateFolder

log = logging.getLogger(__name__)


def serve(plan_path: Path, state: StateFolder, host: str, port: int, *, concurrency: int | None = None) -> None:
    """Run the Envoy engine until SIGTERM or SIGINT. Call it from the main thread.

    Args:
        plan_path: the plan; a change takes effect without a dropped request.
        state: the state folder: journal, rollouts, hold.
        host: address to listen on.
        port: port to listen on; 0 for a free one.
        concurrency: Envoy's worker threads; as many as there are cores unless given.

    Raises:
        PlanError: the plan cannot be used.
        UsageError: Envoy is not installed, or the address cannot be listened on.
        StoreError: the journal cannot be opened.
        StranglerError: Envoy refuses the table, or ended by itself.
    """
    engine = Engine(plan_path, state, concurrency=concurrency or os.cpu_count() or 1)
    asyncio.run(_until_told(engine, host, port))


async def _until_told(engine: Engine, host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await engine.run(host, port, stop)
