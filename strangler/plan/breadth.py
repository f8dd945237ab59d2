"""Comparison rules that hide more than they say, or nothing at all.

What can be read off the plan is refused or warned of here; how much a rule really hides is what ``at_most`` limits. A
rule covers another one where every place of the other is one of its own. That is decided by following both paths step
by step, which never claims too much; of two paths with several ``..`` it may not see that one covers the other.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from strangler.plan.comparison import (
    AbsenceRule,
    CodeRule,
    Compare,
    DatetimeRule,
    IgnoreRule,
    NumberRule,
    OpaqueRule,
    PresentIfRule,
    RenameRule,
    Rule,
    SetRule,
    TextRule,
)
from strangler.plan.complaint import Complaint, refusal, warning
from strangler.plan.fields import is_catch_all
from strangler.plan.rule_paths import ANY, BadPath, Label, Language, Step, parse_path
from strangler.plan.rule_paths import Path as RulePath
from strangler.plan.source import Path

WIDE_S: Final = 86_400.0
"""A tolerance of more than a day is no matter of clocks or zones."""

WIDE_NUMBER: Final = 1_000
"""A tolerance of more than this is no matter of rounding, in whatever unit."""

_OF_STRUCTURES = (SetRule, RenameRule, PresentIfRule)
"""Rules that say something of what an ignored single value is not."""

_ERRORS = ("", " ", "null", "<html><body>Service Unavailable</body></html>")
"""What no value looks like: a form that all of these have is no form."""


def check_breadth(path: Path, compare: Compare) -> Iterator[Complaint]:
    """Rules that are too broad, and rules that another one leaves nothing to do."""
    parsed = [_parsed(rule.path) for rule in compare.rules]
    for index, (rule, rule_path) in enumerate(zip(compare.rules, parsed, strict=True)):
        here = (*path, "rules", index)
        if rule_path is not None:
            yield from _check_place(here, rule, rule_path)
        yield from _check_width(here, rule)
        yield from _check_covered(here, compare.rules, parsed, index)


def _parsed(text: str) -> RulePath | None:
    try:
        return parse_path(text)
    except BadPath:
        return None  # told by ``check_rule_path``


def _check_place(here: Path, rule: Rule, path: RulePath) -> Iterator[Complaint]:
    if is_catch_all(rule.path):
        if not isinstance(rule, IgnoreRule | OpaqueRule):  # those are refused already
            message = f"{rule.as_!r} everywhere in the answer: it holds for fields that nobody thought of"
            yield warning("broad-rule", (*here, "path"), message, "name the fields that it is meant for")
        return
    is_single = path.language is Language.PART or (path.steps and str(path.steps[-1].label).startswith("@"))
    if isinstance(rule, IgnoreRule) and rule.hides == "structure" and is_single:
        message = "there is only a single value here, and no structure to hide"
        yield refusal("hides-structure", (*here, "hides"), message, "remove 'hides: structure'")
    if isinstance(rule, IgnoreRule) and path.steps and str(path.steps[-1].label).removeprefix("@") == ANY:
        if path.text.endswith("]"):
            message = "covers every element of the list: its length and all that is in it would pass"
            fix = f"name a member, such as {rule.path + '.id'!r}, or say 'as: set' if only the order differs"
        else:
            message = "covers all that is there, and whatever a release adds"
            fix = "name the fields that may differ, one rule each"
        yield refusal("ignores-all", (*here, "path"), message, fix)


def _check_width(here: Path, rule: Rule) -> Iterator[Complaint]:
    match rule:
        case OpaqueRule() if _has_no_form(rule.like):
            message = f"{rule.like!r} is the form of anything, an error page too"
            yield refusal("no-form", (*here, "like"), message, "write the form, such as '[0-9a-f]{32}'")
        case TextRule(fold=None, trim=False, spaces="keep", form=None):
            message = "it folds nothing: equal texts are equal without it"
            yield warning("idle-rule", here, message, "say fold, trim, spaces or form, or remove it")
        case TextRule(fold="case", spaces="drop", form="NFKC"):
            message = "case, white space and compatibility forms all count for nothing: little of a text is compared"
            yield warning("broad-rule", here, message, "keep what the two sides really differ in")
        case NumberRule() if rule.within > WIDE_NUMBER:
            message = f"two numbers {rule.within} apart pass for equal"
            yield warning("wide-tolerance", (*here, "within"), message, "say how far rounding can bring them apart")
        case DatetimeRule() if rule.within_s > WIDE_S:
            message = f"two times {rule.within_s / 86_400:g} days apart pass for equal"
            yield warning("wide-tolerance", (*here, "within_s"), message, "say how far clocks can be apart, in seconds")
        case CodeRule() if not rule.table:
            yield refusal("empty-table", (*here, "table"), "it makes no codes equal", "write old code: new code")
        case AbsenceRule() if len(set(rule.equal)) < 2:
            message = "it names one way of saying nothing twice"
            yield refusal("idle-rule", (*here, "equal"), message, "name two of null, absent and empty")


def _has_no_form(like: str) -> bool:
    try:
        return all(re.fullmatch(like, error, re.DOTALL) for error in _ERRORS)
    except (re.error, OverflowError, RecursionError):
        return False  # told by ``check_regex``


def _check_covered(
    here: Path, rules: Sequence[Rule], paths: Sequence[RulePath | None], index: int
) -> Iterator[Complaint]:
    """A rule that another one leaves nothing to do."""
    rule, path = rules[index], paths[index]
    for other_index, (other, other_path) in enumerate(zip(rules, paths, strict=True)):
        if other_index == index or path is None or other_path is None or path.language is not other_path.language:
            continue
        hides_below = isinstance(other, IgnoreRule) and other.hides == "structure"
        if not covers(other_path, path, below=hides_below):
            continue
        if isinstance(other, IgnoreRule) and not isinstance(rule, IgnoreRule):
            if hides_below or not isinstance(rule, _OF_STRUCTURES):
                message = f"idle: {other.path} ignores all that this rule is about"
                yield refusal("idle-rule", here, message, "remove one of the two, or name a narrower path there")
                return
            continue
        does_the_same = _means(rule) == _means(other)
        is_the_first = does_the_same and index < other_index and covers(path, other_path, below=False)
        if (hides_below or does_the_same) and not is_the_first:
            yield warning("idle-rule", here, f"idle: the rule at {other.path} does the same there", "remove it")
            return


def _means(rule: Rule) -> dict[str, object]:
    """What a rule does, whatever its place and reason."""
    return rule.model_dump(exclude={"path", "why", "at_most"})


def covers(broad: RulePath, narrow: RulePath, *, below: bool) -> bool:
    """Whether every place that ``narrow`` names is one of ``broad``'s, or with ``below`` is within one."""
    if broad.language is Language.PART:
        return broad.text.lower() == narrow.text.lower()
    return _covers(broad.steps, narrow.steps, below=below)


def _covers(broad: Sequence[Step], narrow: Sequence[Step], *, below: bool) -> bool:
    if not broad:
        return below or not narrow
    if not narrow:
        return False
    step, other = broad[0], narrow[0]
    is_met = _fits(step.label, other.label) and (step.deep or not other.deep)
    if is_met and _covers(broad[1:], narrow[1:], below=below):
        return True
    return step.deep and _covers(broad, narrow[1:], below=below)


def _fits(wanted: Label, label: Label) -> bool:
    is_attribute = isinstance(label, str) and label.startswith("@")
    if wanted == ANY:
        return not is_attribute
    return (wanted == "@*" and is_attribute) or (type(wanted) is type(label) and wanted == label)
