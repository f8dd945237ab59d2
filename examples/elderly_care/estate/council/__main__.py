"""Run the council's application: ``python -m examples.elderly_care.estate.council --port P --data DIR``."""

import argparse
import logging
from pathlib import Path

from examples.elderly_care.estate.council.service import Council
from examples.elderly_care.estate.council.sessions import Sessions
from examples.elderly_care.estate.council.store import Store
from examples.elderly_care.estate.listener import Listener, SwitchFile, serve_until_stopped
from examples.elderly_care.population import COUNT, SEED, citizens


def main() -> None:
    """Fill the store if it is new, then serve until told to stop."""
    parser = argparse.ArgumentParser(prog="council", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder for council.db and council.admin.json")
    parser.add_argument("--citizens", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--session-s", type=float, default=20.0, help="how long a token is good, in seconds")
    parser.add_argument("--session-max-s", type=float, default=60.0, help="how long a session is in all, in seconds")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options.data.mkdir(parents=True, exist_ok=True)
    store = Store(options.data / "council.db")
    if not store.is_filled():
        store.fill(citizens(options.citizens, options.seed))
    service = Council(store, Sessions(options.session_s, options.session_max_s))
    switches = SwitchFile(options.data / "council.admin.json")
    serve_until_stopped(Listener((options.host, options.port), "CouncilCare/2.9", switches, service.answer))
    store.close()


if __name__ == "__main__":
    main()
