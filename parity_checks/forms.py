"""What a value looks like, and whether it looks like others: its form, and the range that values of it span. Pure.

======================  ==============================================================================
``number``              digits with sign and point: within the range, and with one more place than seen at most
``time …``              dates and times of one layout, such as ``time 9-9-9T9:9:9Z``: within the range
``uuid``                in either case
``hex``, ``token``      made by a machine: about as long
``truth``               ``true`` or ``false``
``empty``               nothing, or white space
``shape …``             anything else, runs collapsed: ``AB-0042/x`` is ``shape a-9/a``; a tenth to ten times as long
======================  ==============================================================================

A range is what was seen, widened by its own width or by a tenth of its greatest value, whichever is more. Where the
numbers seen lie over a hundredth apart they say little of their range: then it is tenfold either way. So a factor of
100, another sign, an hour on a timestamp or another spelling is told, and two draws from one source hardly ever are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

_LONGEST: Final = 2_000
"""Longest text that is looked at; of a longer one, its beginning."""

_WIDENED: Final = Decimal("0.1")
"""By how much of its greatest value a range of numbers is widened at the least."""

_SCATTERED: Final = Decimal("0.01")
"""Numbers that lie further apart than this share of the greatest are as good as random: two of them span no range."""

_LEAST_WHOLE: Final = Decimal(9)
"""By how much a range of whole numbers is widened at the least: small counters go on by ones."""

_LEAST_S: Final = Decimal(60)
"""By how much a range of times is widened at the least, in seconds: they are of the moment of asking."""

_MANY_PLACES: Final = 6
"""Fractions of so many digits are a float's: how many there are says nothing."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.(\d{1,40}))?(?:[eE][+-]?\d{1,3})?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"(?=.*\d)(?:[0-9a-f]{8,}|[0-9A-F]{8,})")
_TOKEN = re.compile(r"[\w+/=.~-]{12,}", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d(:\d\d)?([.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?)?")
_PLAIN_TIMES = {
    re.compile(r"\d\d/\d\d/\d{4}"): "%d/%m/%Y",
    re.compile(r"\d\d\.\d\d\.\d{4}"): "%d.%m.%Y",
    re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"): "%a, %d %b %Y %H:%M:%S GMT",
    re.compile(r"\d\d:\d\d:\d\d"): "%H:%M:%S",
}
_RUN = re.compile(r"(?P<digits>\d+)|(?P<letters>[^\W\d_]+)|(?P<blanks>\s+)")


@dataclass(frozen=True, slots=True)
class Form:
    """A value's form. ``size`` is where it lies among its like: a number, seconds since the epoch, or its length.

    ``length`` counts characters, ``places`` a number's digits after the point; ``is_padded`` says that a number begins
    with a needless zero.
    """

    name: str
    size: Decimal
    length: int
    places: int = 0
    is_padded: bool = False
    is_prose: bool = False


def form_of(text: str) -> Form:  # noqa: PLR0911  one line per form
    """The form of a text."""
    text = text[:_LONGEST]
    length = len(text)
    if not text.strip():
        return Form("empty", Decimal(length), length)
    if found := _NUMBER.fullmatch(text):
        digits = text.lstrip("+-")
        is_padded = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
        return Form("number", Decimal(text), length, len(found[1] or ""), is_padded)
    if text in {"true", "false"}:
        return Form("truth", Decimal(length), length)
    if _UUID.fullmatch(text):
        return Form("uuid", Decimal(length), length)
    if (time := _time(text)) is not None:
        return time
    if _HEX.fullmatch(text):
        return Form("hex", Decimal(length), length)
    if _TOKEN.fullmatch(text) and _changes(text) >= 4:
        return Form("token", Decimal(length), length)
    is_prose = len(re.findall(r"[^\W\d_]{2,}", text)) >= 3
    return Form(f"shape {_shape(text)}", Decimal(length), length, is_prose=is_prose)


def _time(text: str) -> Form | None:
    if found := _ISO.fullmatch(text):
        joint, seconds, fraction, zone = found.groups()
        marks = (
            (":9" if seconds else "") + (".9" if fraction else "") + ((zone if zone == "Z" else "+9") if zone else "")
        )
        layout = f"9-9-9{joint}9:9{marks}" if joint else "9-9-9"
        return _placed(f"time {layout}", text, None)
    for pattern, layout in _PLAIN_TIMES.items():
        if pattern.fullmatch(text):
            return _placed(f"time {layout}", text, layout)
    return None


def _placed(name: str, text: str, layout: str | None) -> Form | None:
    try:
        found = datetime.strptime(text, layout) if layout else datetime.fromisoformat(text)  # noqa: DTZ007  set below
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return Form(name, Decimal(repr((found - _EPOCH).total_seconds())), len(text))
    except (ValueError, OverflowError):
        return None


def _changes(text: str) -> int:
    """How often letters, digits and capitals give way to each other."""
    kinds = ["9" if mark.isdigit() else "A" if mark.isupper() else "a" for mark in text if mark.isalnum()]
    return sum(one != other for one, other in pairwise(kinds))


def _shape(text: str) -> str:
    return _RUN.sub(lambda found: "9" if found["digits"] else "a" if found["letters"] else " ", text.strip())


def is_alike(text: str, seen: Sequence[str]) -> bool:
    """Whether a text has a form that was seen, and lies within the range of those seen."""
    if text in seen:
        return True
    form, forms = form_of(text), [form_of(one) for one in seen]
    if form.name == "number" and any(other.name == "hex" for other in forms) and _HEX.fullmatch(text):
        form = Form("hex", Decimal(form.length), form.length)  # without a letter, or with one that an exponent has
    like = [other for other in forms if other.name == form.name]
    if not like:
        # Sentences that differ among themselves in their shape have no shape to keep to.
        return form.is_prose and len({other.name for other in forms if other.is_prose}) > 1
    return _is_in_range(form, like)


def _is_in_range(form: Form, like: Sequence[Form]) -> bool:
    """Whether a value lies among those of the same form."""
    match form.name.partition(" ")[0]:
        case "number":
            return _is_number_alike(form, like)
        case "time":
            return _is_within(form, like, _LEAST_S if ":" in form.name else Decimal(0))
        case "hex" | "token":
            return _is_within(form, like, max(Decimal(1), _WIDENED * max(other.size for other in like)))
        case "shape":
            return min(other.size for other in like) / 10 <= form.size <= max(other.size for other in like) * 10
        case _:
            return True


def _is_within(form: Form, like: Sequence[Form], least: Decimal) -> bool:
    """Within the span of those seen, widened by its width, or by ``least`` where that is more."""
    low, high = min(other.size for other in like), max(other.size for other in like)
    wider = max(high - low, least)
    return low - wider <= form.size <= high + wider


def _is_number_alike(form: Form, like: Sequence[Form]) -> bool:
    if form.is_padded or any(other.is_padded for other in like):  # digits of a fixed width, rather than a number
        return all(form.length == other.length for other in like)
    most, least = max(other.places for other in like), min(other.places for other in like)
    is_float = least >= _MANY_PLACES
    if (not form.places and least) or (form.places and not most) or (form.places > most + 1 and not is_float):
        return False
    low, high = min(other.size for other in like), max(other.size for other in like)
    greatest = max(abs(low), abs(high))
    if _is_within(form, like, max(_WIDENED * greatest, Decimal(0) if form.places else _LEAST_WHOLE)):
        return True
    is_scattered = high - low > _SCATTERED * greatest
    is_of_their_sign = low <= 0 if form.size < 0 else high >= 0
    return is_scattered and is_of_their_sign and min(abs(low), abs(high)) / 10 <= abs(form.size) <= greatest * 10
