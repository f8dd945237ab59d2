"""The plan's comparison rules, compiled: which rules hold at a place, and whether two values there are equal. Pure.

A rule is asked in two ways. ``holds`` says whether two values that differ are equal under it. ``normal`` gives the one
form that all values equal under it share, so that list elements can be aligned by content; where equality is not
transitive (a tolerance) every value gets the same form, and aligned elements are compared afterwards.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from parity_checks.canonical.trees import ABSENT, Element, Value, is_of_schema, text_of
from parity_checks.rules import equalities, times
from parity_checks.rules.known import NOTHING_KNOWN, Known
from parity_checks.rules.parting import in_old_terms, may_part, parts
from parity_checks.rules.paths import Automaton, State
from parity_checks.rules.renaming import Renaming
from strangler.plan.comparison import (
    AbsenceRule,
    CodeRule,
    Compare,
    CustomRule,
    DatetimeRule,
    IdRule,
    IgnoreRule,
    MoneyRule,
    NumberRule,
    OpaqueRule,
    PresentIfRule,
    RenameRule,
    Rule,
    SetRule,
    TextRule,
)
from strangler.plan.rule_paths import Language, Path, is_at, parse_path
from strangler.stages import Side

Function = Callable[[str | None, str | None], bool]
"""A custom rule's function as comparison calls it; it raises ``RuleFailed`` where it has no answer."""

_NO_FUNCTIONS: Mapping[int, Function] = {}


class RuleFailed(Exception):
    """A custom rule gave no answer. The message names it and holds no value; the exchange is not compared."""


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """One operation's rules, ready for use; made once per plan entry, shared by all comparisons.

    ``rules`` are in the plan's order: the counts in a comparison's ``hidden`` have the same order. ``functions`` are
    those of custom rules, by the rule's index; one that has none fails.
    """

    operation: str
    rules: tuple[Rule, ...]
    paths: tuple[Path, ...]
    json: Automaton
    xml: Automaton
    headers: tuple[str, ...]
    show: tuple[Path, ...]
    renaming: Renaming = field(compare=False, repr=False)
    functions: Mapping[int, Function] = field(default_factory=dict, hash=False)
    known: Known = field(default=NOTHING_KNOWN, compare=False, repr=False)

    def start(self, language: Language) -> State:
        """Where the walk down a body begins."""
        return (self.json if language is Language.JSON else self.xml).start

    def at_part(self, part: str) -> tuple[int, ...]:
        """The rules about a part of the message outside of the body, such as ``headers.date``."""
        return tuple(
            index
            for index, path in enumerate(self.paths)
            if path.language is Language.PART and path.text.lower() == part.lower()
        )

    def holds(self, index: int, old: Value, new: Value) -> bool:
        """Whether two values that differ are equal under the rule of this index.

        Raises:
            RuleFailed: it is a custom rule, and its function gave no answer.
        """
        rule = self.rules[index]
        match rule:
            case CustomRule():
                return self._holds_by_function(index, rule, old, new)
            case IdRule():
                old_text, new_text = text_of(old), text_of(new)
                return None not in {old_text, new_text} and self.known.new_of(rule.of, old_text or "") == new_text
            case _:
                return holds(rule, old, new)

    def normal(self, rule: Rule, value: Value, side: Side) -> Hashable | None:
        """As the function ``normal``; of an id, the new side's for the same thing, where that is known."""
        if not isinstance(rule, IdRule):
            return normal(rule, value, side)
        text = text_of(value)
        if text is None:
            return None
        return ("id", (self.known.new_of(rule.of, text) or text) if side is Side.OLD else text)

    @property
    def may_part(self) -> bool:
        """Whether by some rule the same text on both sides may mean two different things."""
        return any(may_part(rule) for rule in self.rules) or (self.has_ids and self.known is not NOTHING_KNOWN)

    def parts(self, index: int, text: str) -> bool:
        """Whether this text, said by both sides, means two different things under the rule of this index."""
        rule = self.rules[index]
        return self.own_id(index, text) is not None if isinstance(rule, IdRule) else parts(rule, text)

    def own_id(self, index: int, old: str) -> str | None:
        """The new side's own id, where it is known and another text than old's."""
        rule = self.rules[index]
        own = self.known.new_of(rule.of, old) if isinstance(rule, IdRule) else None
        return None if own == old else own

    def in_old_terms(self, general_path: str, text: str) -> str:
        """What old would say there for what new says: in old's unit, by old's code."""
        for rule, path in zip(self.rules, self.paths, strict=True):
            if may_part(rule) and is_at(path, general_path):
                return in_old_terms(rule, text)
        return text

    @property
    def has_ids(self) -> bool:
        """Whether a rule is about ids that each side makes of its own."""
        return any(isinstance(rule, IdRule) for rule in self.rules)

    def knowing(self, known: Known) -> "CompiledRules":
        """The same rules with an identity map: without one no id is known."""
        return replace(self, known=known)

    def _holds_by_function(self, index: int, rule: CustomRule, old: Value, new: Value) -> bool:
        """A function is asked about single values, and about their absence; never about lists or structures."""
        old_text, new_text = text_of(old), text_of(new)
        if (old_text is None and absence(old) == "value") or (new_text is None and absence(new) == "value"):
            return False
        function = self.functions.get(index)
        if function is None:
            raise RuleFailed(f"custom rule {rule.path} ({rule.function}): nobody runs its function here")
        return function(old_text, new_text)


def compile_rules(operation: str, compare: Compare, functions: Mapping[int, Function] = _NO_FUNCTIONS) -> CompiledRules:
    """Compile what the plan says about comparing one operation.

    ``functions`` are those of its custom rules, by the rule's index (``parity_checks.rules.custom``).

    Raises:
        ValueError: a path, a zone, a format or a regular expression is wrong; the message names the rule's path.
    """
    paths = tuple(parse_path(rule.path) for rule in compare.rules)
    for rule in compare.rules:
        equalities.check(rule)
    return CompiledRules(
        operation=operation,
        rules=compare.rules,
        paths=paths,
        json=_automaton(paths, Language.JSON),
        xml=_automaton(paths, Language.XML),
        headers=tuple(name.lower() for name in compare.headers),
        show=tuple(parse_path(path) for path in compare.show),
        renaming=Renaming(compare.rules, paths),
        functions=functions,
    )


def _automaton(paths: tuple[Path, ...], language: Language) -> Automaton:
    return Automaton([path.steps for path in paths], skip=[path.language is not language for path in paths])


def ignoring(paths: tuple[str, ...]) -> CompiledRules:
    """Rules that ignore these paths and say nothing else: for the digest of a request.

    Raises:
        ValueError: a path is wrong.
    """
    said = {"as": "ignore", "hides": "structure", "why": "same input"}
    rules = tuple(IgnoreRule.model_validate({"path": path, **said}) for path in paths)
    return compile_rules("", Compare(rules=rules, headers=()))


def holds(rule: Rule, old: Value, new: Value) -> bool:  # noqa: PLR0911  one line per rule
    """Whether two values that differ are equal under this rule. Absent values are ``ABSENT``."""
    match rule:
        case IgnoreRule():
            return True
        case AbsenceRule():
            return absence(old) in rule.equal and absence(new) in rule.equal
        case SetRule():
            return False
    old_text, new_text = text_of(old), text_of(new)
    if old_text is None or new_text is None:
        return False
    match rule:
        case OpaqueRule():
            return equalities.is_like(old_text, rule.like) and equalities.is_like(new_text, rule.like)
        case DatetimeRule():
            return times.are_same_time(old_text, new_text, rule)
        case NumberRule():
            return equalities.are_same_number(old_text, new_text, rule.within)
        case MoneyRule():
            amount = equalities.pence(old_text, rule.old)
            return amount is not None and amount == equalities.pence(new_text, rule.new)
        case TextRule():
            return equalities.folded(old_text, rule) == equalities.folded(new_text, rule)
        case CodeRule():
            return rule.table.get(old_text) == new_text
        case RenameRule() | PresentIfRule() | IdRule() | CustomRule():
            return False
        case _:
            assert_never(rule)


def normal(rule: Rule, value: Value, side: Side) -> Hashable | None:  # noqa: PLR0911  one line per rule
    """The form that all values equal under this rule share; ``None`` where the rule says nothing about the value."""
    if isinstance(rule, AbsenceRule):
        kind = absence(value)
        return ("absent",) if kind in rule.equal else None
    text = text_of(value)
    if text is None:
        return None
    match rule:
        case IgnoreRule() | SetRule():
            return None
        case OpaqueRule():
            return ("opaque",) if equalities.is_like(text, rule.like) else None
        case DatetimeRule():
            moment = times.moment(text, rule, side)
            is_loose = rule.within_s or rule.old_zone != rule.new_zone
            return None if moment is None else ("time", None if is_loose else moment)
        case NumberRule():
            number = equalities.number(text)
            return None if number is None else ("number", None if rule.within else number)
        case MoneyRule():
            return _tagged("pence", equalities.pence(text, rule.old if side is Side.OLD else rule.new))
        case TextRule():
            return ("text", equalities.folded(text, rule))
        case CodeRule():
            return _tagged("code", rule.table.get(text) if side is Side.OLD else text)
        case RenameRule() | PresentIfRule() | IdRule() | CustomRule():
            return None
        case _:
            assert_never(rule)


def _tagged(tag: str, value: Hashable | None) -> Hashable | None:
    return None if value is None else (tag, value)


def absence(value: Value) -> str:
    """``absent``, ``null``, ``empty``, or ``value``: three ways of saying nothing, and one of saying something."""
    if value is ABSENT:
        return "absent"
    if value is None or (isinstance(value, Element) and value.text is None):
        return "null"
    if isinstance(value, Element):
        says_something = value.text or value.children or any(not is_of_schema(name) for name in value.attributes)
        return "value" if says_something else "empty"
    return "empty" if isinstance(value, str | list | dict) and not value else "value"
