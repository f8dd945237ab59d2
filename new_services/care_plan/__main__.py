"""Runs the care plan service."""

from new_services.care_plan.service import SERVICE
from new_services.kit import main

if __name__ == "__main__":
    main(SERVICE, "What care somebody gets at home, and whom to ring.")
