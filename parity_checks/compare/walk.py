"""Two bodies walked down together; every place where they disagree becomes a difference. Pure.

The rules are followed on the way down as automaton states, so a place costs the same however many rules there are.
A rule hides exactly what it names, and everything it hides is counted.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from parity_checks.canonical.trees import ABSENT, Element, Json, Value, Written, local_name, text_of
from parity_checks.compare.align import Alignment, Contents, align, align_by_identity, align_without_order
from parity_checks.compare.anatomy import (
    SINGLE,
    are_equally_often,
    are_same,
    are_surely_same,
    canonical,
    equal_ends,
    groups_of,
    kind_of,
    member,
    texts,
    unlike,
)
from parity_checks.compare.content import content, hides, is_optional, label_of, renamed, set_rule
from parity_checks.compare.findings import Findings, Place, WholeName
from parity_checks.rules.compiled import CompiledRules
from parity_checks.rules.paths import State
from strangler.exchange import DifferenceKind
from strangler.plan.comparison import IgnoreRule, SetRule, TextRule
from strangler.plan.rule_paths import Language
from strangler.stages import Side

Exact = Callable[[Any], Any]
"""Gives what was read quickly its exact numbers back."""


_FEW: Final = 8
"""So many elements are told apart one by one rather than by their contents."""


def _as_it_is(value: Value) -> Value:
    return value


class Walk:
    """One comparison of two bodies in one language."""

    def __init__(
        self,
        rules: CompiledRules,
        language: Language,
        findings: Findings,
        exactly: tuple[Exact, Exact] = (_as_it_is, _as_it_is),
    ) -> None:
        self._rules = rules
        self._language = language
        self._findings = findings
        self._old_exactly, self._new_exactly = exactly

    def compare(self, old: Value, new: Value) -> None:
        """Walk down from the roots.

        Raises:
            AmbiguousNumberError: the bodies must be read with exact numbers.
        """
        start = self._rules.start(self._language)
        if not (isinstance(old, Element) and isinstance(new, Element)):
            self._pair(old, new, start, None)
            return
        for name in renamed(start, self._rules, {new.name}, {old.name}).values():
            if name == old.name:
                self._renamed(start, name)
                new = Element(name, new.attributes, new.text, new.children)
        if old.name != new.name:
            self._findings.add(DifferenceKind.VALUE, None, old.name, new.name)
        else:
            self._pair(old, new, start.step(local_name(old.name)), (None, old.name, None))

    def _pair(self, old: Value, new: Value, state: State, place: Place) -> None:
        ignoring = self._ignoring(old, new, state) if state.hits else None
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
            if self._language is Language.XML:
                self._elements(old, new, state, place)
            else:  # a part of a multipart body
                with self._findings.within(place):
                    Walk(self._rules, Language.XML, self._findings).compare(old, new)
        elif not are_same(old, new) or (state.hits and self._is_spelled_otherwise(old, new, state)):
            self._differ(old, new, state, place)

    def _is_spelled_otherwise(self, old: Value, new: Value, state: State) -> bool:
        """Whether two equal numbers are different texts, where a rule says that they are text."""
        return (
            isinstance(old, Written)
            and isinstance(new, Written)
            and old.text != new.text
            and any(isinstance(self._rules.rules[index], TextRule) for index in state.hits)
        )

    def _ignoring(self, old: Value, new: Value, state: State) -> int | None:
        for index in state.hits:
            rule = self._rules.rules[index]
            if isinstance(rule, IgnoreRule) and hides(rule, old) and hides(rule, new):
                return index
        return None

    def _differ(self, old: Value, new: Value, state: State, place: Place) -> None:
        """Two values that are not the same: a difference, unless a rule makes them equal."""
        old, new = self._old_exactly(old), self._new_exactly(new)
        if self._is_hidden(old, new, state):
            return
        own = self._own_id(old, new, state) if state.hits else None
        if own is None:
            self._findings.add(kind_of(old, new), place, old, new)
        else:
            self._findings.add(DifferenceKind.IDENTITY, place, old, f"{text_of(new)} (is {own})")

    def _own_id(self, old: Value, new: Value, state: State) -> str | None:
        """The new side's own id, where it answers with the old side's: to a caller an id that it does not know."""
        text = text_of(old)
        if text is None or text != text_of(new):
            return None
        return next((own for index in state.hits if (own := self._rules.own_id(index, text)) is not None), None)

    def _lone(self, old: Value, new: Value, parent: Value, state: State, place: Place) -> None:
        """What only one side has. ``parent`` is what it stands in on the old side, or would."""
        optional = is_optional(parent, state, self._rules) if state.hits else None
        if optional is not None and self._ignoring(old, new, state) is None:
            self._findings.hide(optional)
        else:
            self._pair(old, new, state, place)

    def _renamed(self, state: State, old_name: str) -> None:
        """Count a rename that was met: it has hidden that one name is missing and another surplus."""
        label = label_of(old_name)
        self._findings.hide(next(rename.rule for rename in self._rules.renaming.at(state) if rename.old == label))

    def _objects(self, old: dict[str, Json], new: dict[str, Json], state: State, place: Place) -> None:
        back = {
            rename.new: rename.old
            for rename in self._rules.renaming.at(state)
            if rename.new in new and rename.new not in old and rename.old not in new
        }
        forth = {name: found for found, name in back.items()}
        for name, old_member in old.items():
            found = forth.get(name, name) if forth else name
            if found is not name:
                self._renamed(state, name)
            new_member = new.get(found, ABSENT)
            if old_member == new_member:
                kind = type(old_member)
                if kind in SINGLE and kind is type(new_member):
                    continue
                if are_surely_same(old_member, new_member):
                    continue
            place_there = (place, name, None)
            if new_member is ABSENT:
                self._lone(old_member, ABSENT, old, state.step(name), place_there)
            else:
                self._pair(old_member, new_member, state.step(name), place_there)
        if len(old) == len(new) and not back and old.keys() == new.keys():
            return
        for found, new_member in new.items():
            name = back.get(found, found)
            if name not in old:
                self._lone(ABSENT, new_member, old, state.step(name), (place, found, None))

    def _lists(self, old: Sequence[Json], new: Sequence[Json], state: State, place: Place) -> None:
        if bool(old) != bool(new) and self._is_hidden(list(old), list(new), state):
            return
        rule = set_rule(state, self._rules) if state.hits else None
        if rule is None and len(old) == len(new):
            apart = self._apart(old, new, state)
            if apart is not None:
                for at in apart:
                    self._pair(old[at], new[at], state.step(at), (place, None, at))
                return
        head, tail = equal_ends(old, new)
        alignment = self._aligned(old, new, (head, tail), state, rule)
        for old_at, new_at in unlike(old, new, alignment.pairs):
            self._pair(old[old_at], new[new_at], state.step(old_at), (place, None, old_at))
        for at in alignment.missing:
            self._pair(old[at], ABSENT, state.step(at), (place, None, at))
        for at in alignment.surplus:
            self._pair(ABSENT, new[at], state.step(at), (place, None, at))
        self._moved(alignment, len(old) - len(alignment.missing), place)

    @staticmethod
    def _apart(old: Sequence[Json], new: Sequence[Json], state: State) -> Sequence[int] | None:
        """Indexes at which two lists of one size differ, if each of them was surely changed where it stands."""
        apart = [at for at, value in enumerate(old) if value != new[at]]
        if any(before + 1 == at for before, at in pairwise(apart)):
            return None  # two side by side: which is which must be weighed
        like = set(range(len(old))).difference(apart) if apart else range(len(old))
        if not are_surely_same([old[at] for at in like], [new[at] for at in like]):
            return None
        if len(apart) > 1:
            if not state.is_last:
                return None  # rules may make elements equal that are written differently
            old_texts, new_texts = texts([old[at] for at in apart]), texts([new[at] for at in apart])
            if old_texts is None or new_texts is None or not set(old_texts).isdisjoint(new_texts):
                return None
        return apart

    def _aligned(
        self,
        old: Sequence[Value],
        new: Sequence[Value],
        equal: tuple[int, int],
        state: State,
        rule: SetRule | None,
    ) -> Alignment:
        """Align two lists, but for their equal ends; ``state`` is the rules' state of a list, or of XML elements."""
        head, tail = equal
        old_size, new_size = len(old) - head - tail, len(new) - head - tail
        by = rule.by if rule else None
        if old_size == new_size == 1 and by is None:
            return Alignment(((head, head),), (), ())
        if not old_size or not new_size:
            return Alignment((), tuple(range(head, head + old_size)), tuple(range(head, head + new_size)))
        old_middle, new_middle = old[head : head + old_size], new[head : head + new_size]
        is_list = not isinstance(old[head], Element | str) or self._language is Language.JSON
        found = self._by_texts(old_middle, new_middle, state, rule) if by is None and is_list else None
        if found is None:
            longest = range(head, head + max(old_size, new_size))
            states = [state.step(at) if is_list else state for at in longest]
            old_contents = self._contents(old_middle, states, Side.OLD, by)
            new_contents = self._contents(new_middle, states, Side.NEW, by)
            found = _align(old_contents, new_contents, rule)
        if not head:
            return found
        return Alignment(
            tuple((old_at + head, new_at + head) for old_at, new_at in found.pairs),
            tuple(at + head for at in found.missing),
            tuple(at + head for at in found.surplus),
            found.moved,
        )

    def _by_texts(
        self, old: Sequence[Value], new: Sequence[Value], state: State, rule: SetRule | None
    ) -> Alignment | None:
        """The quick way: where no rule says anything about the elements or what is in them."""
        if not state.is_last:
            return None
        old_texts = texts(old)
        new_texts = texts(new) if old_texts is not None else None
        if old_texts is None or new_texts is None:
            return None

        def closely(values: Sequence[Value], side: Side) -> Callable[[int], Hashable]:
            return lambda at: content(values[at], state.nowhere, self._rules, side)

        old_contents = Contents(old_texts, None, closely(old, Side.OLD))
        new_contents = Contents(new_texts, None, closely(new, Side.NEW))
        if rule is not None and len(old) == len(new) and are_equally_often(old_texts, new_texts):
            return Alignment((), (), ())  # the very same elements: no pair of them needs a look
        other = {text: canonical(text) for text in set(old_texts).symmetric_difference(new_texts)}
        if None in other.values():
            return None
        if other:
            old_contents = replace(old_contents, keys=[other.get(text, text) for text in old_texts])
            new_contents = replace(new_contents, keys=[other.get(text, text) for text in new_texts])
        return _align(old_contents, new_contents, rule)

    def _contents(self, values: Sequence[Value], states: Sequence[State], side: Side, by: str | None) -> Contents:
        keys = [self._content(value, state, side, by) for value, state in zip(values, states, strict=False)]
        return Contents(keys, lambda at: content(values[at], states[at].nowhere, self._rules, side), keys.__getitem__)

    def _content(self, value: Value, state: State, side: Side, by: str | None) -> Hashable:
        if by is not None:
            identity, identity_state = member(value, by, state)
            if identity is not ABSENT:
                return ("by", content(identity, identity_state, self._rules, side))
        return content(value, state, self._rules, side)

    def _moved(self, alignment: Alignment, count: int, place: Place) -> None:
        if alignment.moved:
            said = f"{alignment.moved} of {count} at another place"
            self._findings.add(DifferenceKind.ORDER, place, f"{count} in this order", said)

    def _elements(self, old: Element, new: Element, state: State, place: Place) -> None:
        back = self._names_back(old, new, state)
        attributes = _attributes(old, new, back)
        whole = _whole_names(attributes.keys()) if len(attributes) > 1 else {}
        for name, (old_text, new_text, found) in attributes.items():
            if old_text != new_text:
                where = state.step(label_of(name)), (place, whole.get(found, found), None)
                if old_text is ABSENT or new_text is ABSENT:
                    self._lone(old_text, new_text, old, *where)
                else:
                    self._pair(old_text, new_text, *where)
        if not old.children and not new.children:
            if old.text != new.text:
                self._differ(old.text, new.text, state, place)
        elif old.text == new.text == "":
            self._children(old, new, state, place, back)
        else:
            self._differ(old, new, state, place)

    def _names_back(self, old: Element, new: Element, state: State) -> dict[str, str]:
        """New names of attributes and children, and the old names that they are met under."""
        if not self._rules.renaming.at(state):
            return {}
        old_names, new_names = ({*_names(one), *("@" + name for name in one.attributes)} for one in (old, new))
        back = renamed(state, self._rules, new_names, old_names)
        for name in back.values():
            if name in old_names:
                self._renamed(state, name)
        return back

    def _children(self, old: Element, new: Element, state: State, place: Place, back: Mapping[str, str]) -> None:
        old_names, new_names = _names(old), [back.get(name, name) for name in _names(new)]
        whole = _whole_names({*old_names, *new_names, *back})
        if old_names == new_names and len(set(old_names)) == len(old_names):
            for name, old_child, new_child in zip(old_names, old.children, new.children, strict=True):
                below = state.step(label_of(name))
                called = whole.get(name, name)
                if below.hits or state.hits:
                    self._group((called, called), [old_child], [new_child], (old, state), place)
                else:
                    self._pair(old_child, new_child, below, (place, called, None))
            return
        old_groups, new_groups = groups_of(old.children, old_names), groups_of(new.children, new_names)
        forth = {name: found for found, name in back.items()}
        for name in dict.fromkeys((*old_groups, *new_groups)):
            found = forth.get(name, name) if name not in old_groups else name
            names = whole.get(name, name), whole.get(found, found)
            self._group(names, old_groups.get(name, []), new_groups.get(name, []), (old, state), place)
        if set_rule(state, self._rules) is None:
            self._element_order(old_names, new_names, state, place)

    def _group(
        self, names: tuple[str, str], old: list[Value], new: list[Value], parent: tuple[Element, State], place: Place
    ) -> None:
        """The children of one name on both sides: one against one, or two lists.

        ``names`` are what rules call them, and what they are called where they are.
        """
        name, found = names
        state = parent[1].step(label_of(name))
        rule = set_rule(state, self._rules) or set_rule(parent[1], self._rules)
        if len(old) == len(new) == 1 and (rule is None or rule.by is None):
            self._pair(old[0], new[0], state, (place, name, None))
            return
        if not old or not new:
            for at, value in enumerate(old or new):
                where = (place, found, _position(at, old or new))
                self._lone(value if old else ABSENT, value if new else ABSENT, parent[0], state, where)
            return
        apart = self._changed(old, new, state) if rule is None and len(old) == len(new) else None
        if apart is not None:
            for at in apart:
                self._pair(old[at], new[at], state, (place, name, _position(at, old)))
            return
        alignment = self._aligned(old, new, equal_ends(old, new), state, rule)
        for old_at, new_at in alignment.pairs:
            self._pair(old[old_at], new[new_at], state, (place, name, _position(old_at, old)))
        for at in alignment.missing:
            self._pair(old[at], ABSENT, state, (place, name, _position(at, old)))
        for at in alignment.surplus:
            self._pair(ABSENT, new[at], state, (place, name, _position(at, new)))
        self._moved(alignment, len(old) - len(alignment.missing), (place, name, None))

    def _changed(self, old: Sequence[Value], new: Sequence[Value], state: State) -> Sequence[int] | None:
        """Like ``_apart``, for elements of one name."""
        apart = [at for at, value in enumerate(old) if value is not new[at] and value != new[at]]
        if any(before + 1 == at for before, at in pairwise(apart)):
            return None
        if len(apart) > 1 and self._is_any_elsewhere(old, new, apart, state):
            return None
        return apart

    def _is_any_elsewhere(self, old: Sequence[Value], new: Sequence[Value], apart: Sequence[int], state: State) -> bool:
        if len(apart) <= _FEW and state.is_dead:
            return any(old[at] == new[other] for at in apart for other in apart if at != other)
        old_keys = {content(old[at], state, self._rules, Side.OLD) for at in apart}
        return not old_keys.isdisjoint([content(new[at], state, self._rules, Side.NEW) for at in apart])

    def _element_order(self, old_names: list[str], new_names: list[str], state: State, place: Place) -> None:
        """Elements of different names that stand in another order."""
        if old_names == new_names:
            return
        old_names, new_names = self._ordered(old_names, state), self._ordered(new_names, state)
        if old_names == new_names:
            return
        # What is missing or surplus has been told: only names that stand elsewhere count.
        if align(Contents.plain(old_names), Contents.plain(new_names)).moved:
            both = set(old_names) & set(new_names)
            said = (_named([name for name in names if name in both]) for names in (old_names, new_names))
            self._findings.add(DifferenceKind.ORDER, place, *said)

    def _ordered(self, names: list[str], state: State) -> list[str]:
        """The names without those that are ignored."""
        told = {name for name in set(names) if self._ignoring(ABSENT, ABSENT, state.step(label_of(name))) is None}
        return [name for name in names if name in told]

    def _is_hidden(self, old: Value, new: Value, state: State) -> bool:
        for index in state.hits:
            if isinstance(self._rules.rules[index], IgnoreRule):
                continue  # it was asked before, and means only single values
            if self._rules.holds(index, old, new):
                self._findings.hide(index)
                return True
        return False


def _names(element: Element) -> list[str]:
    return [("#text" if isinstance(child, str) else child.name) for child in element.children]


def _whole_names(names: Collection[str]) -> dict[str, str]:
    """Those of the names that have a namespace and share their local name with another one."""
    often = Counter(map(local_name, names))
    if len(often) == len(names):
        return {}
    return {name: WholeName(name) for name in names if "{" in name and often[local_name(name)] > 1}


def _attributes(old: Element, new: Element, back: Mapping[str, str]) -> dict[str, tuple[Value, Value, str]]:
    """Attributes of both sides by name (with ``@``): the values, and what it is called where it is."""
    found: dict[str, tuple[Value, Value, str]] = {
        "@" + name: (text, ABSENT, "@" + name) for name, text in old.attributes.items()
    }
    for name, text in new.attributes.items():
        called = back.get("@" + name, "@" + name)
        old_text, _, place = found.get(called, (ABSENT, ABSENT, "@" + name))
        found[called] = (old_text, text, place)
    return found


def _align(old: Contents, new: Contents, rule: SetRule | None) -> Alignment:
    if rule is None:
        return align(old, new)
    return align_by_identity(old, new) if rule.by else align_without_order(old, new)


def _position(at: int, group: Sequence[Value]) -> int | None:
    return at + 1 if len(group) > 1 else None


def _named(names: Sequence[str]) -> str:
    return " ".join(local_name(name) for name in names)
