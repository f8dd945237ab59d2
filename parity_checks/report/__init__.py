"""Parity for people and for machines: one self-contained HTML file, JSON, JUnit. Values are masked in all three."""

from parity_checks.report.document import OperationView, Report, build_report
from parity_checks.report.finding import FindingView, Standing, cause_of
from parity_checks.report.writers import write_html, write_json, write_junit

__all__ = [
    "FindingView",
    "OperationView",
    "Report",
    "Standing",
    "build_report",
    "cause_of",
    "write_html",
    "write_json",
    "write_junit",
]
