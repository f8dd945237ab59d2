"""Which element of one list is which element of the other, by content. Pure.

Contents that both lists hold equally often are matched in order by a longest increasing subsequence, and so again
between those anchors (as in patience diff; Cohen 2008): n log n, never quadratic. What is left in a gap is paired by
likeness where the gap is small, by position where it is large.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from parity_checks.compare.content import likeness

_LARGEST_GAP: Final = 4_096
"""Most pairs in a gap that are weighed one against the other."""

_FEW: Final = 48
"""Most pairs of which all runs are weighed."""

_MOST_ROUNDS: Final = 8
"""How often anchors are looked for between anchors: it bounds the cost, whatever the lists hold."""

Pairs = list[tuple[int, int]]
Places = Mapping[Hashable, list[int]]


@dataclass(frozen=True, slots=True)
class Contents:
    """What is known of the elements of one list.

    ``keys`` are equal where the rules make elements equal. ``exactly`` tells such elements apart as they are written,
    where they can be; ``closely`` gives the content that likeness is weighed by. Both are asked only where the keys
    leave it open.
    """

    keys: Sequence[Hashable]
    exactly: Callable[[int], Hashable] | None
    closely: Callable[[int], Hashable]

    @classmethod
    def plain(cls, keys: Sequence[Hashable]) -> "Contents":
        """Elements of which the keys say everything."""
        return cls(keys, None, keys.__getitem__)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Pairs of old and new indexes; what only one side has; how many elements stand at another place."""

    pairs: tuple[tuple[int, int], ...]
    missing: tuple[int, ...]
    surplus: tuple[int, ...]
    moved: int = 0


def align_by_identity(old: Contents, new: Contents) -> Alignment:
    """Align by a declared key: equal keys are the same element, wherever it stands."""
    pairs = _same_anywhere(old, new, range(len(old.keys)), range(len(new.keys)))
    return _finished(old, new, pairs)


def align_without_order(old: Contents, new: Contents) -> Alignment:
    """Align by content wherever it stands; what is left is paired by likeness."""
    pairs = _same_anywhere(old, new, range(len(old.keys)), range(len(new.keys)))
    old_left, new_left = _left(old, new, pairs)
    return _finished(old, new, pairs + _pair_alike(old, new, old_left, new_left))


def align(old: Contents, new: Contents) -> Alignment:
    """Align by content in order; elements that are equal and stand elsewhere are counted as moved."""
    in_place = align_in_place(old, new)
    if in_place is not None:
        return in_place
    in_order = _in_order(old, new, range(len(old.keys)), range(len(new.keys)), _MOST_ROUNDS)
    old_left, new_left = _left(old, new, in_order)
    elsewhere = _same_anywhere(old, new, old_left, new_left)
    old_left, new_left = _left(old, new, in_order + elsewhere)
    pairs = in_order + elsewhere
    for old_gap, new_gap in _gaps(old_left, new_left, in_order):
        pairs += _pair_alike(old, new, old_gap, new_gap)
    return _finished(old, new, pairs, moved=len(elsewhere))


def align_in_place(old: Contents, new: Contents) -> Alignment | None:
    """Where nothing stands anywhere else, what is not equal was changed, each run of it for itself; else ``None``."""
    if len(old.keys) != len(new.keys):
        return None
    apart = [at for at, key in enumerate(old.keys) if key != new.keys[at]]
    if not {old.keys[at] for at in apart}.isdisjoint([new.keys[at] for at in apart]):
        return None
    runs: defaultdict[int, list[int]] = defaultdict(list)
    for count, at in enumerate(apart):
        runs[at - count].append(at)
    pairs = list(zip(range(len(old.keys)), range(len(old.keys)), strict=True))
    for run in runs.values():
        for old_at, new_at in _pair_alike(old, new, run, run) if len(run) > 1 else ():
            pairs[old_at] = (old_at, new_at)
    return Alignment(tuple(pairs), (), ())


def _left(old: Contents, new: Contents, pairs: Pairs) -> tuple[list[int], list[int]]:
    old_paired = {at for at, _ in pairs}
    new_paired = {at for _, at in pairs}
    return (
        [at for at in range(len(old.keys)) if at not in old_paired],
        [at for at in range(len(new.keys)) if at not in new_paired],
    )


def _finished(old: Contents, new: Contents, pairs: Pairs, moved: int = 0) -> Alignment:
    old_left, new_left = _left(old, new, pairs)
    return Alignment(tuple(sorted(pairs)), tuple(old_left), tuple(new_left), moved)


def _places(keys: Callable[[int], Hashable], within: Sequence[int]) -> Places:
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for at in within:
        places[keys(at)].append(at)
    return places


def _same_anywhere(old: Contents, new: Contents, old_within: Sequence[int], new_within: Sequence[int]) -> Pairs:
    """Equal keys paired: those that are written equally first, then the first with the first."""
    old_places = _places(old.keys.__getitem__, old_within)
    new_places = _places(new.keys.__getitem__, new_within)
    pairs: Pairs = []
    for key, old_at in old_places.items():
        new_at = new_places.get(key)
        if new_at is None:
            continue
        if len(old_at) == len(new_at) == 1 or old.exactly is None or new.exactly is None:
            pairs += zip(old_at, new_at, strict=False)
        else:
            pairs += _same_writing(old.exactly, new.exactly, old_at, new_at)
    return pairs


def _same_writing(
    old: Callable[[int], Hashable], new: Callable[[int], Hashable], old_at: Sequence[int], new_at: Sequence[int]
) -> Pairs:
    new_written = _places(new, new_at[::-1])
    pairs: Pairs = []
    rest: list[int] = []
    for at in old_at:
        waiting = new_written.get(old(at))
        if waiting:
            pairs.append((at, waiting.pop()))
        else:
            rest.append(at)
    new_rest = sorted(at for waiting in new_written.values() for at in waiting)
    return pairs + list(zip(rest, new_rest, strict=False))


def _in_order(old: Contents, new: Contents, old_at: Sequence[int], new_at: Sequence[int], rounds: int) -> Pairs:
    """Equal keys paired without any two crossing."""
    if not old_at or not new_at:
        return []
    old_places, new_places = _places(old.keys.__getitem__, old_at), _places(new.keys.__getitem__, new_at)
    anchors = _longest_in_order(_equally_often(old_places, new_places), old)
    if not anchors and rounds:
        anchors = _longest_in_order(_written_equally(old, new, old_places, new_places), old)
    if not anchors:
        return _longest_in_order(_firsts(old_places, new_places), old)
    pairs = list(anchors)
    if rounds:
        for old_gap, new_gap in _gaps(old_at, new_at, anchors):
            pairs += _in_order(old, new, old_gap, new_gap, rounds - 1)
    return sorted(pairs)


def _equally_often(old: Places, new: Places) -> Pairs:
    return [
        pair
        for key, old_at in old.items()
        if len(new_at := new.get(key, ())) == len(old_at)
        for pair in zip(old_at, new_at, strict=True)
    ]


def _written_equally(old: Contents, new: Contents, old_places: Places, new_places: Places) -> Pairs:
    if old.exactly is None or new.exactly is None:
        return []
    return [
        pair
        for key in old_places.keys() & new_places.keys()
        for pair in _equally_often(_places(old.exactly, old_places[key]), _places(new.exactly, new_places[key]))
    ]


def _firsts(old: Places, new: Places) -> Pairs:
    return [pair for key, old_at in old.items() for pair in zip(old_at, new.get(key, ()), strict=False)]


def _longest_in_order(pairs: Pairs, old: Contents) -> Pairs:
    """The longest run of pairs whose new indexes rise with the old ones (Schensted 1961).

    Of few pairs, and several runs as long, it is the one nearest to both starts: then it does not matter which is old.
    """
    pairs = sorted(pairs)
    if len(pairs) <= _FEW:
        return _longest_and_nearest(pairs, old)
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
    run: Pairs = []
    at = top_pairs[-1] if top_pairs else -1
    while at >= 0:
        run.append(pairs[at])
        at = before[at]
    return run[::-1]


def _longest_and_nearest(pairs: Pairs, old: Contents) -> Pairs:
    written = [repr(old.keys[at]) for at, _ in pairs] if len(pairs) > 1 else [""]
    ranks = {text: rank for rank, text in enumerate(sorted(set(written)))}
    best: list[
        tuple[int, int, int, int]
    ] = []  # length, nearness, contents, the pair before: of the best that ends here
    for at, (old_at, new_at) in enumerate(pairs):
        before = max(
            ((*best[to][:3], to) for to in range(at) if pairs[to][0] < old_at and pairs[to][1] < new_at),
            default=(0, 0, 0, -1),
        )
        best.append((before[0] + 1, before[1] - old_at - new_at, before[2] - ranks[written[at]], before[3]))
    run: Pairs = []
    at = max(range(len(best)), key=lambda to: best[to][:3], default=-1)
    while at >= 0:
        run.append(pairs[at])
        at = best[at][3]
    return run[::-1]


def _gaps(old_left: Sequence[int], new_left: Sequence[int], anchors: Pairs) -> list[tuple[list[int], list[int]]]:
    """What both sides have between the same two anchors, and are no anchors themselves."""
    old_anchors = [at for at, _ in anchors]
    new_anchors = [at for _, at in anchors]
    gaps: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for left, sides_anchors, side in ((old_left, old_anchors, 0), (new_left, new_anchors, 1)):
        taken = set(sides_anchors)
        for at in left:
            if at not in taken:
                gaps[bisect_left(sides_anchors, at)][side].append(at)
    return [gap for gap in gaps.values() if gap[0] and gap[1]]


def _pair_alike(old: Contents, new: Contents, old_left: Sequence[int], new_left: Sequence[int]) -> Pairs:
    """Pair changed elements: those that share most with each other."""
    if len(old_left) == len(new_left) == 1 or len(old_left) * len(new_left) > _LARGEST_GAP:
        return list(zip(old_left, new_left, strict=False))
    old_close, new_close = [old.closely(at) for at in old_left], [new.closely(at) for at in new_left]
    weighed = sorted(
        (-likeness(old_content, new_content), old_at, new_at)
        for old_at, old_content in zip(old_left, old_close, strict=True)
        for new_at, new_content in zip(new_left, new_close, strict=True)
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, old_at, new_at in weighed:
        if old_at not in pairs and new_at not in taken:
            pairs[old_at] = new_at
            taken.add(new_at)
    return list(pairs.items())
