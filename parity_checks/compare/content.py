"""The content of a value as one hashable form that all values equal under the rules share. Pure.

Lists are aligned by it, and the digest that makes two requests the same input is made of it.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Set
from decimal import Decimal
from typing import Final

from parity_checks.canonical.json_body import AmbiguousNumberError
from parity_checks.canonical.trees import Element, Foreign, Json, Value, local_name, number_text, text_of
from parity_checks.compare.anatomy import has_children, member
from parity_checks.rules.compiled import CompiledRules
from parity_checks.rules.paths import State
from strangler.plan.comparison import AbsenceRule, IgnoreRule, PresentIfRule, SetRule
from strangler.plan.rule_paths import Label
from strangler.stages import Side

DROPPED: Final = ("dropped",)
"""The content of what a rule makes as good as absent."""


def content(value: Value, state: State, rules: CompiledRules, side: Side) -> Hashable:
    """The value's content at this place.

    Raises:
        AmbiguousNumberError: a rule looks at how a number is written, and the body was read without that.
    """
    has_order = True
    folded: Hashable | None = None
    for index in state.hits:
        rule = rules.rules[index]
        if isinstance(rule, IgnoreRule):
            if hides(rule, value):
                return DROPPED
        elif isinstance(rule, SetRule):
            has_order = False
        elif isinstance(value, float):
            raise AmbiguousNumberError
        elif folded is None:
            folded = rules.normal(rule, value, side)
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


def hides(rule: IgnoreRule, value: Value) -> bool:
    """Whether the rule means such a value too, and not only single ones."""
    return rule.hides == "structure" or not has_children(value)


def is_optional(value: Value, state: State, rules: CompiledRules) -> int | None:
    """The rule by which this place (``state``) may be absent, given the old side's parent (``value``) of it."""
    for index in state.hits:
        rule = rules.rules[index]
        if isinstance(rule, PresentIfRule):
            deciding = member(value, rule.member, state.nowhere)[0]
            if isinstance(deciding, float):
                raise AmbiguousNumberError
            if text_of(deciding) not in rule.is_:
                return index
    return None


def _scalar(value: Value) -> Hashable:
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, float):
        return ("number", number_text(Decimal(repr(value))))
    if isinstance(value, int | Decimal):
        return ("number", number_text(value))
    if isinstance(value, Foreign):
        return _scalar(value.said)
    return ("text", value) if isinstance(value, str) else ("null",)


def _object_members(
    value: dict[str, Json], state: State, rules: CompiledRules, side: Side
) -> Iterable[tuple[str, Hashable]]:
    back = {
        rename.new: rename.old for rename in rules.renaming.at(state) if rename.new in value and rename.old not in value
    }
    for found, one in value.items():
        name = back.get(found, found) if back else found
        place = state.step(name)
        if not place.hits or is_optional(value, place, rules) is None:
            yield name, content(one, place, rules, side)


def _members(pairs: Iterable[tuple[str, Hashable]]) -> frozenset[tuple[str, Hashable]]:
    return frozenset(pair for pair in pairs if pair[1] is not DROPPED)


def _listed(contents: list[Hashable], has_order: bool) -> Hashable:
    if has_order:
        return ("list", tuple(contents))
    return ("set", frozenset(Counter(contents).items()))


def _element(
    value: Element, state: State, rules: CompiledRules, side: Side, folded: Hashable | None, *, has_order: bool
) -> Hashable:
    names = [("#text" if isinstance(child, str) else child.name) for child in value.children]
    back = renamed(state, rules, {*names, *("@" + name for name in value.attributes)}, set())
    pairs: list[tuple[str, Hashable]] = []
    for attribute, text in value.attributes.items():
        name = back.get("@" + attribute, "@" + attribute)
        place = state.step(label_of(name))
        if is_optional(value, place, rules) is None:
            pairs.append((name, content(text, place, rules, side)))
    order: list[str] = []
    groups: dict[str, list[Hashable]] = {}
    for child, found_name in zip(value.children, names, strict=True):
        name = back.get(found_name, found_name)
        place = state.step(label_of(name))
        found = content(child, place, rules, side)
        if found is not DROPPED and is_optional(value, place, rules) is None:
            order.append(name)
            groups.setdefault(name, []).append(found)
    for name, contents in groups.items():
        is_list = not is_unordered(state, state.step(label_of(name)), rules)
        pairs.append((name, _listed(contents, is_list and has_order)))
    text_content = folded if folded is not None else _scalar(value.text)
    return ("element", _members(pairs), text_content, tuple(order) if has_order and len(groups) > 1 else ())


def renamed(state: State, rules: CompiledRules, here: Set[str], there: Set[str]) -> dict[str, str]:
    """Names of children and attributes (``@``) of an element that rules call otherwise, and what they call them.

    Only where this element has none of the old name, and the one ``there`` none of the new one.
    """
    found: dict[str, str] = {}
    for rename in rules.renaming.at(state):
        for name in here:
            if label_of(name) == rename.new:
                old = name[: len(name) - len(local_name(name.removeprefix("@")))] + rename.old.removeprefix("@")
                if old not in here and name not in there:
                    found[name] = old
    return found


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
