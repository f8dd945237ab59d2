"""``python -m parity_checks PLAN [STATE]``: one worker, until SIGINT or SIGTERM."""

import asyncio
import signal
import sys
from pathlib import Path

from parity_checks.ask import run_worker
from strangler.state import StateFolder


async def _main(plan: Path, state: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run_worker(plan, StateFolder.beside(plan, state), stop=stop)


if __name__ == "__main__":
    try:
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    except ImportError:
        sys.stderr.write("uvloop is not installed: the worker runs on the slower standard loop\n")
    asyncio.run(_main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
