"""What equal means for one kind of value: numbers, money, text; times are in ``parity_checks.rules.times``. Pure."""

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Literal

from parity_checks.rules.times import check_zones
from strangler.plan.comparison import DatetimeRule, OpaqueRule, Rule, TextRule

_MAX_MATCHED = 4_096
"""Longest text given to a plan's regular expression; a longer one does not match."""

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,6})?)\s*")
_MONEY = re.compile(r"\s*([+-]?)\s*£?\s*([+-]?)(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(-?)\s*")
"""An amount; the sign may stand behind it, as in a COBOL report."""


def check(rule: Rule) -> None:
    """Refuse what cannot be used.

    Raises:
        ValueError: naming the rule's path and what to write instead.
    """
    if isinstance(rule, OpaqueRule):
        try:
            re.compile(rule.like)
        except re.error as error:
            raise ValueError(f"{rule.path}: 'like' is no regular expression: {error}") from error
    if isinstance(rule, DatetimeRule):
        check_zones(rule)


def is_like(text: str, pattern: str) -> bool:
    """Whether the whole text matches the pattern."""
    return len(text) <= _MAX_MATCHED and re.fullmatch(pattern, text, re.DOTALL) is not None


def number(text: str) -> Decimal | None:
    """The exact number a text stands for, or ``None``."""
    found = _NUMBER.fullmatch(text)
    return Decimal(found[1]) if found else None


def are_same_number(old: str, new: str, within: Decimal) -> bool:
    """Equal as exact numbers, or no further apart than ``within``."""
    old_number, new_number = number(old), number(new)
    if old_number is None or new_number is None:
        return False
    if not within or old_number == new_number:
        return old_number == new_number
    low, high = sorted((old_number, new_number))
    # Decimal subtraction rounds to the context: only close numbers, of a size that fits, are subtracted.
    if high.adjusted() > 20 or low.adjusted() > 20:
        return False
    try:
        return high - low <= within
    except InvalidOperation:
        return False


def pence(text: str, unit: Literal["pounds", "pence"]) -> Decimal | None:
    """An amount in pence, exactly; fractions of a penny stay, so that a rounding is seen."""
    found = _MONEY.fullmatch(text)
    if found is None:
        return None
    signs = [sign for sign in (found[1], found[2], found[5]) if sign]
    if len(signs) > 1:
        return None
    sign = "-" if "-" in signs else ""
    amount = Decimal(f"{sign}{found[3].replace(',', '')}{found[4] or ''}")
    if unit == "pence":
        return amount
    # Not by arithmetic, which rounds to the context's precision: the point alone moves.
    negative, digits, exponent = amount.as_tuple()
    return Decimal((negative, digits, int(exponent) + 2))


def folded(text: str, rule: TextRule) -> str:
    """The text after the rule's folding: Unicode form, white space, then case."""
    if rule.form:
        text = unicodedata.normalize(rule.form, text)
    if rule.trim:
        text = text.strip()
    match rule.spaces:
        case "collapse":
            text = " ".join(text.split())
        case "drop":
            text = "".join(text.split())
        case "keep":
            pass
    if rule.fold == "case":
        text = text.casefold()
        if rule.form:  # folding may have taken a text out of its form (Unicode 15, 3.13: caseless matching)
            text = unicodedata.normalize(rule.form, text)
    return text
