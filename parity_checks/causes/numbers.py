"""Causes that numbers tell: spelling, units, signs, lost zeros, rounding. Pure."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Any, Final

from parity_checks.causes.cause import Cause, Pair
from parity_checks.rules.equalities import number, pence

_EXACT = Context(prec=400)
_MOST_PLACES: Final = 12

_ROUNDED: tuple[tuple[str, str, str], ...] = (
    # mode, words, what the difference is at most, in units of the last place
    (ROUND_HALF_UP, "rounds half up", "0.5"),
    (ROUND_HALF_EVEN, "rounds half to even", "0.5"),
    (ROUND_DOWN, "cuts numbers off, unrounded,", "1"),
    (ROUND_FLOOR, "rounds down", "1"),
    (ROUND_CEILING, "rounds up", "1"),
)


def numbers(pairs: Sequence[Pair]) -> Cause | None:
    """The first of the causes here that explains all pairs."""
    read = [(number(old), number(new)) for old, new in pairs]
    found = [(old, new) for old, new in read if old is not None and new is not None]
    if len(found) < len(pairs) or any(max(len(old), len(new)) > 100 for old, new in pairs):
        return _money(pairs)
    if any(abs(value.adjusted()) > 100 for pair in found for value in pair):
        return None
    return _spelling(pairs, found) or _sign(found) or _factor(found) or _rounding(found) or _last_place(found)


def _money(pairs: Sequence[Pair]) -> Cause | None:
    """Amounts with signs and separators that plain numbers have not."""
    for words, old_unit, new_unit in (
        ("the same amounts of money, written differently", "pounds", "pounds"),
        ("the old side writes pounds, the new one pence", "pounds", "pence"),
        ("the old side writes pence, the new one pounds", "pence", "pounds"),
    ):
        read = [(pence(old, old_unit), pence(new, new_unit)) for old, new in pairs]  # type: ignore[arg-type]
        if all(old is not None and old == new for old, new in read) and any(old for old, _ in read):
            return Cause(words, {"as": "money", "old": old_unit, "new": new_unit})
    return None


def _spelling(pairs: Sequence[Pair], read: Sequence[tuple[Decimal, Decimal]]) -> Cause | None:
    if not all(old == new for old, new in read):
        return None
    for name, short, long in (("new", 1, 0), ("old", 0, 1)):
        if all(_is_padded(pair[long]) and not _is_padded(pair[short]) for pair in pairs):
            return Cause(f"the {name} side has lost leading zeros: these may be ids rather than numbers")
    return Cause("the same numbers, written differently", {"as": "number"})


def _is_padded(text: str) -> bool:
    digits = text.strip().lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()


def _sign(read: Sequence[tuple[Decimal, Decimal]]) -> Cause | None:
    return Cause("the sign is turned round") if all(old and old == -new for old, new in read) else None


def _factor(read: Sequence[tuple[Decimal, Decimal]]) -> Cause | None:
    for power in (2, -2, 3, -3, 1, -1, 4, -4):
        if all(_EXACT.scaleb(old, power) == new for old, new in read) and any(old for old, _ in read):
            if power == 2:
                return Cause("the new side writes pence for pounds", {"as": "money", "old": "pounds", "new": "pence"})
            if power == -2:
                return Cause("the new side writes pounds for pence", {"as": "money", "old": "pence", "new": "pounds"})
            way = "larger" if power > 0 else "smaller"
            return Cause(f"the new side's numbers are {way} by a factor of {10 ** abs(power)}")
    return None


def _rounding(read: Sequence[tuple[Decimal, Decimal]]) -> Cause | None:
    """One side's numbers are the other's, rounded."""
    for name, coarse, fine in (("new", 1, 0), ("old", 0, 1)):
        places = max(_places(pair[coarse]) for pair in read)
        if places > _MOST_PLACES or not any(_places(pair[fine]) > places for pair in read):
            continue
        fits = [
            (words, most)
            for mode, words, most in _ROUNDED
            if all(pair[fine].quantize(Decimal(1).scaleb(-places), mode, _EXACT) == pair[coarse] for pair in read)
        ]
        if not fits:
            continue
        # Where nothing lies half way both ways of rounding fit, and neither is told.
        words = "rounds" if {"rounds half up", "rounds half to even"} <= {words for words, _ in fits} else fits[0][0]
        within = Decimal(fits[0][1]).scaleb(-places)
        return Cause(f"the {name} side {words} to {_told(places)}", _within(within))
    return None


def _last_place(read: Sequence[tuple[Decimal, Decimal]]) -> Cause | None:
    """Both sides have as many places and are one unit of the last apart: each rounds in its own way."""
    places = max(_places(value) for pair in read for value in pair)
    unit = Decimal(1).scaleb(-places)
    if not 0 < places <= 4 or not all(abs(old - new) == unit for old, new in read):
        return None
    words = f"one unit apart in the last of {_told(places)}: the two sides round in different ways"
    for name, odd, even in (("old", 0, 1), ("new", 1, 0)):
        # Of two neighbours half to even takes the even one; half up differs from it only where that is the smaller.
        if len(read) > 2 and all(
            abs(pair[odd]) - abs(pair[even]) == unit and int(pair[even].scaleb(places)) % 2 == 0 for pair in read
        ):
            other = "new" if name == "old" else "old"
            words = f"the {name} side rounds half up and the {other} one half to even, to {_told(places)}"
    return Cause(words, _within(unit))


def _within(within: Decimal) -> dict[str, Any]:
    return {"as": "number", "within": f"{within.normalize():f}"}


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _told(places: int) -> str:
    return "whole numbers" if not places else f"{places} place{'s' if places > 1 else ''}"
