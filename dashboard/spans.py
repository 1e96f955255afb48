"""Stretches of event time that panels are asked for, and what "now" is in their SQL.

"Now" is the newest event time of the log, not the clock: a replayed log of last year has its last
hour too.
"""

from __future__ import annotations

from dashboard.parameters import DAY_S, HOUR_S, MINUTE_S, Span

_NOW = "(SELECT max(max_event_time) FROM partitions FINAL) AS now"
_SINCE = (
    _NOW
    + """, if({span_s:UInt32} = 0, toDateTime(0, 'UTC'),
        toStartOfInterval(toDateTime(now, 'UTC'), toIntervalSecond({step_s:UInt32}))
            - toIntervalSecond({span_s:UInt32} - {step_s:UInt32})) AS since"""
)


def sql(text: str) -> str:
    """Put in what `$now` and `$since` stand for, behind a WITH.

    `$now` defines `now`. `$since` defines that and `since`, where the first bucket of a span begins:
    the last one holds now.
    """
    return text.replace("$since", _SINCE).replace("$now", _NOW)


RANGE = Span(
    {
        "1h": (HOUR_S, MINUTE_S),
        "6h": (6 * HOUR_S, 5 * MINUTE_S),
        "24h": (DAY_S, 15 * MINUTE_S),
        "7d": (7 * DAY_S, 2 * HOUR_S),
    }
)
PERIOD = Span(
    {
        "24h": (DAY_S, HOUR_S),
        "7d": (7 * DAY_S, 6 * HOUR_S),
        "30d": (30 * DAY_S, DAY_S),
        "all": (0, DAY_S),
    },
    name="period",
)
