"""Causes that dates and times tell: spelling, zones, shifts, clocks, cut fractions, day and month swapped. Pure."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from math import ceil
from typing import Any, Final
from zoneinfo import ZoneInfo

from parity_checks.causes.cause import Cause, Pair
from parity_checks.rules.times import are_same_time, moment
from strangler.plan.comparison import DatetimeRule
from strangler.stages import Side

HOME: Final = "Europe/London"
"""The zone that is tried for times which name none."""

_CLOCKS_S: Final = 5.0
"""Times no further apart are of two clocks, or of two moments of asking."""

_FORMATS: tuple[tuple[str, str], ...] = (
    ("", "ISO 8601"),
    ("%d/%m/%Y", "dd/mm/yyyy"),
    ("%d.%m.%Y", "dd.mm.yyyy"),
    ("%d-%m-%Y", "dd-mm-yyyy"),
    ("%d/%m/%y", "dd/mm/yy"),
    ("%d %b %Y", "dd Mon yyyy"),
    ("%d %B %Y", "dd Month yyyy"),
    ("%d-%b-%Y", "dd-Mon-yyyy"),
    ("%Y/%m/%d", "yyyy/mm/dd"),
    ("%m/%d/%Y", "mm/dd/yyyy"),
    ("%d/%m/%Y %H:%M", "dd/mm/yyyy hh:mm"),
    ("%d/%m/%Y %H:%M:%S", "dd/mm/yyyy hh:mm:ss"),
    ("%Y%m%d%H%M%S", "yyyymmddhhmmss"),
)
_ZONED = re.compile(r".*\d(Z|[+-]\d\d:?\d\d)")
_OF_DAY = re.compile(r".*\d:\d\d.*|\d{14}")
_FRACTION = re.compile(r".*:\d\d[.,](\d+).*")


def times(pairs: Sequence[Pair]) -> Cause | None:
    """The first of the causes here that explains all pairs."""
    olds, news = [old for old, _ in pairs], [new for _, new in pairs]
    for (old_form, old_told), (new_form, new_told) in product(_readable(olds), _readable(news)):
        formats = [form for form in dict.fromkeys((old_form, new_form)) if form]
        found = _spelled(pairs, formats, old_told, new_told) or _in_zones(pairs, formats) or _shifted(pairs, formats)
        if found is not None:
            return found
    return _swapped(pairs)


def _readable(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The formats, and what they are called, in which all texts of one side can be read."""
    for form, told in _FORMATS:
        rule = _rule({"formats": [form]} if form else {})
        if all(re.search(r"\d", text) and moment(text, rule, Side.OLD) is not None for text in texts):
            is_iso = all(re.match(r"\s*\d{4}-?\d\d-?\d\d", text) for text in texts)
            if is_iso is (not form or form.startswith("%Y%m")):
                yield form, told


def _rule(said: dict[str, Any]) -> DatetimeRule:
    return DatetimeRule.model_validate({"as": "datetime", "path": "$.a", "why": "to be said", **said})


def _said(formats: Sequence[str], **more: Any) -> dict[str, Any]:
    return {"as": "datetime", **({"formats": list(formats)} if formats else {}), **more}


def _explains(pairs: Sequence[Pair], said: dict[str, Any]) -> bool:
    rule = _rule(said)
    return all(are_same_time(old, new, rule) for old, new in pairs)


def _spelled(pairs: Sequence[Pair], formats: Sequence[str], old_told: str, new_told: str) -> Cause | None:
    if any(_has_time(old) and _has_time(new) and _is_zoned(old) is not _is_zoned(new) for old, new in pairs):
        return None  # which zone is meant is told by ``_in_zones``
    if not _explains(pairs, _said(formats)):
        return None
    if old_told != new_told:
        return Cause(f"the same dates: the old side writes {old_told}, the new one {new_told}", _said(formats))
    return Cause("the same points in time, written differently", _said(formats))


def _in_zones(pairs: Sequence[Pair], formats: Sequence[str]) -> Cause | None:
    """Local times without a zone on one side, UTC or a zone on the other."""
    if not any(_has_time(text) for pair in pairs for text in pair):
        return None
    is_unsaid = [not all(map(_is_zoned, texts)) for texts in zip(*pairs, strict=True)]
    tries: list[tuple[str, dict[str, Any]]] = []
    if is_unsaid[0] is not is_unsaid[1]:
        side = "old" if is_unsaid[0] else "new"
        tries.append((f"the {side} side's times name no zone and are UTC", {}))
        tries.append((f"the {side} side's times name no zone and are local ({HOME})", {"zone": HOME}))
    elif all(is_unsaid):
        apart = "an hour apart in summer time"
        tries.append((f"the old side's times are local ({HOME}), the new one's UTC: {apart}", {"old_zone": HOME}))
        tries.append((f"the new side's times are local ({HOME}), the old one's UTC: {apart}", {"new_zone": HOME}))
    for words, zones in tries:
        if _explains(pairs, _said(formats, **zones)):
            return Cause(words, _said(formats, **zones))
    return None


def _has_time(text: str) -> bool:
    return _OF_DAY.fullmatch(text) is not None


def _is_zoned(text: str) -> bool:
    return _ZONED.fullmatch(text) is not None and _has_time(text)


def _shifted(pairs: Sequence[Pair], formats: Sequence[str]) -> Cause | None:
    """Times that are apart by the same time, or by less than clocks are."""
    rule = _rule(_said(formats))
    read = [(moment(old, rule, Side.OLD), moment(new, rule, Side.NEW)) for old, new in pairs]
    moments = [(old, new) for old, new in read if old is not None and new is not None]
    if len(moments) < len(pairs):
        return None
    apart = {new - old for old, new in moments}
    if any(_has_time(old) is not _has_time(new) for old, new in pairs):
        return _lost_time(pairs, moments)
    if len(apart) == 1 and (found := _constant(next(iter(apart)), moments)) is not None:
        return found
    if {abs(old.year - new.year) for old, new in moments} == {100} and all(
        (old.month, old.day) == (new.month, new.day) for old, new in moments
    ):
        return Cause("a century apart: two-digit years are read differently", None)
    widest_s = max(abs(one).total_seconds() for one in apart)
    if widest_s > _CLOCKS_S or not all(_has_time(text) for pair in pairs for text in pair):
        return None
    return _fractions(pairs, formats, widest_s) or Cause(
        "no more than seconds apart: of two clocks, or of two moments of asking",
        _said(formats, within_s=float(ceil(widest_s))),
    )


def _constant(apart: timedelta, moments: Sequence[tuple[datetime, datetime]]) -> Cause | None:
    way = "later" if apart > timedelta() else "earlier"
    hours = abs(apart).total_seconds() / 3600
    if hours == 24:
        return Cause(f"a day {way} on the new side")
    if hours == 1 and all(_is_summer(old) for old, _ in moments):
        return Cause(f"an hour {way} on the new side, in summer time: one side leaves it out")
    if 0 < hours <= 14 and hours % 0.5 == 0:
        return Cause(f"{hours:g} hour{'s' if hours > 1 else ''} {way} on the new side: perhaps another time zone")
    return None


def _is_summer(at: datetime) -> bool:
    return bool(at.replace(tzinfo=UTC).astimezone(ZoneInfo(HOME)).dst())


def _lost_time(pairs: Sequence[Pair], moments: Sequence[tuple[datetime, datetime]]) -> Cause | None:
    for name, lost, kept in (("new", 1, 0), ("old", 0, 1)):
        if all(not _has_time(pair[lost]) and _has_time(pair[kept]) for pair in pairs) and all(
            old.date() == new.date() for old, new in moments
        ):
            return Cause(f"the {name} side has lost the time of day")
    return None


def _fractions(pairs: Sequence[Pair], formats: Sequence[str], widest_s: float) -> Cause | None:
    for name, coarse, fine in (("new", 1, 0), ("old", 0, 1)):
        most = max(_digits(pair[coarse]) for pair in pairs)
        unit = 10.0**-most
        if widest_s <= unit and most < 6 and any(_digits(pair[fine]) > most for pair in pairs):
            kept = f"{most} digit{'s' if most > 1 else ''} of a second" if most else "whole seconds"
            return Cause(f"the {name} side keeps {kept} only", _said(formats, within_s=unit))
    return None


def _digits(text: str) -> int:
    found = _FRACTION.fullmatch(text)
    return len(found[1]) if found else 0


def _swapped(pairs: Sequence[Pair]) -> Cause | None:
    """The day where the month should be."""
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            read = [tuple(datetime.strptime(text[:10], form) for text in pair) for pair in pairs]  # noqa: DTZ007
        except ValueError:
            continue
        if all((old.year, old.month, old.day) == (new.year, new.day, new.month) and old != new for old, new in read):
            return Cause("day and month are swapped")
    return None
