"""Whether now is a time at which the plan lets an operation move forward."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from strangler.evidence import Result, Verdict
from strangler.gates.verdicts import is_past, no_data
from strangler.plan.gate_models import DAYS, Frozen, Opening, WindowGate

LOOK_AHEAD_DAYS = 400
"""So far ahead it is looked for when a window opens next: one yearly freeze and some more."""

_MIDNIGHT = time()
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def window(policy: WindowGate, now: float) -> Verdict:
    """Whether the window is open; where it is not, when it opens next.

    Local times are what a clock on the wall shows: an hour that summer time leaves out opens nothing, and in an hour
    that comes twice the window is open twice.

    Args:
        policy: days and hours, and the dates that are frozen.
        now: seconds since the epoch.
    """
    threshold = f"{'; '.join(_words(opening) for opening in policy.open)} ({policy.zone})"
    zone, moment = _zone(policy.zone), _moment(now)
    if zone is None:
        return no_data("window", f"this machine knows no time zone {policy.zone!r}", threshold, remedy="a known zone")
    if moment is None:
        return no_data("window", f"{now!r} is no time: a clock is wrong", threshold, remedy="a clock that is right")
    local = moment.astimezone(zone)
    value = _told(local)
    if is_open(policy, local):
        return Verdict("window", Result.PASS, (), value, threshold)
    frozen = [f"frozen from {span.from_} to {span.to}: {span.why}" for span in policy.frozen if _holds(span, local)]
    reasons = tuple(frozen) or ("the window is closed",)
    at = opens_at(policy, now)
    if at is None:
        remedy = f"another window in the plan: this one does not open in the next {LOOK_AHEAD_DAYS} days"
    else:
        remedy = f"to wait until {_told(datetime.fromtimestamp(at, zone))}, when it opens"
    return Verdict("window", Result.HOLD, reasons, value, threshold, remedy)


def is_open(policy: WindowGate, local: datetime) -> bool:
    """Whether the window is open at this local time."""
    if any(_holds(span, local) for span in policy.frozen):
        return False
    clock = f"{local:%H:%M}"
    day = DAYS[local.weekday()]
    return any(day in opening.days and opening.from_ <= clock < opening.to for opening in policy.open)


def opens_at(policy: WindowGate, now: float) -> float | None:
    """When the window, which is closed now, opens next, in seconds since the epoch; ``None`` where not for long.

    Raises:
        ZoneInfoNotFoundError: there is no such time zone.
    """
    zone = ZoneInfo(policy.zone)
    today = datetime.fromtimestamp(now, zone).date()
    for ahead in range(LOOK_AHEAD_DAYS + 1):
        day = today + timedelta(days=ahead)
        found = [at for at in _edges(policy, day, zone) if at > now and is_open(policy, _local(at, zone))]
        if found:
            return min(found)
    return None


def _edges(policy: WindowGate, day: date, zone: ZoneInfo) -> Iterator[float]:
    """The moments of a day at which a window can open: where one begins, and where clocks are changed."""
    for opening in policy.open:
        begins = datetime.combine(day, time.fromisoformat(opening.from_) if opening.from_ < "24" else _MIDNIGHT)
        for fold in (0, 1):
            yield begins.replace(tzinfo=zone, fold=fold).timestamp()
    low = int(datetime.combine(day, _MIDNIGHT, zone).timestamp())
    high = int(datetime.combine(day + timedelta(days=1), _MIDNIGHT, zone).replace(fold=1).timestamp())
    before = _local(low, zone).utcoffset()
    if before == _local(high, zone).utcoffset():
        return
    while high - low > 1:
        middle = (low + high) // 2
        if _local(middle, zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    yield float(high)


def _holds(span: Frozen, local: datetime) -> bool:
    return span.from_ <= local.date() <= span.to


def _local(at: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at, zone)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _moment(now: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(now, UTC) if is_past(now, now) else None
    except (ValueError, OverflowError, OSError):
        return None


def _words(opening: Opening) -> str:
    return f"{', '.join(opening.days)} {opening.from_} to {opening.to}"


def _told(local: datetime) -> str:
    """A local time in words that are the same in every locale."""
    day, month = DAYS[local.weekday()].capitalize(), _MONTHS[local.month - 1]
    return f"{day} {local.day} {month} {local.year} {local:%H:%M} {local.tzname()}"
