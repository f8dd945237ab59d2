"""Runs one service of release 1: ``python -m examples.elderly_care.release_1 <service> --port P --database URL``."""

import sys
from collections.abc import Callable, Mapping
from functools import partial

from examples.elderly_care.release_1 import assessment, care_plan, citizen_record, entitlement
from new_services import kit
from new_services.citizen_record import running
from new_services.notifications import __main__ as notifications

TOLD = "Release 1, with its deliberate faults."
MAINS: Mapping[str, Callable[[list[str]], None]] = {
    "citizen_record": partial(running.main, citizen_record.SERVICE, TOLD),
    "entitlement": partial(kit.main, entitlement.SERVICE, TOLD),
    "care_plan": partial(kit.main, care_plan.SERVICE, TOLD),
    "assessment": partial(kit.main, assessment.SERVICE, TOLD),
    "notifications": notifications.main,  # as it is: it has no fault in release 1
}


def main() -> None:
    """Run the service that the first argument names; the other arguments are the service's own."""
    if len(sys.argv) < 2 or sys.argv[1] not in MAINS:
        sys.exit(f"say which service: {', '.join(MAINS)}")
    MAINS[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    main()
