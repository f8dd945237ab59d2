"""Decides who answers a request. Pure, and the same for every engine.

::

    plan, rollouts, hold -> compile_table -> Table (immutable, swapped whole)
    Table, request -> index -> operation -> key -> bucket -> stage -> Decision

A decision never raises and never guesses: a request whose key cannot be read goes to old and is counted.
"""

from proxy.decide.decision import Decision, decide, needs_body
from proxy.decide.explain import explain
from proxy.decide.table import Table, compile_table

__all__ = ["Decision", "Table", "compile_table", "decide", "explain", "needs_body"]
