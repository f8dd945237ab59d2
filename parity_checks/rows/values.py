"""Whether two values of a column are the same: exactly, by what the types make certain, then by the rules. Pure."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from parity_checks.rows.columns import Form, Kind
from parity_checks.rules.compiled import holds
from parity_checks.rules.equalities import number
from parity_checks.rules.known import Known
from parity_checks.rules.parting import parts
from strangler.plan.comparison import AbsenceRule, IdRule, Rule, TextRule

_MOMENT = re.compile(r"(\d{4,6}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?")
_ZERO_DATE = re.compile(r"0000-00-00(?:[ T]00:00(?::00)?(?:\.0+)?)?")
_TRUTH = {"true": "1", "t": "1", "1": "1", "false": "0", "f": "0", "0": "0"}


def text_of(value: Any) -> str | None:
    """A driver's value as text: shortest text of a float, ISO 8601 of times, hexadecimal digits of bytes."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case float():
            return repr(value)
        case _:
            return str(value)


def are_same(form: Form, rules: Sequence[Rule], old: str | None, new: str | None, known: Known) -> bool:
    """Whether two values are the same.

    Args:
        form: the pair's form.
        rules: the column's rules; any one that holds makes them the same, and one that gives the two sides ways of
            their own (units, codes, zones) keeps equal texts apart. A text rule's folding comes before the
            others, so that text can be folded and looked up in a code table.
        old: the old side's value as text, ``None`` for NULL.
        new: the new side's.
        known: the identity map.
    """
    if (old == new or are_equal(form, old, new)) and not (old and any(parts(rule, old) for rule in rules)):
        return True
    for rule in rules:
        match rule:
            case IdRule():
                if old is not None and new is not None and known.new_of(rule.of, old) == new:
                    return True
            case AbsenceRule():
                if _says_nothing(rule, old) and _says_nothing(rule, new):
                    return True
            case _ if holds(rule, old, new):
                return True
            case TextRule():
                continue
    return False


def _says_nothing(rule: AbsenceRule, value: str | None) -> bool:
    """NULL, or what stands for it: an empty text, spaces in a padded column, the zero date."""
    if value is None:
        return "null" in rule.equal
    return "empty" in rule.equal and (not value.strip(" ") or _ZERO_DATE.fullmatch(value) is not None)


def are_equal(form: Form, old: str | None, new: str | None) -> bool:
    """Whether two values are equal by their types alone."""
    if old is None or new is None:
        return old is new
    return old == new or canonical(form, old) == canonical(form, new)


def canonical(form: Form, text: str) -> object:  # noqa: PLR0911  one line per form
    """The one form of all values that are equal by type."""
    match form.kind:
        case Kind.INTEGER | Kind.NUMBER:
            found = number(text)
            return text if found is None else found
        case Kind.FLOAT:
            return _float(text)
        case Kind.BOOLEAN:
            return _TRUTH.get(text.strip().lower(), text)
        case Kind.CHAR:
            return text.rstrip(" ")
        case Kind.UUID:
            return text.strip().lower()
        case Kind.BINARY:
            return text.lower()
        case Kind.DATE | Kind.MOMENT | Kind.AWARE:
            return _moment(text, 6 if form.digits is None else form.digits)
        case Kind.JSON:
            return _json(text)
        case _:
            return text


def canonical_text(form: Form, value: Any) -> str | None:
    """A driver's value as the text that SQL writes for this form, for databases that make none."""
    text = text_of(value)
    if text is None:
        return None
    found = canonical(form, text)
    match found:
        case Decimal():
            return plain(found)
        case tuple():
            day, clock, fraction, zone = found
            return f"{day} {clock}{'.' + fraction if fraction else ''}{zone}" if form.kind is not Kind.DATE else day
        case str():
            return found
        case _:
            return text


def plain(amount: Decimal) -> str:
    """A decimal without exponent, and without zeros at its end."""
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _float(text: str) -> object:
    """A number exactly as its digits say: a float's shortest text against a decimal's, IEEE 754 double."""
    found = number(text)
    if found is None:
        return text.strip().lower()
    return Decimal(repr(float(found))) if abs(found.adjusted()) < 300 and "e" in text.lower() else found


def _moment(text: str, digits: int) -> object:
    """Date, time, digits of a second that count, zone; a date alone is its midnight."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return text
    clock = found[2] or "00:00:00"
    fraction = (found[3] or "")[:digits].rstrip("0")
    zone = "" if found[4] in (None, "Z", "+00", "+00:00", "+0000", "-00:00") else found[4]
    return found[1], clock if len(clock) == 8 else f"{clock}:00", fraction, zone


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return text
