"""Finds operations that no request can reach, because another one always comes first.

The precise rule: A hides B where A comes before B in the order of ``strangler.plan.precedence`` and every request that
meets B's conditions meets A's. That is decided where it can be read off the plan:

* both have the same path condition, or B's regular expression is plain text that equals A's exact path, or B's regular
  expression can only match inside A's prefix, or A's regular expression matches every path (``.*``, ``/.*``);
* each other condition of A is one of B's, or a regular expression of A's on the same header or query name that matches
  B's exact value.

Overlaps of two regular expressions in general are not decided.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from strangler.plan.complaint import Complaint, refusal
from strangler.plan.models import Match, Plan, ValueMatch
from strangler.plan.precedence import Rank, is_literal, literal_segments, prefix_segments, rank
from strangler.plan.source import Path

_EVERY_PATH = frozenset({".*", "/.*", "^.*", "^/.*", ".*$", "/.*$", "^.*$", "^/.*$", ".+", "^.+$"})


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    match: Match
    rank: Rank


def hidden_matches(plan: Plan) -> Iterator[Complaint]:
    """A refusal for every operation that another one hides, naming that one."""
    groups: dict[tuple[str, object], list[_Candidate]] = {}
    candidates = [
        _Candidate(name, operation.match, rank(operation.match, order))
        for order, (name, operation) in enumerate(plan.operations.items())
    ]
    for candidate in sorted(candidates, key=lambda candidate: candidate.rank):
        hider = next(_hiders(groups, candidate), None)
        if hider is not None:
            path: Path = ("operations", candidate.name, "match")
            fix = "add a condition that tells them apart, or remove one of them"
            yield refusal("hidden-match", path, f"no request gets here: {hider.name} always comes first", fix)
        for key in _places(candidate.match):
            groups.setdefault((key, _signature(candidate.match)), []).append(candidate)


def _hiders(groups: dict[tuple[str, object], list[_Candidate]], later: _Candidate) -> Iterator[_Candidate]:
    for place in _covering_places(later.match):
        for signature in _weaker_signatures(later.match):
            for earlier in groups.get((place, signature), ()):
                if _covers_values(earlier.match, later.match):
                    yield earlier


def _places(match: Match) -> Iterator[str]:
    """Under which names others look for this path condition."""
    path = match.path
    if path.type == "PathPrefix":
        yield "prefix /" + "/".join(prefix_segments(path.value))
    elif path.type == "Exact":
        yield f"exact {path.value}"
    else:
        yield "every path" if path.value in _EVERY_PATH else f"regex {path.value}"


def _covering_places(match: Match) -> Iterator[str]:
    """The path conditions, under the names of ``_places``, that every path of this one meets."""
    yield from _places(match)
    path = match.path
    if path.type == "RegularExpression":
        bare = path.value.removeprefix("^").removesuffix("$")
        if is_literal(path.value):
            yield f"exact {bare}"
            segments = tuple(bare.split("/")[1:])
        else:
            segments = literal_segments(path.value)
        for end in range(len(segments) + 1):
            yield "prefix /" + "/".join(segments[:end])
        yield "every path"


def _signature(match: Match) -> tuple[object, ...]:
    """The conditions that can only be compared as equal or absent."""
    action = match.soap_action.strip("\"'") if match.soap_action is not None else None
    xpath = (match.xpath.path, match.xpath.value) if match.xpath else None
    json = (match.json_.path, match.json_.value) if match.json_ else None
    return (match.method, action, xpath, json)


def _weaker_signatures(match: Match) -> Iterator[tuple[object, ...]]:
    """Every signature that this match's requests meet too: each condition as it is, or absent."""
    found: list[tuple[object, ...]] = [()]
    for condition in _signature(match):
        choices = (condition,) if condition is None else (condition, None)
        found = [(*signature, choice) for signature in found for choice in choices]
    yield from found


def _covers_values(earlier: Match, later: Match) -> bool:
    pairs = (
        (_by_name(earlier.headers, is_folded=True), _by_name(later.headers, is_folded=True)),
        (_by_name(earlier.query, is_folded=False), _by_name(later.query, is_folded=False)),
    )
    return all(
        any(_covers_value(condition, other) for other in theirs.get(name, ()))
        for ours, theirs in pairs
        for name, conditions in ours.items()
        for condition in conditions
    )


def _by_name(conditions: tuple[ValueMatch, ...], *, is_folded: bool) -> dict[str, list[ValueMatch]]:
    named: dict[str, list[ValueMatch]] = {}
    for condition in conditions:
        named.setdefault(condition.name.lower() if is_folded else condition.name, []).append(condition)
    return named


def _covers_value(earlier: ValueMatch, later: ValueMatch) -> bool:
    if (earlier.type, earlier.value) == (later.type, later.value):
        return True
    if earlier.type != "RegularExpression" or later.type != "Exact":
        return False
    try:
        return re.fullmatch(earlier.value, later.value) is not None
    except re.error:
        return False
