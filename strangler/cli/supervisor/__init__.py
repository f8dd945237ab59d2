"""Local processes under one supervisor: what ``strangler up`` and ``strangler demo`` stand on.

``processes.yaml`` -> :func:`load_processes` -> :class:`Supervisor` (free ports, ``provides`` for everyone, start in the
order of ``after``, readiness, prefixed logs, restart) -> :func:`supervise` (until Ctrl-C, then a clean stop).

Every process leads a process group of its own. Nothing outlives the supervisor, not even after ``kill -9``: on Linux
the kernel ends each process with its parent (``shim``), and a watchdog ends what is left of its group (``watchdog``).
"""

from strangler.cli.supervisor.logs import PrefixedLog
from strangler.cli.supervisor.processes import ProcessesFile, ProcessSpec, Ready, load_processes
from strangler.cli.supervisor.supervise import supervise
from strangler.cli.supervisor.supervisor import ProcessState, ProcessStatus, Supervisor

__all__ = [
    "PrefixedLog",
    "ProcessSpec",
    "ProcessState",
    "ProcessStatus",
    "ProcessesFile",
    "Ready",
    "Supervisor",
    "load_processes",
    "supervise",
]
