"""Runs the citizen record."""

from new_services.citizen_record.service import SERVICE
from new_services.kit import main

if __name__ == "__main__":
    main(SERVICE, "The citizen record: who, where, and how to reach them.")
