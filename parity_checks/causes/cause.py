"""What a cause is, and how the rule that goes with it is made sure of. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from parity_checks.canonical.trees import ABSENT, Element, Value
from parity_checks.rules.compiled import holds
from parity_checks.rules.equalities import check
from strangler.plan.comparison import Rule

_RULE: TypeAdapter[Rule] = TypeAdapter(Rule)

Pair = tuple[str, str]
"""What old and new say at one path, both as text."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why two sides' values differ, as far as they tell themselves.

    ``words`` is one sentence without any of the values, but for codes. ``rule`` is the entry for the plan's
    ``compare.rules`` that would make all samples equal, its ``why`` empty; ``None`` where no rule can, or none should.
    """

    words: str
    rule: Mapping[str, Any] | None = None


Detector = Callable[[Sequence[Pair]], Cause | None]
"""Tells a cause that explains every pair it is given, its rule without ``path`` and ``why``; at least one pair is."""


_SAID: dict[str | None, Value] = {None: ABSENT, "null": None, "nil": None, "[]": [], "{}": {}}


def read_back(said: str | None, *, is_quoted: bool = False) -> Value:
    """A value as a difference carries it (``parity_checks.canonical.trees.shown``), read back as well as can be."""
    if said is None or said in _SAID:
        return _SAID[said]
    if not is_quoted:
        return said
    if said in {"true", "false"}:
        return said == "true"
    if said[:1] in {'"', "[", "{"}:
        try:
            return orjson.loads(said)  # type: ignore[no-any-return]
        except orjson.JSONDecodeError:  # cut off, as it was too long to carry
            return said.removeprefix('"')
    inner = said.partition(">")[2].rpartition("<")[0]
    return Element("e", {}, inner, ("…",) if "<" in inner else ()) if said.startswith("<") else said


def holds_for(rule: Mapping[str, Any], values: Sequence[tuple[Value, Value]]) -> bool:
    """Whether a rule (``path`` and ``why`` are no matter) makes all these pairs of values equal."""
    try:
        made = _RULE.validate_python({**rule, "path": "$.a", "why": "to be said"})
        check(made)
    except (ValidationError, ValueError):
        return False
    return all(holds(made, old, new) for old, new in values)
