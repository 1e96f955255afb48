"""Tumbling one-minute windows on event time, kept as panes.

A pane is the counters of one subject in one minute from the moment it was opened. The worker keeps
a pane while its minute is young; then it is closed and leaves memory. A late event inside the
horizon opens another pane of the same minute, named by the offset that opened it. A window is the
sum of its panes, so a correction of a minute long gone costs one small row and no memory, and every
row stays the whole value of its key. Opening and closing depend on event times and offsets only.
"""

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
    """Counters and score points of one subject in one minute.

    `opened` and `changed` are offsets; `creator_id` is that of the event that opened the pane.
    `points` and `fast_points` are weights times 2^((t - minute start) / half-life).
    """

    __slots__ = (
        "changed",
        "counters",
        "creator_id",
        "dirty",
        "fast_points",
        "flushed",
        "minute",
        "opened",
        "points",
    )

    def __init__(self, minute: int, opened: int, creator_id: str) -> None:
        self.minute = minute
        self.creator_id = creator_id
        self.opened = opened
        self.changed = opened
        self.counters = list(ZERO)
        self.flushed = ZERO  # the counters at the last flush
        self.points = 0.0
        self.fast_points = 0.0
        self.dirty = False

    def take_change(self, total: list[int]) -> None:
        """Add what changed since the last flush to a subject's total."""
        counters, flushed = self.counters, self.flushed
        for i, value in enumerate(counters):
            if value != flushed[i]:
                total[i] += value - flushed[i]
        self.flushed = tuple(counters)
        self.dirty = False
