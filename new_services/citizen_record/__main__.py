"""Runs the citizen record."""

from new_services.citizen_record.running import main
from new_services.citizen_record.service import SERVICE

if __name__ == "__main__":
    main(SERVICE, "The citizen record: who, where, and how to reach them.")
