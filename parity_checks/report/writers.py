"""Writes a report as HTML, JSON or JUnit XML, each whole or not at all."""

import re
from pathlib import Path

import jinja2
import orjson
from lxml import etree

from parity_checks.report.document import OperationView, Report
from parity_checks.report.finding import FindingView, Standing
from strangler.evidence import Result
from strangler.state import write_atomically

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (2.2) cannot hold."""

_OURS_ALONE = 0o600
"""The mode of a report's file: values are masked, but findings are nobody else's business."""


def write_html(report: Report, path: Path) -> None:
    """One HTML file that needs nothing else: no script, no font, no network."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("parity_checks.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["percent"] = _percent
    environment.filters["sum_of"] = lambda counts: sum(counts.values())
    environment.filters["day_time"] = lambda text: text.replace("T", " ").replace("Z", " UTC") if text else "–"
    page = environment.get_template("report.html.j2").render(report=report, Standing=Standing, Result=Result)
    write_atomically(path, page.encode("utf-8", "replace"), mode=_OURS_ALONE)


def _percent(share: float) -> str:
    if 0 < share < 0.0001:
        return "under 0.01 %"
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + " %"


def write_json(report: Report, path: Path) -> None:
    """The JSON form; ``schema`` names its version."""
    write_atomically(path, orjson.dumps(report.as_dict(), option=orjson.OPT_INDENT_2, default=_lossy), mode=_OURS_ALONE)


def _lossy(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()


def write_junit(report: Report, path: Path) -> None:
    """JUnit XML: an operation is a suite, each open finding a failure, each gate that does not pass a skip."""
    root = etree.Element("testsuites", name=report.programme, failures=str(len(report.open_findings)))
    for operation in report.operations:
        _suite(root, operation, report.at)
    etree.indent(root)
    write_atomically(path, etree.tostring(root, xml_declaration=True, encoding="UTF-8"), mode=_OURS_ALONE)


def _suite(root: "etree._Element", operation: OperationView, at: str) -> None:
    waiting = [verdict for verdict in operation.verdicts if verdict.result is not Result.PASS]
    suite = etree.SubElement(
        root,
        "testsuite",
        name=operation.name,
        tests=str(len(operation.findings) + len(operation.verdicts)),
        failures=str(len(operation.open_findings)),
        skipped=str(len(waiting)),
        timestamp=at.rstrip("Z"),
    )
    for verdict in operation.verdicts:
        case = etree.SubElement(suite, "testcase", classname=operation.name, name=f"gate {verdict.gate}")
        if verdict.result is not Result.PASS:
            etree.SubElement(case, "skipped", message=_xml(f"{verdict.result}: {'; '.join(verdict.reasons)}"))
    for finding in operation.findings:
        _case(suite, finding)


def _case(suite: "etree._Element", finding: FindingView) -> None:
    name = f"{finding.kind} {finding.path} [{finding.signature[:10]}]"
    case = etree.SubElement(suite, "testcase", classname=finding.operation, name=_xml(name))
    said = f"{finding.count} exchanges, {finding.inputs} inputs; old: {finding.old}; new: {finding.new}"
    if finding.standing.counts:
        failure = etree.SubElement(case, "failure", type=finding.kind, message=_xml(f"{finding.path}: {finding.kind}"))
        cause = f"\nlikely cause: {finding.cause}" if finding.cause else ""
        failure.text = _xml(f"{said}\nexample {finding.example} at {finding.example_path}{cause}")
    else:
        told = etree.SubElement(case, "system-out")
        told.text = _xml(f"{finding.standing} by {finding.owner} until {finding.until}: {finding.why}\n{said}")


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
