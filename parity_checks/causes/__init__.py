"""What the two sides' values say of why they differ: a likely cause in words, and the rule that would accept it. Pure.

::

    finding: kind, path, samples ─► likely_cause ─► Cause(words, rule)
    differences of one exchange ──► swapped, renamed ─► Cause for two paths at once

A cause is told only where it explains every sample; one that explains most of them says of how many, and offers no
rule. A rule is offered only after it has made every sample equal, and never for what is a defect however it came about:
a text cut off, a sign turned round, a character lost. Its ``why`` is left for people to fill in: a plan without it is
refused.
"""

from parity_checks.causes.cause import Cause
from parity_checks.causes.likely import likely_cause
from parity_checks.causes.two_paths import renamed, swapped

__all__ = ["Cause", "likely_cause", "renamed", "swapped"]
