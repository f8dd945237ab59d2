"""Causes that two differences of one exchange tell together: swapped fields, a renamed member. Pure."""

from collections.abc import Sequence

from parity_checks.causes.cause import Cause
from strangler.exchange import Difference, DifferenceKind
from strangler.plan.rule_paths import BadPath, Language, parse_path


def swapped(differences: Sequence[Difference]) -> tuple[tuple[str, str, Cause], ...]:
    """Fields of which each has on the new side what the other has on the old one.

    Args:
        differences: of one exchange.

    Returns:
        Both generalised paths, in the order they were found, with the cause; each path in one pair only. No rule goes
        with it: swapped fields are a defect.
    """
    values = [one for one in differences if one.kind is DifferenceKind.VALUE and one.old and one.new]
    found: dict[tuple[str, str], Cause] = {}
    taken: set[int] = set()
    for at, one in enumerate(values):
        for other_at in range(at + 1, len(values)):
            other = values[other_at]
            is_swap = one.old == other.new and one.new == other.old and _parent(one.path) == _parent(other.path)
            if is_swap and not {at, other_at} & taken and one.general_path != other.general_path:
                taken |= {at, other_at}
                words = f"{one.general_path} and {other.general_path} are swapped on the new side"
                found[one.general_path, other.general_path] = Cause(words)
    return tuple((*paths, cause) for paths, cause in found.items())


def renamed(differences: Sequence[Difference]) -> tuple[tuple[str, str, Cause], ...]:
    """Members that are missing under one name and there, with the same value, under another one beside it.

    Returns:
        The old and the new generalised path with the cause and its rule, where the value occurs once only.
    """
    missing = [one for one in differences if one.kind is DifferenceKind.MISSING and one.old]
    surplus = [one for one in differences if one.kind is DifferenceKind.SURPLUS and one.new]
    found: dict[tuple[str, str], Cause] = {}
    for one in missing:
        like = [other for other in surplus if other.new == one.old and _parent(other.path) == _parent(one.path)]
        rivals = [rival for rival in missing if rival.old == one.old and _parent(rival.path) == _parent(one.path)]
        if len(like) == len(rivals) == 1:
            rule = _rename(one.general_path, like[0].general_path)
            words = f"the new side calls {one.general_path} {_name(like[0].general_path)}"
            found[one.general_path, like[0].general_path] = Cause(words, rule)
    return tuple((*paths, cause) for paths, cause in found.items())


def _rename(old: str, new: str) -> dict[str, str] | None:
    try:
        path = parse_path(old)
    except BadPath:
        return None
    if path.language is Language.PART or not path.steps or not isinstance(path.steps[-1].label, str):
        return None
    return {"path": old, "as": "rename", "to": _name(new), "why": ""}


def _name(path: str) -> str:
    try:
        steps = parse_path(path).steps
    except BadPath:
        return path
    return str(steps[-1].label) if steps else path


def _parent(path: str) -> str:
    if path.endswith("']"):
        return path.rpartition("['")[0]
    return path.rpartition("." if path.startswith("$") else "/")[0]
