"""Runs the assessment service."""

from new_services.assessment.service import SERVICE
from new_services.kit import main

main(SERVICE, "How much help somebody needs, and requests to look again.")
