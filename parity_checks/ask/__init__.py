"""The worker: takes journaled exchanges, asks the other side, in order per key, compares, and stores the outcome.

::

    journal --claim--> chains (one per key) --> client (breaker per system) --> judge (pure) --finish--> journal
"""

from parity_checks.ask.worker import Worker, run_worker

__all__ = ["Worker", "run_worker"]
