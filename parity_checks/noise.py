"""Tells what differs between old and old from what new does wrong. Pure.

::

    differences (old, new) ─┐
    old_again (old, old)  ──┼─► judge ─► the differences that are not noise
    learnt (tallies)      ──┘

A difference is a candidate for noise where old differs from itself at the same generalised path in the same way: in
this exchange, or in so many fair draws that its rate is surely above nothing. A candidate is noise only as far as new
does what old does there: a value must have a form and a range that old has shown (``parity_checks.forms``), a type and
a status must be one of old's, and hardly more list elements may come and go than with old. So noise never hides another
type, another form, another order of magnitude. And it is never for good: rates are told with their interval, under one
fingerprint, and a change of rate is a finding of its own.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, lgamma, log, log1p
from typing import Final

import orjson

from parity_checks.compare.findings import MOST_OF_ONE_KIND
from parity_checks.forms import is_alike
from strangler.evidence import NoiseEvidence
from strangler.exchange import Difference, DifferenceKind, PathAndKind

LEAST_DRAWS: Final = 3
"""A path that differed once or twice between old and old is no habit: a release, a restart, one citizen's own write."""

LEAST_RATE: Final = 0.005
"""The rate that must surely be exceeded: what differs more seldom costs a settled exchange now and then, and noise at
such a rate would excuse as many defects."""

CONFIDENCE: Final = 0.95
"""With which a rate's interval holds."""

_PRESENCE = frozenset({DifferenceKind.MISSING, DifferenceKind.SURPLUS})
_VALUES = frozenset({DifferenceKind.VALUE, DifferenceKind.TYPE, DifferenceKind.HEADER, DifferenceKind.LENGTH})
_NEVER = frozenset({DifferenceKind.UNPARSABLE, DifferenceKind.IDENTITY, DifferenceKind.NOISE_RATE})
"""What no noise of old's excuses."""

_ELEMENT = re.compile(r"<[^<>]*[^/<>]>([^<>]*)</[^<>]*>|<[^<>]*/>")


def judge(
    differences: Sequence[Difference],
    old_again: Sequence[Sequence[Difference]],
    learnt: frozenset[PathAndKind] = frozenset(),
    in_old_terms: Callable[[str, str], str] = lambda _, text: text,
    most: int = MOST_OF_ONE_KIND,
) -> tuple[Difference, ...]:
    """The differences that remain once noise is taken away.

    Args:
        differences: between old's answer and new's, as ``compare`` found them.
        old_again: for each further time that old was asked, the differences between old's answer to the caller (as
            ``old``) and that one (as ``new``), by the same rules. Empty where old was not asked again.
        learnt: the paths that are noisy by earlier draws, as ``learnt_paths`` gives them.
        in_old_terms: what old would say at a generalised path for what new says (``CompiledRules.in_old_terms``), so
            that pence are not held against a range of pounds.
        most: how many of one signature each comparison has kept at most.

    Returns:
        What new is to answer for, in the order given. If nothing remains the outcome is ``NOISE``.
    """
    if not differences or not (learnt or any(old_again)):
        return tuple(differences)
    shown = _Shown(old_again, learnt, in_old_terms, most)
    coming_and_going = _comings_and_goings(differences)
    return tuple(found for found in differences if not shown.excuses(found, coming_and_going))


def learnt_paths(evidence: NoiseEvidence) -> frozenset[PathAndKind]:
    """The paths at which old surely differs from itself: often enough, and at a rate whose interval says so."""
    return frozenset(
        (path.general_path, path.kind)
        for path in evidence.paths
        if is_noisy(path.both + path.only_again, evidence.samples)
    )


def is_noisy(differed: int, draws: int) -> bool:
    """Whether ``differed`` of ``draws`` show a rate above ``LEAST_RATE``, with ``CONFIDENCE``."""
    return differed >= LEAST_DRAWS and rate(differed, draws).low > LEAST_RATE


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate as it was seen, and the interval that covers the true one with ``CONFIDENCE`` (Clopper-Pearson)."""

    seen: float
    low: float
    high: float


@lru_cache(maxsize=1_024)
def rate(differed: int, draws: int) -> Rate:
    """The rate at which a path differs between old and old.

    Clopper and Pearson 1934, "The use of confidence or fiducial limits": exact, so that it never covers less than it
    says.

    Raises:
        ValueError: the arguments are no counts.
    """
    if not 0 <= differed <= draws:
        raise ValueError(f"no counts: {differed} of {draws}")
    if not draws:
        return Rate(0.0, 0.0, 1.0)
    tail = (1.0 - CONFIDENCE) / 2
    low = _bisect(lambda p: _at_least(differed, draws, p) < tail) if differed else 0.0
    high = 1.0 - _bisect(lambda q: _at_least(draws - differed, draws, q) < tail) if differed < draws else 1.0
    return Rate(differed / draws, low, high)


def _bisect(is_too_low: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if is_too_low(middle) else (low, middle)
    return low


def _at_least(least: int, draws: int, p: float) -> float:
    """The probability of ``least`` or more among ``draws`` at the rate ``p``."""
    if least <= draws * p:
        return 1.0 - _tail(draws - least + 1, draws, 1.0 - p)
    return _tail(least, draws, p)


def _tail(least: int, draws: int, p: float) -> float:
    """The same, summed from ``least`` upwards, where terms only fall."""
    if least > draws or p <= 0.0:
        return 0.0
    if p >= 1.0:
        return 1.0
    size = lgamma(draws + 1) - lgamma(least + 1) - lgamma(draws - least + 1)
    term = total = exp(size + least * log(p) + (draws - least) * log1p(-p))
    for count in range(least, draws):
        term *= (draws - count) / (count + 1) * p / (1.0 - p)
        total += term
        if term < total * 1e-15:
            break
    return min(total, 1.0)


class _Shown:
    """What old has shown of itself in one exchange."""

    def __init__(
        self,
        old_again: Sequence[Sequence[Difference]],
        learnt: frozenset[PathAndKind],
        in_old_terms: Callable[[str, str], str],
        most: int,
    ) -> None:
        self._most = most
        self._learnt = learnt
        self._in_old_terms = in_old_terms
        self._at: dict[PathAndKind, list[Difference]] = defaultdict(list)
        for found in (found for again in old_again for found in again):
            self._at[found.general_path, found.kind].append(found)
        each = [_comings_and_goings(again) for again in old_again]
        self._comings = {path: max(one[path] for one in each) for path in {path for one in each for path in one}}

    def excuses(self, found: Difference, comings: Mapping[str, int]) -> bool:
        """Whether a difference is noise: old differs from itself there, and new does no more than old does."""
        kinds = _PRESENCE if found.kind in _PRESENCE else {found.kind}
        own = [other for kind in kinds for other in self._at.get((found.general_path, kind), ())]
        is_learnt = any((found.general_path, kind) in self._learnt for kind in kinds)
        if found.kind in _NEVER or not (own or is_learnt):
            return False
        if found.kind is DifferenceKind.ORDER:
            return True
        if found.kind in _PRESENCE:
            seen = _values(own)
            is_known = found.new is None or not seen or is_alike(found.new, seen)
            return is_known and self._come_and_go(found.general_path, comings[found.general_path])
        if found.kind is DifferenceKind.VALUE and found.new is not None:
            found = replace(found, new=self._in_old_terms(found.general_path, found.new))
        if found.kind in _VALUES:
            return _is_of_old(found, own, is_learnt=is_learnt)
        return found.new in _values(own)

    def _come_and_go(self, general_path: str, count: int) -> bool:
        own = self._comings.get(general_path, 0)
        return own >= self._most if count >= self._most else count <= max(1, 2 * own)


def _comings_and_goings(differences: Iterable[Difference]) -> Counter[str]:
    """By generalised path, how many things are missing or how many are surplus, whichever is more."""
    counts = Counter((found.general_path, found.kind) for found in differences if found.kind in _PRESENCE)
    most: Counter[str] = Counter()
    for (path, _), count in counts.items():
        most[path] = max(most[path], count)
    return most


def _is_of_old(found: Difference, own: Sequence[Difference], *, is_learnt: bool) -> bool:
    """Whether the new value has a type, a form and a range that old has shown."""
    here = _values([other for other in own if other.path == found.path])
    seen = [*(here if len(set(here)) > 1 else _values(own)), *_values([found])[:1]]
    new = found.new
    if new is None or found.old is None:  # a header that one side lacks
        return is_learnt or any((other.old is None) or (other.new is None) for other in own)
    if found.kind is not DifferenceKind.TYPE:
        return is_alike(new, seen)
    new_type, new_text = _typed(new)
    of_type = [text for kind, text in map(_typed, seen) if kind == new_type]
    if not of_type:
        # Old has not shown it in this exchange. Null is like being absent: whether it is there is the noise.
        return is_learnt and "null" in {new_type, _typed(found.old)[0]}
    return new_type not in {"number", "text"} or is_alike(new_text, of_type)


def _values(differences: Iterable[Difference]) -> list[str]:
    return [value for found in differences for value in (found.old, found.new) if value is not None]


def _typed(said: str) -> tuple[str, str]:
    """Type and text of a value as differences of type carry it: texts in quotes, or as markup."""
    if said in {"null", "nil"}:
        return "null", ""
    if said in {"true", "false"}:
        return "truth", said
    if said.startswith('"'):
        try:
            return "text", str(orjson.loads(said))
        except orjson.JSONDecodeError:  # cut off, as it was too long to carry
            return "text", said[1:]
    if found := _ELEMENT.fullmatch(said):
        return "text", found[1] or ""
    return {"{": "object", "[": "list", "<": "elements"}.get(said[:1], "number"), said
