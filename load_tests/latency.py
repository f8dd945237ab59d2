"""Latencies in HDR histograms: microseconds, three significant digits, up to ten minutes."""

from hdrh.histogram import HdrHistogram

_LOWEST_US, _HIGHEST_US, _DIGITS = 1, 600_000_000, 3


def histogram() -> HdrHistogram:
    """An empty one."""
    return HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)


def record(into: HdrHistogram, seconds: float) -> None:
    """Add one latency; beyond ten minutes it counts as ten minutes."""
    into.record_value(min(max(_LOWEST_US, round(seconds * 1e6)), _HIGHEST_US))


def encode(of: HdrHistogram) -> str:
    """HdrHistogram's compressed form, which other HDR tools read as well."""
    return str(of.encode().decode("ascii"))


def decode(text: str) -> HdrHistogram:
    """A histogram out of its compressed form."""
    return HdrHistogram.decode(text.encode("ascii"))


def percentile_ms(of: HdrHistogram, percent: float) -> float:
    """The latency that this percentage of requests does not exceed, in milliseconds; 0 where there are none."""
    return float(of.get_value_at_percentile(percent)) / 1000


def max_ms(of: HdrHistogram) -> float:
    """The longest latency, in milliseconds; 0 where there are none."""
    return float(of.get_max_value()) / 1000 if of.get_total_count() else 0.0
