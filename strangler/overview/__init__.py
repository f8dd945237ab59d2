"""What every face of the product shows: one session over plan and stores, the status document, what a move would be.

::

    plan + state folder -> Session -> status_document
                                   -> parse_rollout, next_stage -> Session.cutover.propose -> blast_document

The command line prints it and the console renders it; neither knows the other.
"""

from strangler.overview.blast import blast_document, way_back
from strangler.overview.moves import next_stage, parse_rollout
from strangler.overview.rehearsal import rehearsal_document
from strangler.overview.schedule import schedule_document
from strangler.overview.session import Session, environment, open_session, state_folder
from strangler.overview.status import status_document

__all__ = [
    "Session",
    "blast_document",
    "environment",
    "next_stage",
    "open_session",
    "parse_rollout",
    "rehearsal_document",
    "schedule_document",
    "state_folder",
    "status_document",
    "way_back",
]
