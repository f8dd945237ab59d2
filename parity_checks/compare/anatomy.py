"""What values consist of, as the walk and the alignment of lists look at them. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import compress, count
from operator import ne
from typing import Any, Final

import orjson

from parity_checks.canonical.trees import ABSENT, Blob, Element, Value, Written, is_same, local_name
from parity_checks.rules.paths import State
from strangler.exchange import DifferenceKind

_PLAIN: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
_KEYED: Final = _PLAIN | orjson.OPT_SORT_KEYS

SINGLE: Final = frozenset({str, int, float, bool, type(None), Decimal})
"""Types of JSON values of which equal ones of one type are the same."""


def are_same(old: Any, new: Any) -> bool:
    """Whether two values without children are exactly the same. A ``float`` stands for the number it is written as."""
    if type(old) is float or type(new) is float:
        if type(old) is type(new):
            return bool(old == new)
        if isinstance(old, bool) or isinstance(new, bool):
            return False
        return is_same(_decimal(old), _decimal(new))
    return is_same(old, new)


def _decimal(number: Any) -> Any:
    return Decimal(repr(number)) if type(number) is float else number


def are_surely_same(old: Any, new: Any) -> bool:
    """Whether two JSON values are exactly the same, quickly; ``False`` may only mean that a closer look is needed."""
    kind = type(old)
    if kind is not type(new) or old != new:
        return False
    if kind is not dict and kind is not list:
        return kind is not Element and kind is not Written
    try:
        # Python says that True is 1: as text they differ.
        return orjson.dumps(old, default=str, option=_PLAIN) == orjson.dumps(new, default=str, option=_PLAIN) or (
            orjson.dumps(old, default=str, option=_KEYED) == orjson.dumps(new, default=str, option=_KEYED)
        )
    except orjson.JSONEncodeError:
        return False


def equal_ends(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """How many elements at the start, and then at the end, of two lists are exactly the same."""
    shortest = min(len(old), len(new))
    head = _run(old, new, shortest)
    stop = head - 1 if head else None
    return head, _run(old[:stop:-1], new[:stop:-1], shortest - head)


def _run(old: Sequence[Any], new: Sequence[Any], longest: int) -> int:
    run = min(next(compress(count(), map(ne, old, new)), longest), longest)
    if not run or all(type(value) is Element for value in old[:run]) or are_surely_same(old[:run], new[:run]):
        return run
    return next((at for at in range(run) if not are_surely_same(old[at], new[at])), run)


def unlike(old: Sequence[Any], new: Sequence[Any], pairs: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """The pairs of two lists of JSON values that need a closer look: all but those that are surely the same."""
    like = [(old_at, new_at) for old_at, new_at in pairs if old[old_at] == new[new_at]]
    if not are_surely_same([old[at] for at, _ in like], [new[at] for _, at in like]):
        return pairs
    return [(old_at, new_at) for old_at, new_at in pairs if old[old_at] != new[new_at]]


_BETWEEN: Final = "\x00between\x00"
_SEPARATOR: Final = b"," + orjson.dumps(_BETWEEN) + b","


def texts(values: Sequence[Any]) -> Sequence[bytes] | None:
    """JSON values as texts: where these are equal, the values are. ``None`` where there are none to be had.

    All are written at once and then split, for that is many times as quick.
    """
    if len(values) < 2:
        return _written(values)
    interspersed: list[Any] = [_BETWEEN] * (2 * len(values) - 1)
    interspersed[::2] = values
    written = _written([interspersed])
    if written is None:
        return None
    found = written[0][1:-1].split(_SEPARATOR)
    return found if len(found) == len(values) else _written(values)


def _written(values: Sequence[Any]) -> list[bytes] | None:
    try:
        return [orjson.dumps(value, option=_KEYED) for value in values]
    except orjson.JSONEncodeError:
        return None


def are_equally_often(old: Sequence[bytes], new: Sequence[bytes]) -> bool:
    """Whether both hold the same texts, each as often as the other."""
    different = set(old)
    if different != set(new):
        return False
    return len(different) == len(old) == len(new) or Counter(old) == Counter(new)


_WHOLE: Final = re.compile(rb"(?<=\d)\.0(?=[,\]}]|$)")
_ODD: Final = re.compile(rb"(?:^|[:,\[])-(?:0(?:\.0)?(?:[,\]}]|$))|(?:^|[:,\[])-?\d+(?:\.\d+)?e")


def canonical(text: bytes) -> bytes | None:
    """The text that all equal values share, where 1.0 is written 1; ``None`` for what is seldom written, as 1e16.

    A string that looks like that loses its ``.0`` too: then two that differ align, and the walk tells them apart.
    """
    return None if _ODD.search(text) else _WHOLE.sub(b"", text)


def member(value: Value, name: str, state: State) -> tuple[Value, State]:
    """A JSON member, an attribute (``@name``) or a child element, and the rules' state there."""
    if isinstance(value, dict):
        return value.get(name, ABSENT), state.step(name)
    if isinstance(value, Element):
        named: Iterable[tuple[str, Value]] = (
            (("@" + local_name(attribute), text) for attribute, text in value.attributes.items())
            if name.startswith("@")
            else ((local_name(child.name), child) for child in value.children if isinstance(child, Element))
        )
        return next((found for found_name, found in named if found_name == name), ABSENT), state.step(name)
    return ABSENT, state


def groups_of(children: Sequence[Value], names: Sequence[str]) -> dict[str, list[Value]]:
    """An element's children by name."""
    groups: dict[str, list[Value]] = {}
    for child, name in zip(children, names, strict=True):
        groups.setdefault(name, []).append(child)
    return groups


def has_children(value: Value) -> bool:
    """Whether it holds other values: a list, an object or an element that is not empty."""
    if isinstance(value, Element):
        return bool(value.children)
    return isinstance(value, dict | list) and bool(value)


def kind_of(old: Value, new: Value) -> DifferenceKind:
    """How two values that are not the same differ."""
    if new is ABSENT:
        return DifferenceKind.MISSING
    if old is ABSENT:
        return DifferenceKind.SURPLUS
    if isinstance(old, Blob) and isinstance(new, Blob) and old.length != new.length:
        return DifferenceKind.LENGTH
    return DifferenceKind.VALUE if _type(old) is _type(new) else DifferenceKind.TYPE


def _type(value: Value) -> type:
    if isinstance(value, Element):
        # A nil, a text and a structure are three types.
        return type(None) if value.text is None else dict if value.children else str
    return int if isinstance(value, Decimal | float) else type(value)
