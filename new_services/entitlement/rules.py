"""What is due by law, and on which days it is paid. Pure."""

from datetime import date, timedelta

FULL_SHARE_UNTIL = date(2002, 10, 6)
"""Social Security (Inherited SERPS) rules: a spouse who died before this day leaves all, a later one half."""

_TUESDAY = 1


def inherited_pence(died: date, additional_pence: int) -> int:
    """What a late spouse's additional pension is worth each week to the widowed (pence; half a penny is dropped)."""
    return additional_pence if died < FULL_SHARE_UNTIL else additional_pence // 2


def payday(nino: str) -> int:
    """The weekday of payment (Monday is 0): Tuesday for NINOs ending 00 to 24, then one day on for each 25."""
    return _TUESDAY + int(nino[6:8]) // 25


def paydays(nino: str, first: date, last: date) -> list[date]:
    """Every payday from ``first`` to ``last``, both included."""
    ahead_days = (payday(nino) - first.weekday()) % 7
    span_days = (last - first).days - ahead_days
    if span_days < 0:
        return []
    start = first + timedelta(days=ahead_days)
    return [start + timedelta(weeks=week) for week in range(span_days // 7 + 1)]


def reference(nino: str, day: date) -> str:
    """What the bank statement says: the payday's ISO year and week, and the NINO."""
    year, week, _ = day.isocalendar()
    return f"{year}W{week:02d}-{nino}"
