"""Whether a difference is about the part of an answer that some paths name. Pure."""

from collections.abc import Sequence

from parity_checks.rules.paths import Automaton
from strangler.exchange import Difference, DifferenceKind
from strangler.plan.rule_paths import ANY, BadPath, Language, Path, parse_path

_WHOLE = frozenset({DifferenceKind.STATUS, DifferenceKind.MEDIA_TYPE, DifferenceKind.UNPARSABLE})
_OF_ALL_BELOW = frozenset({DifferenceKind.MISSING, DifferenceKind.SURPLUS, DifferenceKind.TYPE})


def concerns(only: Sequence[str], found: Difference) -> bool:
    """Whether the difference is at one of these paths, below it, or takes it away with what it stands in.

    An answer that is another one as a whole (its status, its media type, one that does not parse) concerns every path.

    Raises:
        BadPath: one of the paths is none.
    """
    if found.kind in _WHOLE:
        return True
    return any(_is_at(parse_path(path), found) for path in only)


def _is_at(path: Path, found: Difference) -> bool:
    try:
        place = parse_path(found.general_path)
    except BadPath:  # such as "/", the whole document
        return True
    if place.language is not path.language:
        return False
    if path.language is Language.PART:
        return place.text.lower() == path.text.lower()
    state = Automaton([path.steps]).start
    for step in place.steps:
        state = state.step(-1 if step.label == ANY else step.label)
        if state.hits:
            return True
    if found.kind not in _OF_ALL_BELOW or state.is_dead or not path.steps:
        return False
    label = str(path.steps[-1].label).removeprefix("@")
    return label == ANY or any(label in (shown or "") for shown in (found.old, found.new))
