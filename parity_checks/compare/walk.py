"""Two bodies walked down together; every place where they disagree becomes a difference. Pure.

The rules are followed on the way down as automaton states, so a place costs the same however many rules there are.
A rule hides exactly what it names, and everything it hides is counted.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from decimal import Decimal

from parity_checks.canonical.trees import ABSENT, Blob, Element, Json, Value, is_same, local_name
from parity_checks.compare.align import Alignment, align, align_by_identity, align_without_order
from parity_checks.compare.content import content, label_of, set_rule
from parity_checks.compare.findings import Findings, Place
from parity_checks.rules.compiled import CompiledRules
from parity_checks.rules.paths import State
from strangler.exchange import DifferenceKind
from strangler.plan.comparison import IgnoreRule, SetRule
from strangler.plan.rule_paths import Language
from strangler.stages import Side


class Walk:
    """One comparison of two bodies in one language."""

    def __init__(self, rules: CompiledRules, language: Language, findings: Findings) -> None:
        self._rules = rules
        self._language = language
        self._findings = findings

    def compare(self, old: Value, new: Value) -> None:
        """Walk down from the roots."""
        start = self._rules.start(self._language)
        if isinstance(old, Element) and isinstance(new, Element):
            if old.name != new.name:
                self._findings.add(DifferenceKind.VALUE, None, old.name, new.name)
                return
            self._pair(old, new, start.step(local_name(old.name)), (None, old.name, None))
        else:
            self._pair(old, new, start, None)

    def _pair(self, old: Value, new: Value, state: State, place: Place) -> None:
        ignoring = self._ignoring(state)
        if ignoring is not None:
            with self._findings.hidden_by(ignoring):
                self._disagree(old, new, state.nowhere, place)
        else:
            self._disagree(old, new, state, place)

    def _disagree(self, old: Value, new: Value, state: State, place: Place) -> None:
        if isinstance(old, dict) and isinstance(new, dict):
            self._objects(old, new, state, place)
        elif isinstance(old, list) and isinstance(new, list):
            self._lists(old, new, state, place)
        elif isinstance(old, Element) and isinstance(new, Element):
            self._elements(old, new, state, place)
        elif not is_same(old, new):
            self._differ(old, new, state, place)

    def _ignoring(self, state: State) -> int | None:
        for index in state.hits:
            if isinstance(self._rules.rules[index], IgnoreRule):
                return index
        return None

    def _differ(self, old: Value, new: Value, state: State, place: Place) -> None:
        """Two values that are not the same: a difference, unless a rule makes them equal."""
        if not self._is_hidden(old, new, state):
            self._findings.add(_kind(old, new), place, old, new)

    def _objects(self, old: Mapping[str, Json], new: Mapping[str, Json], state: State, place: Place) -> None:
        for name, old_member in old.items():
            self._pair(old_member, new.get(name, ABSENT), state.step(name), (place, name, None))
        for name, new_member in new.items():
            if name not in old:
                self._pair(ABSENT, new_member, state.step(name), (place, name, None))

    def _lists(self, old: Sequence[Json], new: Sequence[Json], state: State, place: Place) -> None:
        if bool(old) != bool(new) and self._is_hidden(list(old), list(new), state):
            return
        alignment = self._aligned(old, new, state, set_rule(state, self._rules))
        for old_at, new_at in alignment.pairs:
            self._pair(old[old_at], new[new_at], state.step(old_at), (place, None, old_at))
        for at in alignment.missing:
            self._pair(old[at], ABSENT, state.step(at), (place, None, at))
        for at in alignment.surplus:
            self._pair(ABSENT, new[at], state.step(at), (place, None, at))
        self._moved(alignment, place)

    def _aligned(self, old: Sequence[Value], new: Sequence[Value], state: State, rule: SetRule | None) -> Alignment:
        """Align list elements; ``state`` is the list's own (JSON)."""
        if len(old) == len(new) == 1 and (rule is None or rule.by is None):
            return _ONE_PAIR
        by = rule.by if rule else None
        old_contents = [self._content(value, state.step(at), Side.OLD, by) for at, value in enumerate(old)]
        new_contents = [self._content(value, state.step(at), Side.NEW, by) for at, value in enumerate(new)]
        return _align(old_contents, new_contents, rule)

    def _content(self, value: Value, state: State, side: Side, by: str | None) -> Hashable:
        if by is not None:
            member, member_state = _member(value, by, state)
            if member is not ABSENT:
                return ("by", content(member, member_state, self._rules, side))
        return content(value, state, self._rules, side)

    def _moved(self, alignment: Alignment, place: Place) -> None:
        if alignment.moved:
            count = len(alignment.pairs)
            said = f"{alignment.moved} of {count} at another place"
            self._findings.add(DifferenceKind.ORDER, place, f"{count} in this order", said)

    def _elements(self, old: Element, new: Element, state: State, place: Place) -> None:
        for name in dict.fromkeys((*old.attributes, *new.attributes)):
            old_text: Value = old.attributes.get(name, ABSENT)
            new_text: Value = new.attributes.get(name, ABSENT)
            self._pair(old_text, new_text, state.step(label_of("@" + name)), (place, "@" + name, None))
        if not old.children and not new.children:
            if old.text != new.text:
                self._differ(old.text, new.text, state, place)
        elif old.text == new.text == "":
            self._children(old, new, state, place)
        else:
            self._differ(old, new, state, place)

    def _children(self, old: Element, new: Element, state: State, place: Place) -> None:
        old_groups, new_groups = _groups(old), _groups(new)
        for name in dict.fromkeys((*old_groups, *new_groups)):
            self._group(name, old_groups.get(name, []), new_groups.get(name, []), state, place)
        if set_rule(state, self._rules) is None:
            self._element_order(old, new, state, place)

    def _group(self, name: str, old: list[Value], new: list[Value], parent: State, place: Place) -> None:
        """The children of one name on both sides: one against one, or two lists."""
        state = parent.step(label_of(name))
        rule = set_rule(state, self._rules) or set_rule(parent, self._rules)
        if len(old) == len(new) == 1 and (rule is None or rule.by is None):
            self._pair(old[0], new[0], state, (place, name, None))
            return
        by = rule.by if rule else None
        alignment = _align(
            [self._content(value, state, Side.OLD, by) for value in old],
            [self._content(value, state, Side.NEW, by) for value in new],
            rule,
        )
        for old_at, new_at in alignment.pairs:
            self._pair(old[old_at], new[new_at], state, (place, name, _position(old_at, old)))
        for at in alignment.missing:
            self._pair(old[at], ABSENT, state, (place, name, _position(at, old)))
        for at in alignment.surplus:
            self._pair(ABSENT, new[at], state, (place, name, _position(at, new)))
        self._moved(alignment, (place, name, None))

    def _element_order(self, old: Element, new: Element, state: State, place: Place) -> None:
        """Elements of different names that stand in another order."""
        old_names = self._ordered_names(old, state)
        new_names = self._ordered_names(new, state)
        if old_names == new_names:
            return
        if sorted(old_names) != sorted(new_names):  # something is missing or surplus, which has been told
            both = set(old_names) & set(new_names)
            old_names = list(dict.fromkeys(name for name in old_names if name in both))
            new_names = list(dict.fromkeys(name for name in new_names if name in both))
        if old_names != new_names:
            self._findings.add(DifferenceKind.ORDER, place, _named(old_names), _named(new_names))

    def _ordered_names(self, element: Element, state: State) -> list[str]:
        names = ("#text" if isinstance(child, str) else child.name for child in element.children)
        return [name for name in names if self._ignoring(state.step(label_of(name))) is None]

    def _is_hidden(self, old: Value, new: Value, state: State) -> bool:
        for index in state.hits:
            if self._rules.holds(index, old, new):
                self._findings.hide(index)
                return True
        return False


_ONE_PAIR = Alignment(((0, 0),), (), ())


def _align(old: Sequence[Hashable], new: Sequence[Hashable], rule: SetRule | None) -> Alignment:
    if rule is None:
        return align(old, new)
    return align_by_identity(old, new) if rule.by else align_without_order(old, new)


def _member(value: Value, by: str, state: State) -> tuple[Value, State]:
    """The member that identifies a list element: a JSON member, an attribute or a child element."""
    if isinstance(value, dict):
        return value.get(by, ABSENT), state.step(by)
    if isinstance(value, Element):
        named: Iterable[tuple[str, Value]] = (
            (("@" + local_name(name), text) for name, text in value.attributes.items())
            if by.startswith("@")
            else ((local_name(child.name), child) for child in value.children if isinstance(child, Element))
        )
        return next((found for name, found in named if name == by), ABSENT), state.step(by)
    return ABSENT, state


def _groups(element: Element) -> dict[str, list[Value]]:
    groups: dict[str, list[Value]] = {}
    for child in element.children:
        groups.setdefault("#text" if isinstance(child, str) else child.name, []).append(child)
    return groups


def _position(at: int, group: Sequence[Value]) -> int | None:
    return at + 1 if len(group) > 1 else None


def _named(names: Sequence[str]) -> str:
    return " ".join(local_name(name) for name in names)


def _kind(old: Value, new: Value) -> DifferenceKind:
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
    return int if isinstance(value, Decimal) else type(value)
