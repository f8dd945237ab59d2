"""Which element of one list is which element of the other, by content. Pure.

Equal ends are stripped, then equal contents are matched in order by a longest increasing subsequence over unique
contents (as in patience diff; Cohen 2008): n log n, never quadratic. What is left in a gap is paired by likeness where
the gap is small, by position where it is large.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from parity_checks.compare.content import likeness

_LARGEST_GAP: Final = 4_096
"""Most pairs in a gap that are weighed one against the other."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Pairs of old and new indexes; what only one side has; how many elements stand at another place."""

    pairs: tuple[tuple[int, int], ...]
    missing: tuple[int, ...]
    surplus: tuple[int, ...]
    moved: int = 0


def align_by_identity(old: Sequence[Hashable], new: Sequence[Hashable]) -> Alignment:
    """Align by a declared key: equal keys are the same element, wherever it stands."""
    pairs, old_left, new_left = _same_anywhere(old, new)
    return Alignment(tuple(sorted(pairs)), tuple(old_left), tuple(new_left))


def align_without_order(old: Sequence[Hashable], new: Sequence[Hashable]) -> Alignment:
    """Align by content wherever it stands; what is left is paired by likeness."""
    pairs, old_left, new_left = _same_anywhere(old, new)
    close = _pair_alike(old, new, old_left, new_left)
    return _finished(pairs + close, old_left, new_left, moved=0)


def align(old: Sequence[Hashable], new: Sequence[Hashable]) -> Alignment:
    """Align by content in order; elements that are equal and stand elsewhere are counted as moved."""
    head = 0
    shortest = min(len(old), len(new))
    while head < shortest and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    pairs = [(at, at) for at in range(head)]
    pairs += [(len(old) - at, len(new) - at) for at in range(tail, 0, -1)]
    old_middle, new_middle = range(head, len(old) - tail), range(head, len(new) - tail)
    same, old_left, new_left = _same_anywhere(old, new, old_middle, new_middle)
    in_order = _longest_in_order(sorted(same))
    close = _pair_gaps(old, new, old_left, new_left, in_order)
    return _finished(pairs + same + close, old_left, new_left, moved=len(same) - len(in_order))


def _finished(pairs: list[tuple[int, int]], old_left: Sequence[int], new_left: Sequence[int], moved: int) -> Alignment:
    old_paired = {old for old, _ in pairs}
    new_paired = {new for _, new in pairs}
    return Alignment(
        tuple(sorted(pairs)),
        tuple(at for at in old_left if at not in old_paired),
        tuple(at for at in new_left if at not in new_paired),
        moved,
    )


def _same_anywhere(
    old: Sequence[Hashable],
    new: Sequence[Hashable],
    old_range: range | None = None,
    new_range: range | None = None,
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Equal contents paired first with first, second with second; and what has no partner."""
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for at in reversed(new_range if new_range is not None else range(len(new))):
        places[new[at]].append(at)
    pairs: list[tuple[int, int]] = []
    old_left: list[int] = []
    for at in old_range if old_range is not None else range(len(old)):
        waiting = places.get(old[at])
        if waiting:
            pairs.append((at, waiting.pop()))
        else:
            old_left.append(at)
    new_left = sorted(at for waiting in places.values() for at in waiting)
    return pairs, old_left, new_left


def _longest_in_order(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs whose new indexes rise with the old ones (Schensted 1961)."""
    tops: list[int] = []
    top_pairs: list[int] = []
    before: list[int] = []
    for at, (_, new) in enumerate(pairs):
        place = bisect_left(tops, new)
        before.append(top_pairs[place - 1] if place else -1)
        if place == len(tops):
            tops.append(new)
            top_pairs.append(at)
        else:
            tops[place] = new
            top_pairs[place] = at
    run: list[tuple[int, int]] = []
    at = top_pairs[-1] if top_pairs else -1
    while at >= 0:
        run.append(pairs[at])
        at = before[at]
    return run[::-1]


def _pair_gaps(
    old: Sequence[Hashable],
    new: Sequence[Hashable],
    old_left: Sequence[int],
    new_left: Sequence[int],
    anchors: Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
    """Pair what is left between the same two anchors."""
    old_anchors = [old_at for old_at, _ in anchors]
    new_anchors = [new_at for _, new_at in anchors]
    gaps: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for at in old_left:
        gaps[bisect_left(old_anchors, at)][0].append(at)
    for at in new_left:
        gaps[bisect_left(new_anchors, at)][1].append(at)
    pairs: list[tuple[int, int]] = []
    for old_gap, new_gap in gaps.values():
        pairs += _pair_alike(old, new, old_gap, new_gap)
    return pairs


def _pair_alike(
    old: Sequence[Hashable], new: Sequence[Hashable], old_left: Sequence[int], new_left: Sequence[int]
) -> list[tuple[int, int]]:
    if len(old_left) == len(new_left) == 1 or len(old_left) * len(new_left) > _LARGEST_GAP:
        return list(zip(old_left, new_left, strict=False))
    weighed = sorted(
        (-likeness(old[old_at], new[new_at]), old_at, new_at) for old_at in old_left for new_at in new_left
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, old_at, new_at in weighed:
        if old_at not in pairs and new_at not in taken:
            pairs[old_at] = new_at
            taken.add(new_at)
    return list(pairs.items())
