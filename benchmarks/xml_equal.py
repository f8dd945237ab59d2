"""Two equal SOAP answers of 20 KB, through ``compare``, against parsing and C14N by lxml on both.

The row is about documents that two SOAP stacks write differently: prefixes, quotes, order of attributes, white space
between elements. C14N does the same work, and says that they differ, for it keeps the prefixes. Beside it, without a
goal: other white space in tags alone, which C14N finds equal, and the very same bytes.
"""

from functools import partial

from lxml import etree

from benchmarks._citizens import found, observations
from benchmarks._envelopes import envelope, payments, written_otherwise
from benchmarks._turns import rows
from strangler.exchange import Observation

GOAL = 0.8


def _ours(pair: tuple[Observation, Observation]) -> None:
    assert found(*pair) == 0


def _peer(old: bytes, new: bytes, says_equal: bool) -> None:
    texts = [etree.tostring(etree.fromstring(body), method="c14n") for body in (old, new)]
    assert (texts[0] == texts[1]) is says_equal


def run() -> list[dict[str, object]]:
    """Measure."""
    old = envelope(payments())
    variants = (
        ("xml_equal", written_otherwise(old), False, GOAL),
        ("xml_equal_tags", old.replace(b" currency=", b"  currency = "), True, None),
        ("xml_equal_bytes", old, True, None),
    )
    found_rows: list[dict[str, object]] = []
    for name, new, says_equal, goal in variants:
        peer = partial(_peer, old, new, says_equal)
        ours = partial(_ours, observations(old, new, "text/xml"))
        found_rows += rows(name, ours, {"parse and C14N of both by lxml": (peer, goal)})
    return found_rows
