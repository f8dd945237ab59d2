"""The durable store of exchanges, observations and outcomes, which is also the work queue.

Data flow: an engine *appends* exchanges (``writing``); workers *claim* them (``queue``), ask the other side and
*finish* them (``judging`` keeps rows and rollups); gates, reports and the guard *read* (``readings``). ``store`` joins
these behind ``Journal``; ``crypto`` and ``frames`` turn what is personal into sealed bytes; ``reserve`` keeps what was
lost while the journal could not be written.
"""

from strangler.journal.coverage import SeenItem
from strangler.journal.identities import IdConflict, LearntId
from strangler.journal.records import (
    AcceptedSignature,
    Finding,
    Gap,
    Loss,
    RuleUse,
    State,
    Tally,
    ValuePair,
    WindowStats,
)
from strangler.journal.reserve import GapReserve
from strangler.journal.store import Journal

__all__ = [
    "AcceptedSignature",
    "Finding",
    "Gap",
    "GapReserve",
    "IdConflict",
    "Journal",
    "LearntId",
    "Loss",
    "RuleUse",
    "SeenItem",
    "State",
    "Tally",
    "ValuePair",
    "WindowStats",
]
