"""Runs the entitlement service."""

from new_services.entitlement.service import SERVICE
from new_services.kit import main

if __name__ == "__main__":
    main(SERVICE, "What somebody is due, and when it is paid.")
