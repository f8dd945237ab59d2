"""Runs one service of release 1: ``python -m examples.elderly_care.release_1 <service> --port P --database URL``."""

import sys

from examples.elderly_care.release_1 import assessment, care_plan, citizen_record, entitlement
from new_services import kit

SERVICES = {one.SERVICE.name: one.SERVICE for one in (citizen_record, entitlement, care_plan, assessment)}


def main() -> None:
    """Run the service that the first argument names; the others are the service's own."""
    if len(sys.argv) < 2 or sys.argv[1] not in SERVICES:
        sys.exit(f"say which service: {', '.join(SERVICES)}")
    kit.main(SERVICES[sys.argv[1]], "Release 1, with its deliberate faults.", sys.argv[2:])


if __name__ == "__main__":
    main()
