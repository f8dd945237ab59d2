"""Parity for people and for machines: one self-contained HTML file, JSON, JUnit. Values are masked in all three."""

from parity_checks.report.document import FindingView, OperationView, Report, Standing, build_report
from parity_checks.report.writers import write_html, write_json, write_junit

__all__ = [
    "FindingView",
    "OperationView",
    "Report",
    "Standing",
    "build_report",
    "write_html",
    "write_json",
    "write_junit",
]
