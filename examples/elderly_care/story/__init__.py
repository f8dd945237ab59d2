"""The demo's story: start the estate, look for differences, mend, prove, cut over, fail, take back, verify.

``chapters`` acts, ``figures`` counts (from the journal and the ledger alone), ``truth`` knows the seeded defects,
``voice`` tells people. Nothing here is used by anything but ``strangler demo``.
"""

from examples.elderly_care.story.chapters import tell

__all__ = ["tell"]
