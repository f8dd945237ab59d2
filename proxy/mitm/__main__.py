"""``python -m proxy.mitm``: the embedded engine by itself, for tests, benchmarks and ``serve``'s own children."""

import argparse
import logging
import sys
from pathlib import Path

from proxy.mitm.engine import run_engine
from proxy.mitm.serve import serve
from strangler.errors import StranglerError
from strangler.state import StateFolder


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m proxy.mitm", description="The embedded engine.")
    parser.add_argument("--plan", type=Path, required=True, help="the plan, migration.yaml")
    parser.add_argument("--state", type=Path, help="the state folder; .strangler beside the plan unless given")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--processes", type=int, default=1, help="engines that share the port")
    parser.add_argument("--one-of", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    state = StateFolder.beside(arguments.plan, arguments.state)
    try:
        if arguments.one_of:
            run_engine(arguments.plan, state, arguments.host, arguments.port, processes=arguments.one_of)
        else:
            serve(arguments.plan, state, arguments.host, arguments.port, processes=arguments.processes)
    except StranglerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
