"""What equal means for one kind of value: times, numbers, money, text. Pure."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from strangler.plan.comparison import DatetimeRule, OpaqueRule, Rule, TextRule

_MAX_MATCHED = 4_096
"""Longest text given to a plan's regular expression; a longer one does not match."""

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,6})?)\s*")
_MONEY = re.compile(r"\s*([+-]?)\s*£?\s*([+-]?)(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?\s*")


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
        try:
            ZoneInfo(rule.zone)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(f"{rule.path}: unknown zone {rule.zone!r}; write a name such as Europe/London") from error


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
    sign = "-" if "-" in (found[1], found[2]) else ""
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
    return text.casefold() if rule.fold == "case" else text


def are_same_time(old: str, new: str, rule: DatetimeRule) -> bool:
    """Equal as points in time, within the rule's tolerance."""
    old_moment, new_moment = moment(old, rule), moment(new, rule)
    if old_moment is None or new_moment is None:
        return False
    return abs(old_moment - new_moment) <= timedelta(seconds=rule.within_s)


def moment(text: str, rule: DatetimeRule) -> datetime | None:
    """The point in time a text names, in UTC; ``None`` where it names none. A date alone is its midnight."""
    return _moment(text.strip(), rule.zone, rule.formats)


@lru_cache(maxsize=4_096)
def _moment(text: str, zone: str, formats: tuple[str, ...]) -> datetime | None:
    found = _parsed(text, formats)
    if found is None:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(zone))
    try:
        return found.astimezone(UTC)
    except OverflowError:
        return None


def _parsed(text: str, formats: tuple[str, ...]) -> datetime | None:
    for form in formats:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  the zone is added by the caller
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
