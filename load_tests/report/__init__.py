"""What a load run showed, for people and for machines: evidence (and its details) -> text, one HTML page, JSON.

The details are what ``journal.load_histograms`` keeps beside a run; without them there is no plot and no kinds of
errors. No request and no target is in a report: those are callers' personal data. The verdict is the load gate's.
"""

from load_tests.report.page import write_html
from load_tests.report.summary import as_json, text

__all__ = ["as_json", "text", "write_html"]
