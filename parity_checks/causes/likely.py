"""One finding's likely cause, and the rule that would accept it. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from parity_checks.causes.cause import Cause, Detector, Pair, holds_for, read_back
from parity_checks.causes.moments import times
from parity_checks.causes.numbers import numbers
from parity_checks.causes.presence import list_end, nothing, other_type
from parity_checks.causes.texts import charset, codes, cut, each_its_own, folding, truth, word_order
from strangler.exchange import DifferenceKind
from strangler.plan.comparison import CodeRule, Rule
from strangler.plan.rule_paths import BadPath, Language, is_at, parse_path

LEAST_SHARE: Final = 0.75
"""Of the samples; a cause that explains fewer is not told."""

_LEAST_SAMPLES = 3
"""That a cause must explain where it does not explain all."""

Sample = tuple[str | None, str | None]

_OF_ONE: tuple[Detector, ...] = (folding, truth, numbers, times, charset, cut, word_order)
"""What one pair of values may tell already."""

_OF_VALUES: tuple[Detector, ...] = (*_OF_ONE, codes, each_its_own)
_WITH_VALUES = {DifferenceKind.VALUE, DifferenceKind.HEADER}
_PRESENCE = {DifferenceKind.MISSING, DifferenceKind.SURPLUS}


def likely_cause(
    kind: DifferenceKind,
    general_path: str,
    samples: Sequence[Sample],
    *,
    paths: Sequence[str] = (),
    rules: Sequence[Rule] = (),
) -> Cause | None:
    """Why old and new differ in one finding, where its samples tell.

    Args:
        kind: the finding's kind of difference.
        general_path: its path, as its differences carry it.
        samples: pairs of old and new value in the clear, as differences carry them.
        paths: concrete paths of its differences: they tell where lists end.
        rules: the plan's rules for the operation: a code that their tables lack is told as such.

    Returns:
        The cause, its rule (if any) complete but for ``why``; ``None`` where nothing is likely.
    """
    if kind is DifferenceKind.ORDER:
        return _with_path(Cause("the same elements, in another order", {"as": "set"}), general_path)
    if not samples:
        return None
    is_quoted = kind is DifferenceKind.TYPE
    values = [(read_back(old, is_quoted=is_quoted), read_back(new, is_quoted=is_quoted)) for old, new in samples]
    found = _found(kind, general_path, samples, paths, rules) or nothing(values)
    if found is None:
        return None
    if found.rule is not None and not holds_for(found.rule, values):
        return Cause(found.words)
    return _with_path(found, general_path)


def _with_path(cause: Cause, general_path: str) -> Cause:
    """The cause with a rule for the path; without one where no rule can name it, or rules have no say there."""
    if cause.rule is None:
        return cause
    try:
        path = parse_path(general_path)
    except BadPath:
        return Cause(cause.words)
    if path.language is Language.PART and not general_path.startswith("headers."):
        return Cause(cause.words)
    rule: Mapping[str, Any] = {"path": general_path, **cause.rule, "why": ""}
    return Cause(cause.words, rule)


def _found(
    kind: DifferenceKind, general_path: str, samples: Sequence[Sample], paths: Sequence[str], rules: Sequence[Rule]
) -> Cause | None:
    if kind in _PRESENCE:
        return list_end(paths, is_missing=kind is DifferenceKind.MISSING)
    pairs = [(old, new) for old, new in samples if old is not None and new is not None]
    if len(pairs) < len(samples) or kind not in _WITH_VALUES:
        return other_type(pairs) if kind is DifferenceKind.TYPE and len(pairs) == len(samples) else None
    if pairs and all(old == new for old, new in pairs):
        return Cause("the same text on both sides, which a rule at this path says means two different things")
    found = _unlisted(general_path, pairs, rules)
    told = (cause for detect in _OF_VALUES if (cause := detect(pairs)) is not None)
    return found or next(told, None) or _of_most(pairs)


def _of_most(pairs: Sequence[Pair]) -> Cause | None:
    """What explains most pairs, each taken alone; with no rule, for it would not hold for all."""
    told = Counter(cause.words for pair in pairs if (cause := _of_one(pair)) is not None)
    words, count = next(iter(told.most_common(1)), ("", 0))
    if count < _LEAST_SAMPLES or count < LEAST_SHARE * len(pairs):
        return None
    return Cause(f"in {count} of {len(pairs)} samples: {words}")


def _of_one(pair: Pair) -> Cause | None:
    return next((found for detect in _OF_ONE if (found := detect([pair])) is not None), None)


def _unlisted(general_path: str, pairs: Sequence[Pair], rules: Sequence[Rule]) -> Cause | None:
    """Codes of old that the path's code table lacks."""
    for rule in rules:
        if not isinstance(rule, CodeRule) or not is_at(parse_path(rule.path), general_path):
            continue
        lacking = {old: new for old, new in pairs if old not in rule.table}
        if not lacking:
            return None
        words = f"the code table of {rule.path} has no entry for {', '.join(sorted(lacking))}"
        return Cause(words, {"as": "code", "table": {**rule.table, **lacking}})
    return None
