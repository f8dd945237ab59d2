"""Which of two operations that both match a request is meant: one order, for ``decide`` and for ``lint``.

As in the Kubernetes Gateway API (HTTPRouteRule, "Proxy or Load Balancer routing configuration generated from routes"):

1. an ``Exact`` path, then the ``PathPrefix`` with the most characters, then ``RegularExpression``;
2. a method;
3. a SOAP action;
4. the most header conditions;
5. the most query conditions;
6. the most body conditions;
7. the one that comes first in the plan.

The first difference decides: an operation with a method and no header comes before one with nine headers and no method.
"""

from strangler.plan.models import Match

Rank = tuple[int, int, int, int, int, int, int, int]

_PATH_TYPES = {"Exact": 0, "PathPrefix": 1, "RegularExpression": 2}


def rank(match: Match, order: int) -> Rank:
    """The operation's place: the lowest rank is meant. ``order`` is its position in the plan, from 0."""
    path = match.path
    return (
        _PATH_TYPES[path.type],
        -len(prefix_segments(path.value)) if path.type == "PathPrefix" else 0,
        match.method is None,
        match.soap_action is None,
        -len(match.headers),
        -len(match.query),
        -((match.xpath is not None) + (match.json_ is not None)),
        order,
    )


def prefix_segments(value: str) -> tuple[str, ...]:
    """The segments of a ``PathPrefix``; a slash at its end does not count. ``/`` has none: it matches every path."""
    trimmed = value.rstrip("/")
    return tuple(trimmed.split("/")[1:]) if trimmed else ()


_SPECIAL = frozenset(".^$*+?{}[]\\|()")


def literal_prefix(pattern: str) -> str:
    """The text every match of this regular expression begins with, as far as it is plain to see."""
    if "|" in pattern or pattern.startswith("(?"):
        return ""
    body = pattern.removeprefix("^")
    end = next((index for index, letter in enumerate(body) if letter in _SPECIAL), len(body))
    if end < len(body) and body[end] in "*?{":
        end -= 1
    return body[: max(end, 0)]


def literal_segments(pattern: str) -> tuple[str, ...]:
    """The whole leading path segments that every match of this regular expression has."""
    literal = literal_prefix(pattern)
    whole = literal.rpartition("/")[0]
    return tuple(whole.split("/")[1:]) if whole.startswith("/") else ()


def is_literal(pattern: str) -> bool:
    """Whether the regular expression matches one text only: itself."""
    bare = pattern.removeprefix("^").removesuffix("$")
    return not any(letter in _SPECIAL for letter in bare)
