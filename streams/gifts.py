"""Live gift streaks: from running frames to money.

A streak is (live, user, gift, group). Its frames carry a running repeat_count and some are lost or
repeated, so a streak is worth its best frame: the highest count, and of those the earliest. It is
final at repeat_end or when event time has passed its last frame by the streak timeout; a better
frame after that is an adjustment. A refunded order is worth nothing, whichever comes first.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

ORDERS_MAX = 1_000  # orders remembered of one streak; a streak normally has one


class Frame(NamedTuple):
    """What is kept of a gift frame."""

    repeat_count: int
    event_time_ms: int
    event_id: str
    coins: int
    creator_id: str
    amount_micros: int
    rate_version: str

    @property
    def gift_coins(self) -> int:
        """Return the coins of the whole streak as of this frame."""
        return self.coins * self.repeat_count

    def beats(self, other: "Frame") -> bool:
        """Return whether this frame stands over another: more gifts, then earlier."""
        return (-self.repeat_count, self.event_time_ms, self.event_id) < (
            -other.repeat_count,
            other.event_time_ms,
            other.event_id,
        )


class Booking(NamedTuple):
    """One ledger entry of a streak: its id's suffix, state, time, amount and reason."""

    suffix: str
    state: str
    occurred_at_ms: int
    amount_micros: int
    reason: str


@dataclass(slots=True)
class Streak:
    """One streak. Methods return what must be booked; booked entries never change."""

    best: Frame
    last_ms: int
    final: bool = False
    refunded: bool = False
    booked_micros: int = 0
    bookings: int = 0
    order_ids: dict[str, None] = field(default_factory=dict)  # in order of arrival
    changed: int = 0  # offset of the last event that changed anything

    def deadline_ms(self, timeout_ms: int) -> int:
        """Return the event time after which the streak is final without repeat_end."""
        return self.last_ms + timeout_ms

    def remember_order(self, order_id: str) -> None:
        """Remember that a frame of this order belongs to the streak, so that a refund finds it."""
        if order_id not in self.order_ids:
            self.order_ids[order_id] = None
            if len(self.order_ids) > ORDERS_MAX:
                del self.order_ids[next(iter(self.order_ids))]

    def offer(self, frame: Frame) -> Frame | None:
        """Take a frame; return the frame it replaced as the best, if it did."""
        self.last_ms = max(self.last_ms, frame.event_time_ms)
        if not frame.beats(self.best):
            return None
        old, self.best = self.best, frame
        return old

    def finish(self) -> list[Booking]:
        """Make the streak final."""
        if self.final:
            return []
        self.final = True
        if self.refunded:
            return []
        return self._book("", "final", self.best.event_time_ms, "")

    def adjust(self, event_time_ms: int) -> list[Booking]:
        """Book what a final streak is worth more since a better frame came."""
        if not self.final or self.refunded:
            return []
        # named by what was booked before: an event id may come again after the horizon
        suffix = f":{self.bookings}"
        return self._book(suffix, "adjustment", event_time_ms, "better frame after final")

    def refund(self, event_time_ms: int) -> list[Booking]:
        """Take the money back, now and for good."""
        if self.refunded:
            return []
        self.refunded = True
        return self._book(":refund", "adjustment", event_time_ms, "refund")

    @property
    def worth_micros(self) -> int:
        """Return what the streak is worth to its creator now."""
        return 0 if self.refunded else self.best.amount_micros

    def _book(self, suffix: str, state: str, at_ms: int, reason: str) -> list[Booking]:
        difference = self.worth_micros - self.booked_micros
        if difference == 0:
            return []
        self.booked_micros += difference
        self.bookings += 1
        return [Booking(suffix, state, at_ms, difference, reason)]
