"""Runs one service of release 1: ``python -m examples.elderly_care.release_1 <service> --port P --database URL``."""

import sys

from examples.elderly_care.release_1 import assessment, care_plan, citizen_record, entitlement
from new_services.kit import main

SERVICES = {one.SERVICE.name: one.SERVICE for one in (citizen_record, entitlement, care_plan, assessment)}

if len(sys.argv) < 2 or sys.argv[1] not in SERVICES:
    sys.exit(f"say which service: {', '.join(SERVICES)}")
main(SERVICES[sys.argv[1]], "Release 1, with its deliberate faults.", sys.argv[2:])
