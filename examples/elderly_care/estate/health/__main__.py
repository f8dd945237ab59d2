"""Make and fill the patient index: ``python -m examples.elderly_care.estate.health --odbc C --dialect sqlite``.

It ends when that is done: the index has no process of its own where it is an SQLite file, and a database server's
otherwise.
"""

import argparse
import logging
import re
from pathlib import Path

from examples.elderly_care.estate.health.fill import DIALECTS, fill
from examples.elderly_care.population import COUNT, SEED, citizens

log = logging.getLogger("estate")


def main() -> None:
    """Fill the index, or leave one alone that is filled already."""
    parser = argparse.ArgumentParser(prog="health", description=__doc__)
    parser.add_argument("--odbc", required=True, help="ODBC connection string")
    parser.add_argument("--dialect", choices=DIALECTS, default="sqlite")
    parser.add_argument("--citizens", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.dialect == "sqlite" and (file := re.search(r"(?i)database=([^;]+)", options.odbc)):
        Path(file[1]).parent.mkdir(parents=True, exist_ok=True)
    written = fill(options.odbc, options.dialect, list(citizens(options.citizens, options.seed)))
    log.info("patient index: %d rows written", written)


if __name__ == "__main__":
    main()
