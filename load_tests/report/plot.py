"""The percentile plot of HDR histograms as inline SVG. Pure.

The horizontal axis is the number of nines: 50 %, 90 %, 99 %, 99.9 % at equal distances, as HdrHistogram's own plotter
draws it, because the tail is what matters.
"""

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

Points = Sequence[tuple[float, float]]
"""(percentile 0 to 100, milliseconds), ascending."""

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 320, 70, 20, 20, 45
_TICKS = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999)


def nines(percent: float) -> float:
    """How far right a percentile is: 0 at 0 %, 1 at 90 %, 2 at 99 %."""
    return -math.log10(max(1e-7, 1 - percent / 100))


def percentile_plot(old: Points, new: Points) -> Markup:
    """Both sides' percentiles in one picture, with a legend and a description for those who do not see it."""
    points = [*old, *new]
    if not points:
        return Markup("")
    most_ms = max(value for _, value in points) or 1.0
    most_nines = max(1.0, *(nines(percent) for percent, _ in points))

    def place(percent: float, value_ms: float) -> tuple[float, float]:
        x = _LEFT + nines(percent) / most_nines * (_WIDTH - _LEFT - _RIGHT)
        y = _HEIGHT - _BOTTOM - value_ms / most_ms * (_HEIGHT - _TOP - _BOTTOM)
        return round(x, 1), round(y, 1)

    def line(name: str, of: Points) -> str:
        path = " ".join(f"{x},{y}" for x, y in (place(*point) for point in of))
        return f'<polyline class="{name}" points="{path}"><title>{name}</title></polyline>'

    inside = [
        *_grid(place, most_nines, most_ms),
        line("old", old),
        line("new", new),
        f'<text x="{_LEFT + 12}" y="{_TOP + 12}" class="old">— old</text>',
        f'<text x="{_LEFT + 12}" y="{_TOP + 30}" class="new">- - new</text>',
    ]
    label = escape(f"Latency by percentile, up to {most_ms:.1f} ms, old and new")
    return Markup(f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(inside)}</svg>')  # noqa: S704  numbers and fixed names only


def _grid(place, most_nines: float, most_ms: float) -> Iterator[str]:  # type: ignore[no-untyped-def]
    for percent in _TICKS:
        if nines(percent) <= most_nines + 1e-9:
            x, _ = place(percent, 0)
            yield f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
            yield f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{percent:g}%</text>'
    for part in range(5):
        value_ms = most_ms * part / 4
        _, y = place(0, value_ms)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{value_ms:.1f} ms</text>'
