"""The content of a value as one hashable form that all values equal under the rules share. Pure.

Lists are aligned by it, and the digest that makes two requests the same input is made of it.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from typing import Final

from parity_checks.canonical.trees import Element, Value, local_name, number_text
from parity_checks.rules.compiled import CompiledRules, normal
from parity_checks.rules.paths import State
from strangler.plan.comparison import AbsenceRule, IgnoreRule, SetRule
from strangler.plan.rule_paths import Label
from strangler.stages import Side

DROPPED: Final = ("dropped",)
"""The content of what a rule makes as good as absent."""


def content(value: Value, state: State, rules: CompiledRules, side: Side) -> Hashable:
    """The value's content at this place."""
    has_order = True
    folded: Hashable | None = None
    for index in state.hits:
        rule = rules.rules[index]
        if isinstance(rule, IgnoreRule):
            return DROPPED
        if isinstance(rule, SetRule):
            has_order = False
        elif folded is None:
            folded = normal(rule, value, side)
            if folded is not None and isinstance(rule, AbsenceRule) and "absent" in rule.equal:
                return DROPPED
    match value:
        case dict():
            return ("object", _members(_object_members(value, state, rules, side)))
        case list():
            return _listed(
                [content(element, state.step(at), rules, side) for at, element in enumerate(value)], has_order
            )
        case Element():
            return _element(value, state, rules, side, folded, has_order=has_order)
        case _:
            return folded if folded is not None else _scalar(value)


def _scalar(value: Value) -> Hashable:
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, int | Decimal):
        return ("number", number_text(value))
    return ("text", value) if isinstance(value, str) else ("null",)


def _object_members(
    value: Mapping[str, Value], state: State, rules: CompiledRules, side: Side
) -> Iterable[tuple[str, Hashable]]:
    for name, member in value.items():
        yield name, content(member, state.step(name), rules, side)


def _members(pairs: Iterable[tuple[str, Hashable]]) -> frozenset[tuple[str, Hashable]]:
    return frozenset(pair for pair in pairs if pair[1] is not DROPPED)


def _listed(contents: list[Hashable], has_order: bool) -> Hashable:
    if has_order:
        return ("list", tuple(contents))
    return ("set", frozenset(Counter(contents).items()))


def _element(
    value: Element, state: State, rules: CompiledRules, side: Side, folded: Hashable | None, *, has_order: bool
) -> Hashable:
    pairs: list[tuple[str, Hashable]] = [
        ("@" + name, content(text, state.step(label_of("@" + name)), rules, side))
        for name, text in value.attributes.items()
    ]
    names: list[str] = []
    groups: dict[str, list[Hashable]] = {}
    for child in value.children:
        name = "#text" if isinstance(child, str) else child.name
        found = content(child, state.step(label_of(name)), rules, side)
        if found is not DROPPED:
            names.append(name)
            groups.setdefault(name, []).append(found)
    for name, contents in groups.items():
        is_list = not is_unordered(state, state.step(label_of(name)), rules)
        pairs.append((name, _listed(contents, is_list and has_order)))
    text = folded if folded is not None else _scalar(value.text)
    return ("element", _members(pairs), text, tuple(names) if has_order and len(groups) > 1 else ())


def label_of(name: str) -> Label:
    """What rules call an element or attribute: its local name."""
    return "@" + local_name(name[1:]) if name.startswith("@") else local_name(name)


def is_unordered(parent: State, child: State, rules: CompiledRules) -> bool:
    """Whether repeated elements have no order: a ``set`` rule names them, or the element they stand in."""
    return set_rule(parent, rules) is not None or set_rule(child, rules) is not None


def set_rule(state: State, rules: CompiledRules) -> SetRule | None:
    """The ``set`` rule at this place, if there is one."""
    for index in state.hits:
        rule = rules.rules[index]
        if isinstance(rule, SetRule):
            return rule
    return None


def likeness(old: Hashable, new: Hashable) -> float:
    """How much two contents share, 0 to 1: which changed element of a list was which."""
    if old == new:
        return 1.0
    if not (isinstance(old, tuple) and isinstance(new, tuple) and old[0] == new[0] and len(old) > 1):
        return 0.0
    old_members, new_members = old[1], new[1]
    if not (isinstance(old_members, frozenset) and isinstance(new_members, frozenset)):
        return 0.0
    return len(old_members & new_members) / max(len(old_members), len(new_members), 1)
