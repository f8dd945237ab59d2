"""The gates: from evidence and policy to a verdict. Pure: the time comes in as an argument.

Evidence fails closed. Only a positive showing is a PASS; damaged figures (negative, not a number, from the future) and
missing ones are NO DATA, and what was gathered under another fingerprint is STALE.

Data flow: ``soundness`` sorts out what cannot be read; each gate has a module of its own; ``verdicts`` is their form.
"""

from strangler.gates.added import added
from strangler.gates.approvals_gate import approvals
from strangler.gates.cool_down_gate import cool_down
from strangler.gates.coverage_gate import coverage
from strangler.gates.custom_gate import custom
from strangler.gates.errors_gate import errors
from strangler.gates.gaps_gate import gaps, hold
from strangler.gates.latency_gate import latency
from strangler.gates.load_gate import load
from strangler.gates.noise import changed_rates
from strangler.gates.parity_gate import parity
from strangler.gates.rows_gate import rows
from strangler.gates.soak_gate import soak
from strangler.gates.verdicts import may_move
from strangler.gates.window_gate import window

__all__ = [
    "added",
    "approvals",
    "changed_rates",
    "cool_down",
    "coverage",
    "custom",
    "errors",
    "gaps",
    "hold",
    "latency",
    "load",
    "may_move",
    "parity",
    "rows",
    "soak",
    "window",
]
