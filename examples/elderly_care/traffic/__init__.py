"""Seeded callers of all three departments: what they ask (``callers``, pure) and the asking (``drive``).

They know the population as a public office knows its clients, and nothing of proxies, sides or defects.
"""

from examples.elderly_care.traffic.callers import MIX, Asked, Callers
from examples.elderly_care.traffic.drive import TrafficReport, drive, is_failure

__all__ = ["MIX", "Asked", "Callers", "TrafficReport", "drive", "is_failure"]
