"""Run the pensions department: ``python -m examples.elderly_care.estate.pensions --port P --data DIR``."""

import argparse
import logging
from pathlib import Path

from examples.elderly_care.estate.listener import Listener, SwitchFile, serve_until_stopped
from examples.elderly_care.estate.pensions.service import Pensions
from examples.elderly_care.estate.pensions.store import Store
from examples.elderly_care.population import COUNT, SEED, citizens


def main() -> None:
    """Fill the store if it is new, then serve until told to stop."""
    parser = argparse.ArgumentParser(prog="pensions", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder for pensions.db and pensions.admin.json")
    parser.add_argument("--citizens", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--release", choices=("4.2", "4.3"), default="4.2", help="4.3 puts status before name")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options.data.mkdir(parents=True, exist_ok=True)
    store = Store(options.data / "pensions.db")
    if not store.is_filled():
        store.fill(citizens(options.citizens, options.seed))
    switches = SwitchFile(options.data / "pensions.admin.json")
    service = Pensions(store, options.release)
    serve_until_stopped(Listener((options.host, options.port), f"Pensions/{options.release}", switches, service.answer))
    store.close()


if __name__ == "__main__":
    main()
