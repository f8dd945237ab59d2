"""Which point in time a text names, and whether two texts name the same. Pure.

Read are the plan's ``strptime`` formats, then ISO 8601 and the date types of XML Schema (a date may have a zone, an
hour may be 24). What has no zone is in the zone of its side, and three things are decided here:

* an hour that summer time's end makes happen twice may be either one: it equals both;
* an hour that summer time's beginning leaves out names no time, and equals nothing;
* dates without time are days of the calendar: as such they are compared, whatever the zones of the two sides.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from strangler.plan.comparison import DatetimeRule
from strangler.stages import Side

_DATE = re.compile(r"(\d{4}-\d\d-\d\d|\d{8})(Z|[+-]\d\d:?\d\d)?")
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d[T ])24(:00(?::00(?:[.,]0+)?)?)(.*)")
_OF_DAY = re.compile(r"%[HIMSfpXcTRsr]")
"""Directives by which a format names a time of day."""


def check_zones(rule: DatetimeRule) -> None:
    """Refuse zones that there are not.

    Raises:
        ValueError: naming the rule's path and what to write instead.
    """
    for zone in {rule.zone, rule.old_zone or rule.zone, rule.new_zone or rule.zone}:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(f"{rule.path}: unknown zone {zone!r}; write a name such as Europe/London") from error


def are_same_time(old: str, new: str, rule: DatetimeRule) -> bool:
    """Equal as points in time, or as days, within the rule's tolerance."""
    old_read, new_read = _read(old, rule), _read(new, rule)
    if old_read is None or new_read is None:
        return False
    within = timedelta(seconds=rule.within_s)
    if _is_day(old_read) and _is_day(new_read):
        return abs(_midnight(old_read) - _midnight(new_read)) <= within
    pairs = ((one, other) for one in _moments(old_read, rule, Side.OLD) for other in _moments(new_read, rule, Side.NEW))
    return any(abs(one - other) <= within for one, other in pairs)


def is_time(text: str, rule: DatetimeRule) -> bool:
    """Whether a text can be read as a time at all, be it one that summer time leaves out."""
    return _read(text, rule) is not None


def moment(text: str, rule: DatetimeRule, side: Side) -> datetime | None:
    """The point in time a text names, in UTC; ``None`` where it names none. A date alone is its midnight.

    Of an hour that happens twice it is the first.
    """
    found = _read(text, rule)
    return next(iter(_moments(found, rule, side)), None) if found is not None else None


def _read(text: str, rule: DatetimeRule) -> datetime | date | None:
    return _parsed(text.strip(), rule.formats, rule.year_from)


def _is_day(found: datetime | date) -> bool:
    return not isinstance(found, datetime)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _moments(found: datetime | date, rule: DatetimeRule, side: Side) -> tuple[datetime, ...]:
    """The points in time that may be meant, in UTC: none, one, or two."""
    zone = ZoneInfo((rule.old_zone if side is Side.OLD else rule.new_zone) or rule.zone)
    try:
        if not isinstance(found, datetime):
            return (datetime.combine(found, time(), zone).astimezone(UTC),)
        if found.tzinfo is not None:
            return (found.astimezone(UTC),)
        local = found.replace(tzinfo=zone)
        both = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    except OverflowError:
        return ()
    if both[0] > both[1]:  # summer time leaves this hour out
        return ()
    return both[:1] if both[0] == both[1] else both


@lru_cache(maxsize=4_096)
def _parsed(text: str, formats: tuple[str, ...], year_from: int) -> datetime | date | None:
    for form in formats:
        try:
            return _by_format(text, form, year_from)
        except ValueError:
            continue
    try:
        if day := _DATE.fullmatch(text):
            return datetime.fromisoformat(day[1]).date()
        if late := _MIDNIGHT.fullmatch(text):
            return datetime.fromisoformat(f"{late[1]}00{late[2]}{late[3]}") + timedelta(days=1)
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None


def _by_format(text: str, form: str, year_from: int) -> datetime | date:
    found = datetime.strptime(text, form)  # noqa: DTZ007  the zone is its side's
    if "%y" in form:
        # Python's century is that of POSIX, 1969 to 2068: no good for those born before.
        found = found.replace(year=year_from + (found.year - year_from) % 100)
    return found if found.tzinfo is not None or _OF_DAY.search(form) else found.date()
