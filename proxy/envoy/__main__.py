"""``python -m proxy.envoy``: the production engine by itself, for tests and benchmarks."""

import argparse
import logging
import sys
from pathlib import Path

from strangler.errors import StranglerError
from strangler.state import StateFolder


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m proxy.envoy", description="The production engine.")
    parser.add_argument("--plan", type=Path, required=True, help="the plan, migration.yaml")
    parser.add_argument("--state", type=Path, help="the state folder; .strangler beside the plan unless given")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--concurrency", type=int, help="Envoy's worker threads; one for each core unless given")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    state = StateFolder.beside(arguments.plan, arguments.state)
    try:
        from proxy.envoy.serve import serve

        serve(arguments.plan, state, arguments.host, arguments.port, concurrency=arguments.concurrency)
    except StranglerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
