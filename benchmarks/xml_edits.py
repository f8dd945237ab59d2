"""Two SOAP answers of 20 KB with three edits: exactly three found; against xmldiff with ``fast_match``."""

import xmldiff.main
from lxml import etree

from benchmarks._citizens import found, observations
from benchmarks._envelopes import envelope, payments
from benchmarks._turns import rows

GOAL = 20.0


def run() -> list[dict[str, object]]:
    """Measure."""
    before = payments()
    after = list(before)
    after[11] = after[11].replace("</ns2:amount>", "9</ns2:amount>")
    after[40] = after[40].replace("<ns2:name>", "<ns2:name>Dr ")
    after[66] = after[66].replace('currency="GBP"', 'currency="EUR"')
    old, new = envelope(before), envelope(after)
    pair = observations(old, new, "text/xml")

    def ours() -> None:
        assert found(*pair) == 3

    def by_xmldiff() -> None:
        trees = etree.fromstring(old), etree.fromstring(new)
        assert len(xmldiff.main.diff_trees(*trees, {"fast_match": True})) == 3

    return rows("xml_edits", ours, {"xmldiff, fast_match": (by_xmldiff, GOAL)})
