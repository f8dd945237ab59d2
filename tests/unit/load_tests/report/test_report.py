"""The forms of one run."""

from xml.etree import ElementTree as ET

from load_tests import latency
from load_tests.job import LoadResult, SideResult, encode_result
from load_tests.report import as_json, text
from load_tests.report.page import html
from load_tests.report.plot import nines, percentile_plot
from strangler.evidence import LoadEvidence, LoadSide
from strangler.plan.models import Budget
from strangler.stages import Side

BUDGET = Budget(rate_per_s=10, duration_s=10, p99_ms=250, p99_ratio=1.5)
EVIDENCE = LoadEvidence(
    run="r1",
    operation="a.read",
    budget="peak<hour>",
    fingerprint="f",
    at=0.0,
    duration_s=10,
    rate_per_s=10,
    achieved_per_s=9.9,
    old=LoadSide(100, 0, 10.0, 20.0, 30.0, 40.0),
    new=LoadSide(100, 2, 20.0, 30.0, 60.0, 90.0),
)


def details() -> bytes:
    def side(step_s: float, **more: object) -> SideResult:
        times = latency.histogram()
        for number in range(100):
            latency.record(times, (number + 1) * step_s)
        return SideResult(latency.encode(times), 100, 100, **more)

    sides = {Side.OLD: side(0.001), Side.NEW: side(0.002, errors={"timeout": 2}, queued=3)}
    return encode_result(LoadResult(sides, 1.25, 4.0))


def test_text_puts_old_beside_new_with_the_budget() -> None:
    lines = text(EVIDENCE, BUDGET, details()).splitlines()
    (p99,) = [line for line in lines if line.lstrip("│ ").startswith("p99 ")]
    assert [cell.strip() for cell in p99.strip("│").split("│")] == [
        "p99", "99.0 ms", "198.0 ms", "2.00", "250 ms, 1.5 times old",
    ]  # fmt: skip
    assert "3 requests to the new side waited because all connections to it were busy." in lines
    assert any("timeout" in line for line in lines)


def test_reports_work_without_details() -> None:
    assert "30.0 ms" in text(EVIDENCE, BUDGET)
    assert "<svg" not in html(EVIDENCE, BUDGET)
    assert as_json(EVIDENCE, BUDGET)["errors_by_kind"] == {}


def test_json_holds_the_evidence_its_limits_and_the_kinds_of_errors() -> None:
    data = as_json(EVIDENCE, BUDGET, details())
    assert data["new"]["p99_ms"] == 60.0
    assert data["limits"]["p99_ratio"] == 1.5
    assert data["errors_by_kind"] == {"timeout": {"old": 0, "new": 2}}
    assert data["percentiles_ms"]["p50"]["old"] == 50.015


def test_the_page_is_self_contained_and_escapes() -> None:
    page = html(EVIDENCE, BUDGET, details())
    assert "peak&lt;hour&gt;" in page
    assert "peak<hour>" not in page
    assert [word for word in ("http://", "https://", "<script", "url(") if word in page] == []
    assert page.count("<polyline") == 2


def test_the_plot_is_well_formed_and_the_slower_side_is_higher() -> None:
    plot = ET.fromstring(percentile_plot([(0, 1), (90, 2), (99, 3)], [(0, 2), (90, 4), (99, 6)]))
    lines = {line.get("class"): line.get("points", "").split() for line in plot.iter("polyline")}
    heights = {name: [float(point.split(",")[1]) for point in points] for name, points in lines.items()}
    assert all(new < old for old, new in zip(heights["old"], heights["new"], strict=True))


def test_the_plot_of_nothing_is_nothing() -> None:
    assert percentile_plot((), ()) == ""


def test_nines_are_equal_steps_of_the_axis() -> None:
    assert [round(nines(percent), 6) for percent in (0, 90, 99, 99.9)] == [0, 1, 2, 3]
