"""Runs the entitlement service."""

from new_services.entitlement.service import SERVICE
from new_services.kit import main

main(SERVICE, "What somebody is due, and when it is paid.")
