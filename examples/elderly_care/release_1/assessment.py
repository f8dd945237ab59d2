"""The faults of release 1's assessment service: D08, D12."""

from examples.elderly_care.release_1.faults import Body, on_body, with_faults
from new_services.assessment.service import SERVICE as CLEAN

CROSSED = {"moderate": "substantial", "substantial": "moderate"}
LONGEST_SUMMARY = 80


def d08_code_table_crossed(body: Body) -> Body:
    """Two lines of the table of bands changed places."""
    return body | {"band": CROSSED.get(body["band"], body["band"])}


def d12_summary_cut_at_80(body: Body) -> Body:
    """The column was made for one line of the old screen."""
    return body | {"summary": body["summary"][:LONGEST_SUMMARY]}


SERVICE = with_faults(
    CLEAN, {("GET", "/assessments/{nino}"): (on_body(d08_code_table_crossed), on_body(d12_summary_cut_at_80))}
)
