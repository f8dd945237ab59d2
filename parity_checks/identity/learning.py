"""What the answers to a create tell: pairs of ids, or that one side has none. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from parity_checks.compare.signature import signature
from parity_checks.identity.answers import ids_at
from strangler.exchange import Difference, DifferenceKind, Observation
from strangler.plan.comparison import LearnId


@dataclass(frozen=True, slots=True)
class Told:
    """Pairs of name, old id and new id; where the two answers do not tell equally many; and names told by neither."""

    pairs: tuple[tuple[str, str, str], ...]
    differences: tuple[Difference, ...]
    untold: tuple[str, ...]


def told(operation: str, learn: Sequence[LearnId], old: Observation, new: Observation) -> Told:
    """What two answers to one create tell. Several ids of one name belong together in the order in which they come."""
    pairs: list[tuple[str, str, str]] = []
    differences: list[Difference] = []
    untold: list[str] = []
    for one in learn:
        new_path = one.old if one.new is None else one.new
        old_ids, new_ids = ids_at(old, one.old), ids_at(new, new_path)
        if not old_ids and not new_ids:
            untold.append(one.name)
        elif len(old_ids) == len(new_ids):
            pairs += [(one.name, *pair) for pair in zip(old_ids, new_ids, strict=True)]
        else:
            kind = (
                DifferenceKind.MISSING
                if not new_ids
                else DifferenceKind.SURPLUS
                if not old_ids
                else DifferenceKind.IDENTITY
            )
            path = one.old if old_ids else new_path
            differences.append(difference(operation, kind, one.name, path, _said(old_ids), _said(new_ids)))
    return Told(tuple(pairs), tuple(differences), tuple(untold))


def difference(  # noqa: PLR0917  where it is, what it is, both values
    operation: str, kind: DifferenceKind, name: str, path: str, old: str | None, new: str | None
) -> Difference:
    """A difference in what identifies a thing. Its general path is ``ids.`` and the name."""
    general = f"ids.{name}"
    return Difference(kind, path, old, new, signature(operation, general, kind), general)


def _said(ids: tuple[str, ...]) -> str | None:
    return None if not ids else ids[0] if len(ids) == 1 else f"{len(ids)} ids"
