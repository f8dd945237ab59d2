"""What is wrong with rules about the shape of answers: what is called otherwise, and what may be lacking."""

import re
from collections.abc import Iterator
from typing import Final

from strangler.plan.comparison import Compare, PresentIfRule, RenameRule
from strangler.plan.complaint import Complaint, refusal, warning
from strangler.plan.rule_paths import ANY, BadPath, Language, parse_path
from strangler.plan.source import Path

_NAME: Final = re.compile(r"@?[^\s/\[\]{}()*:@$]+")


def check_shape_rules(path: Path, compare: Compare) -> Iterator[Complaint]:
    """The ``rename`` and ``present-if`` rules of one operation."""
    taken: dict[tuple[str, str], int] = {}
    for index, rule in enumerate(compare.rules):
        here = (*path, "rules", index)
        if isinstance(rule, RenameRule):
            yield from _check_rename(here, rule, taken, index)
        elif isinstance(rule, PresentIfRule):
            yield from _check_present_if(here, rule)


def _check_rename(path: Path, rule: RenameRule, taken: dict[tuple[str, str], int], index: int) -> Iterator[Complaint]:
    last = _last_name(rule.path)
    if last is None:
        message = "only a member, an element or an attribute has a name, and one rule is about one of them"
        yield refusal("bad-rename", (*path, "path"), message, "end the path with the old side's name of it")
        return
    name, language = last
    if rule.to == name or "@" + rule.to == name:
        yield refusal("bad-rename", (*path, "to"), f"{rule.to!r} is its own name", "remove it, or say the new name")
    is_attribute = name.startswith("@")
    odd = language is Language.XML and (_NAME.fullmatch(rule.to) is None or rule.to.startswith("@") > is_attribute)
    if odd or (language is Language.JSON and re.match(r"\$[.\[]", rule.to)):
        message = f"{rule.to!r} is no name, but a path or of another sort"
        yield refusal("bad-rename", (*path, "to"), message, "write the new side's name alone: it stays where it is")
    parent = rule.path[: rule.path.rindex(name.removeprefix("@"))] if name.removeprefix("@") in rule.path else rule.path
    first = taken.setdefault((parent, rule.to.removeprefix("@")), index)
    if first != index:
        message = f"rules[{first}] gives the same new name to something else in the same place"
        yield refusal("bad-rename", (*path, "to"), message, "keep one of the two")


def _check_present_if(path: Path, rule: PresentIfRule) -> Iterator[Complaint]:
    last = _last_name(rule.path)
    if last is None:
        message = "only a member, an element or an attribute can be lacking beside another"
        yield refusal("bad-present-if", (*path, "path"), message, "end the path with its name")
        return
    if last[1] is Language.XML and _NAME.fullmatch(rule.member) is None:
        message = f"{rule.member!r} is no name"
        yield refusal("bad-present-if", (*path, "member"), message, "name the element or @attribute beside it alone")
    if rule.member == last[0]:
        message = "it would decide about itself"
        yield refusal("bad-present-if", (*path, "member"), message, "name the one beside it that decides")
    if any(text != text.strip() for text in rule.is_):
        message = "values are compared as they are: white space around one counts"
        yield warning("odd-present-if", (*path, "is"), message, "leave the white space out, if it is not meant")


def _last_name(text: str) -> tuple[str, Language] | None:
    """What the path ends with, if that is one name; ``None`` too for what is no path, which is told elsewhere."""
    try:
        path = parse_path(text)
    except BadPath:
        return None
    if path.language is Language.PART or not path.steps:
        return None
    label = path.steps[-1].label
    return (label, path.language) if isinstance(label, str) and label.removeprefix("@") != ANY else None
