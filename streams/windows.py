"""Tumbling one-minute windows on event time, kept as panes.

A pane is the counters of one subject in one minute from the moment it was opened. The worker keeps
a pane while its minute is young; then it is closed and leaves memory. A late event inside the
horizon opens another pane of the same minute, named by the offset that opened it. A window is the
sum of its panes, so a correction of a minute long gone costs one small row and no memory, and every
row stays the whole value of its key. Opening and closing depend on event times and offsets only.
"""

from operator import add, sub

from schemas.rows import COUNTERS

MINUTE_MS = 60_000

(
    IMPRESSIONS,
    VIEWS,
    QUALIFIED_VIEWS,
    WATCH_MS,
    COMPLETIONS,
    LIKES,
    UNLIKES,
    COMMENTS,
    REPLIES,
    SHARES,
    FAVORITES,
    FOLLOWS,
    PROFILE_VIEWS,
    NOT_INTERESTED,
    REPORTS,
    GIFTS,
    GIFT_COINS,
) = range(len(COUNTERS))

ZERO = (0,) * len(COUNTERS)


class Pane:
    """Counters of one subject in one minute.

    `opened` and `changed` are offsets; `creator_id` is that of the event that opened the pane.
    """

    __slots__ = (
        "changed",
        "counters",
        "creator_id",
        "dirty",
        "flushed",
        "minute",
        "opened",
    )

    def __init__(self, minute: int, opened: int, creator_id: str) -> None:
        self.minute = minute
        self.creator_id = creator_id
        self.opened = opened
        self.changed = opened
        self.counters = list(ZERO)
        self.flushed = ZERO  # the counters at the last flush
        self.dirty = False

    def take_change(self, total: list[int]) -> None:
        """Add what changed since the last flush to a subject's total."""
        counters, flushed = self.counters, self.flushed
        new = counters if flushed is ZERO else map(sub, counters, flushed)
        total[:] = map(add, total, new)
        self.flushed = tuple(counters)
        self.dirty = False
