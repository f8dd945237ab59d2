"""Run the gateway alone: ``python -m legacy_adapters --plan migration.yaml [--state DIR] [--host H] --port P``."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from legacy_adapters.gateway import serve_gateway
from strangler.errors import StranglerError
from strangler.plan import load_plan
from strangler.plan.models import Plan
from strangler.state import StateFolder


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code is the error's (2: a bad plan, 4: a system out of reach)."""
    parser = argparse.ArgumentParser(prog="python -m legacy_adapters", description=__doc__)
    parser.add_argument("--plan", type=Path, default=Path("migration.yaml"), help="the plan's file")
    parser.add_argument("--state", type=Path, help="the state folder; .strangler beside the plan unless given")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    state = StateFolder.beside(options.plan, options.state)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(options.plan, state, options.host, options.port))
    except StranglerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


async def _serve(plan: Path, state: StateFolder, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def environ() -> Mapping[str, str]:
        return _environment(state.environment_file)

    def load() -> Plan:
        return load_plan(plan, environ()).plan

    def changed() -> tuple[tuple[int, int], ...]:
        return tuple(_mark(path) for path in (plan, state.environment_file))

    await serve_gateway(load, host=host, port=port, environ=environ, changed=changed, stop=stop)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop where there is one (not on Windows): about twice the requests."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _environment(path: Path) -> Mapping[str, str]:
    """What ``strangler up`` wrote down, under the process's own environment, which wins."""
    made = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return {**made, **os.environ}


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)


if __name__ == "__main__":
    sys.exit(main())
