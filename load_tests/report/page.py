"""One run as one self-contained HTML page."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from load_tests import latency
from load_tests.job import SideResult, decode_result
from load_tests.report.plot import Points, percentile_plot
from load_tests.report.summary import error_kinds, notes, rows, when
from strangler.evidence import LoadEvidence
from strangler.plan.models import Budget
from strangler.stages import Side


def html(evidence: LoadEvidence, budget: Budget, details: bytes | None = None) -> str:
    """The page as text. It loads nothing from anywhere."""
    templates = Environment(
        loader=PackageLoader("load_tests.report", "templates"), autoescape=True, undefined=StrictUndefined
    )
    return templates.get_template("run.html").render(
        evidence=evidence,
        budget=budget,
        when=when(evidence),
        rows=rows(evidence, budget, details),
        kinds=error_kinds(details),
        notes=notes(evidence, details),
        plot=_plot(details),
    )


def write_html(evidence: LoadEvidence, budget: Budget, path: Path, details: bytes | None = None) -> None:
    """Write the page; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html(evidence, budget, details), encoding="utf-8")


def _plot(details: bytes | None) -> Markup:
    if details is None:
        return Markup("")
    sides = decode_result(details).sides
    return percentile_plot(_points(sides[Side.OLD]), _points(sides[Side.NEW]))


def _points(side: SideResult) -> Points:
    times = latency.decode(side.histogram)
    if not times.get_total_count():
        return ()
    last = 100 * (1 - 1 / times.get_total_count())
    percents = sorted({*(float(step) for step in range(0, 90, 5)), 90.0, 95.0, 97.5, 99.0, 99.5, 99.9, 99.99, 99.999})
    kept = [percent for percent in percents if percent <= last]
    return tuple((percent, latency.percentile_ms(times, percent)) for percent in (*kept, last))
