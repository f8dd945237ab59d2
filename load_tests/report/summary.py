"""A run as rows, shared by every form of report. Pure, but for rich's rendering of the text."""

import io
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from load_tests import latency
from load_tests.job import decode_result
from strangler.evidence import LoadEvidence, LoadSide
from strangler.plan.models import Budget

PERCENTS = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both sides; ``ratio`` is new against old, empty where it means nothing."""

    name: str
    old: str
    new: str
    ratio: str = ""
    budget: str = ""


def rows(evidence: LoadEvidence, budget: Budget, details: bytes | None = None) -> tuple[Row, ...]:
    """Every figure, old beside new, with what the budget allows."""
    old, new = evidence.old, evidence.new
    p99_limits = [f"{budget.p99_ms:g} ms"] if budget.p99_ms is not None else []
    p99_limits += [f"{budget.p99_ratio:g} times old"] if budget.p99_ratio is not None else []
    found = [
        Row("requests", str(old.requests), str(new.requests), budget=f"at least {budget.min_requests}"),
        Row("errors", _errors(old), _errors(new), budget=f"at most {budget.error_ratio:.2%}"),
    ]
    for name, old_ms, new_ms in _percentiles(evidence, details):
        found.append(_row(name, old_ms, new_ms, ", ".join(p99_limits) if name == "p99" else ""))
    return (*found, _row("longest", old.max_ms, new.max_ms, ""))


def error_kinds(details: bytes | None) -> tuple[Row, ...]:
    """Errors by kind, old beside new."""
    if details is None:
        return ()
    kinds = {side.value: part.errors for side, part in decode_result(details).sides.items()}
    names = sorted({*kinds["old"], *kinds["new"]})
    return tuple(Row(name, str(kinds["old"].get(name, 0)), str(kinds["new"].get(name, 0))) for name in names)


def notes(evidence: LoadEvidence, details: bytes | None) -> tuple[str, ...]:
    """What a reader must know to trust the figures, as sentences."""
    rate = f"{evidence.achieved_per_s:.1f} of {evidence.rate_per_s:g} requests per second"
    told = [
        f"{rate} were sent to each side, for {evidence.duration_s:g} s.",
        "Latencies count from the intended start of each request, so waiting behind a stall is part of them.",
    ]
    if details is not None:
        result = decode_result(details)
        told.append(
            f"The generator itself was {result.late_p99_ms:.1f} ms late at p99, {result.late_max_ms:.1f} at most."
        )
        told.extend(
            f"{part.queued} requests to the {side} side waited because all connections to it were busy."
            for side, part in result.sides.items()
            if part.queued
        )
    return tuple(told)


def when(evidence: LoadEvidence) -> str:
    """The run's time, UTC, ISO 8601 to the second."""
    return datetime.fromtimestamp(evidence.at, UTC).isoformat(timespec="seconds")


def as_json(evidence: LoadEvidence, budget: Budget, details: bytes | None = None) -> dict[str, Any]:
    """The run as plain data: the evidence, its budget, errors by kind, percentiles."""
    return {
        **asdict(evidence),
        "limits": budget.model_dump(mode="json"),
        "errors_by_kind": {row.name: {"old": int(row.old), "new": int(row.new)} for row in error_kinds(details)},
        "percentiles_ms": {name: {"old": old, "new": new} for name, old, new in _percentiles(evidence, details)},
        "notes": list(notes(evidence, details)),
    }


def text(evidence: LoadEvidence, budget: Budget, details: bytes | None = None, width: int = 100) -> str:
    """The run as a table for a terminal, without colours."""
    table = Table(title=f"{evidence.operation}: load run {evidence.run}, budget {evidence.budget}, {when(evidence)}")
    for heading in ("", "old", "new", "new / old", "budget"):
        table.add_column(heading, justify="right" if heading else "left")
    for row in (*rows(evidence, budget, details), *error_kinds(details)):
        table.add_row(row.name, row.old, row.new, row.ratio, row.budget)
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(table)
    for note in notes(evidence, details):
        console.print(note)
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return written


def _percentiles(evidence: LoadEvidence, details: bytes | None) -> list[tuple[str, float, float]]:
    old, new = evidence.old, evidence.new
    if details is None:
        return [("p50", old.p50_ms, new.p50_ms), ("p95", old.p95_ms, new.p95_ms), ("p99", old.p99_ms, new.p99_ms)]
    times = {side.value: latency.decode(part.histogram) for side, part in decode_result(details).sides.items()}
    return [
        (f"p{percent:g}", latency.percentile_ms(times["old"], percent), latency.percentile_ms(times["new"], percent))
        for percent in PERCENTS
    ]


def _row(name: str, old_ms: float, new_ms: float, budget: str) -> Row:
    ratio = f"{new_ms / old_ms:.2f}" if old_ms else ""
    return Row(name, f"{old_ms:.1f} ms", f"{new_ms:.1f} ms", ratio, budget)


def _errors(side: LoadSide) -> str:
    return f"{side.errors} ({side.errors / side.requests:.2%})" if side.requests else str(side.errors)
