"""Figures as people say them."""


def ago(seconds: float) -> str:
    """A duration in the past, such as ``40 s ago`` or ``3 h ago``."""
    return f"{span(seconds)} ago"


def span(seconds: float) -> str:
    """A duration with one unit, such as ``40 s``, ``12 min``, ``3 h``, ``5 d``."""
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
