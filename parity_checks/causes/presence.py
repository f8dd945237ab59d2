"""Causes that a missing value or another type tells: null, absent, empty; numbers as texts; the ends of lists. Pure."""

import re
from collections.abc import Sequence
from typing import Any

from parity_checks.canonical.trees import Value
from parity_checks.causes.cause import Cause
from parity_checks.rules.compiled import absence
from parity_checks.rules.equalities import number

_LAST_INDEX = re.compile(r".*\[(\d+)\]")
_TOLD = {"absent": "absent", "null": "null", "empty": "empty"}


def nothing(values: Sequence[tuple[Value, Value]]) -> Cause | None:
    """Both sides say nothing, each in its own way."""
    ways = [(absence(old), absence(new)) for old, new in values]
    if not all(old in _TOLD and new in _TOLD and old != new for old, new in ways):
        return None
    told = sorted({f"{old} is {new}" for old, new in ways})
    used = sorted({way for pair in ways for way in pair})
    return Cause(f"both sides say nothing, each in its own way: {', '.join(told)}", {"as": "absence", "equal": used})


def other_type(samples: Sequence[tuple[str, str]]) -> Cause | None:
    """A number or truth value that one side writes as text; a list of one against its element."""
    for name, text, plain in (("new", 1, 0), ("old", 0, 1)):
        if all(pair[text].startswith('"') and not pair[plain].startswith(('"', "[", "{", "<")) for pair in samples):
            inner = [(pair[text].strip('"'), pair[plain]) for pair in samples]
            rule: dict[str, Any] = {"as": "number"}
            if all((read := number(said)) is not None and read == number(bare) for said, bare in inner):
                return Cause(f"the {name} side writes numbers as texts", rule)
            if all(said == bare in {"true", "false"} for said, bare in inner):
                table = {"true": "true", "false": "false"}
                return Cause(f"the {name} side writes truth values as texts", {"as": "code", "table": table})
        if all(pair[text] == f"[{pair[plain]}]" for pair in samples):
            return Cause(f"the {name} side has a list of one where the other has the element alone")
    return None


def list_end(paths: Sequence[str], *, is_missing: bool) -> Cause | None:
    """Elements that one side's lists lack, told by their concrete paths: one of each sample, or all of one exchange.

    An index counts from 0 in JSON, and from 1 in XML.
    """
    found = [_LAST_INDEX.fullmatch(path) for path in paths]
    if not found or not all(found):
        return None
    first = 1 if paths[0].startswith("/") else 0
    indexes = {int(one[1]) - first for one in found if one is not None}
    side = "new" if is_missing else "old"
    least = min(indexes)
    if len(indexes) > 1 and least > 0 and indexes == set(range(least, max(indexes) + 1)):
        return Cause(f"the {side} side's lists end after {least} elements")
    if len(indexes) == 1 and least > 0 and len(paths) > 1:
        return Cause(f"the {side} side's lists lack one element, number {least + 1}: perhaps their last")
    if len(indexes) == 1 and least == 0 and len(paths) > 1:
        return Cause(f"the {side} side's lists lack their first element")
    return None
