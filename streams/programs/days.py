"""Pay days: calendar days of a time zone, as spans of event time in UTC milliseconds."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

DAY_MS = 86_400_000


class PayDay(NamedTuple):
    """One calendar day: event times in [start_ms, end_ms). It has 23 or 25 hours where clocks change."""

    name: str
    start_ms: int
    end_ms: int


def pay_day(day: date, zone: tzinfo) -> PayDay:
    """Return the span of a calendar day in a time zone."""
    return PayDay(day.isoformat(), _start_ms(day, zone), _start_ms(day + timedelta(days=1), zone))


def pay_day_of(time_ms: int, zone: tzinfo) -> PayDay:
    """Return the pay day that an event time falls into."""
    return pay_day(datetime.fromtimestamp(time_ms // 1000, zone).date(), zone)


def utc_day_name(day: int) -> str:
    """Return the date of a UTC day that is given by its number since 1970."""
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def _start_ms(day: date, zone: tzinfo) -> int:
    return round(datetime.combine(day, time(), zone).timestamp()) * 1000
