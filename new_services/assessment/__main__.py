"""Runs the assessment service."""

from new_services.assessment.service import SERVICE
from new_services.kit import main

if __name__ == "__main__":
    main(SERVICE, "How much help somebody needs, and requests to look again.")
