"""Load before cutover: journal -> workload -> arrivals -> locust, old against new in one run -> evidence.

``run_load`` is the whole of it. The generator is a process of its own (``load_tests.runner``), because locust patches
the process that imports it; nothing else here imports locust. The load gate judges the evidence, not this room.
"""

from load_tests.run import run_load

__all__ = ["run_load"]
