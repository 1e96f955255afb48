"""Rule 9: gift streaks, and the entries they make in the ledger, in the log's order.

Points that the rule's text leaves open, as decided here:

- An event raises the event time before it counts: a frame that comes long after its streak's
  timeout finds the streak final, and is an adjustment.
- Only an event that raises the event time ends streaks: one whose frame is itself older than the
  timeout stays open until the next such event.
- A better frame after the end is booked by the difference to all that was booked, also when that
  is negative (a streak whose unit price fell): else money would depend on the order of arrival.
- A refunded order's frame that comes after the refund takes its streak back before it could count
  for more: what was booked is corrected, the frame itself is never booked.
- A correction by refund has the time of the event that brought it: the refund's, or the frame's
  where the refund came first. An adjustment has the time of its frame.
- An entry of nothing is no entry: a streak that is worth 0 (its rate is 0) books none when it ends
  and shows no estimate. A better frame of worth is then the adjustment `:0`, no entry being there.
"""

import heapq
from dataclasses import dataclass

from schemas.entries import entry_id
from schemas.events import Gift, GiftRefunded
from schemas.rates import GiftRate
from scripts.recount.model import Rules

StreakKey = tuple[str, str, str, str]  # live, user, gift, group


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the earnings ledger."""

    entry_id: str
    occurred_at_ms: int
    creator_id: str
    source: str
    state: str
    amount_micros: int
    currency: str
    reference: str
    rate_version: str


@dataclass(slots=True)
class Streak:
    """One streak: its best frame so far, and what was booked for it."""

    best: Gift
    last_frame_ms: int
    is_final: bool = False
    is_refunded: bool = False
    booked_micros: int = 0
    bookings: int = 0


class Gifts:
    """The streaks of one partition. Call `advance` for every admitted event, then count it."""

    def __init__(self, rules: Rules) -> None:
        self.streaks: dict[StreakKey, Streak] = {}
        self.entries: list[Entry] = []
        self._rules = rules
        self._keys_of_order: dict[tuple[str, str], set[StreakKey]] = {}  # (live, order) -> streaks
        self._refunded_orders: set[tuple[str, str]] = set()  # (live, order)
        self._max_event_time_ms = 0
        self._deadlines: list[tuple[int, StreakKey]] = []  # a heap; a streak may be in it often

    def advance(self, max_event_time_ms: int) -> None:
        """End the streaks whose timeout has passed, if the event time was raised."""
        if max_event_time_ms <= self._max_event_time_ms:
            return
        self._max_event_time_ms = max_event_time_ms
        while self._deadlines and self._is_over(self._deadlines[0][0], max_event_time_ms):
            _, key = heapq.heappop(self._deadlines)
            if self._is_over(self._deadline(self.streaks[key]), max_event_time_ms):
                self._end(key)

    def frame(self, gift: Gift) -> None:
        """Count one frame."""
        key = (gift.live_id, gift.user_id, gift.gift_id, gift.group_id)
        streak = self.streaks.get(key)
        if streak is None:
            streak = self.streaks[key] = Streak(best=gift, last_frame_ms=gift.event_time_ms)
        elif _is_better(gift, streak.best):
            streak.best = gift
        streak.last_frame_ms = max(streak.last_frame_ms, gift.event_time_ms)
        order = (gift.live_id, gift.order_id)
        self._keys_of_order.setdefault(order, set()).add(key)
        if order in self._refunded_orders:
            self._refund(key, gift.event_time_ms)
        if streak.is_final:
            self._book_difference(key, gift)
            return
        heapq.heappush(self._deadlines, (self._deadline(streak), key))
        if gift.repeat_end:
            self._end(key)

    def refund(self, event: GiftRefunded) -> None:
        """Make the streaks of an order worth no money, those known and those to come."""
        order = (event.live_id, event.order_id)
        self._refunded_orders.add(order)
        for key in self._keys_of_order.get(order, ()):
            self._refund(key, event.event_time_ms)

    def estimates(self) -> list[Entry]:
        """Return what the open streaks are worth."""
        return [
            self._entry(key, streak, "", "estimated", self._worth_micros(streak))
            for key, streak in self.streaks.items()
            if not streak.is_final and not streak.is_refunded and self._worth_micros(streak)
        ]

    def _deadline(self, streak: Streak) -> int:
        return streak.last_frame_ms + self._rules.streak_timeout_ms

    def _is_over(self, deadline_ms: int, max_event_time_ms: int) -> bool:
        return max_event_time_ms - self._rules.disorder_ms > deadline_ms

    def _rate(self, gift: Gift) -> GiftRate:
        rate = self._rules.rates.gift(gift.event_time_ms)
        assert rate is not None, "admission refuses gifts without a rate"
        return rate

    def _worth_micros(self, streak: Streak) -> int:
        best = streak.best
        return best.coins * best.repeat_count * self._rate(best).micros_per_coin

    def _end(self, key: StreakKey) -> None:
        streak = self.streaks[key]
        if streak.is_final:
            return
        streak.is_final = True
        worth = self._worth_micros(streak)
        if worth and not streak.is_refunded:
            streak.booked_micros = worth
            streak.bookings += 1
            self.entries.append(self._entry(key, streak, "", "final", worth))

    def _book_difference(self, key: StreakKey, gift: Gift) -> None:
        streak = self.streaks[key]
        difference = self._worth_micros(streak) - streak.booked_micros
        if streak.best is gift and difference and not streak.is_refunded:
            suffix = f":{streak.bookings}"
            streak.booked_micros += difference
            streak.bookings += 1
            self.entries.append(self._entry(key, streak, suffix, "adjustment", difference))

    def _refund(self, key: StreakKey, time_ms: int) -> None:
        streak = self.streaks[key]
        if streak.is_refunded:
            return
        streak.is_refunded = True
        if streak.booked_micros:
            amount = -streak.booked_micros
            entry = self._entry(key, streak, ":refund", "adjustment", amount, time_ms)
            self.entries.append(entry)

    def _entry(
        self,
        key: StreakKey,
        streak: Streak,
        suffix: str,
        state: str,
        amount_micros: int,
        time_ms: int | None = None,
    ) -> Entry:
        best = streak.best
        rate = self._rate(best)
        return Entry(
            entry_id=entry_id("gift", *key) + suffix,
            occurred_at_ms=best.event_time_ms if time_ms is None else time_ms,
            creator_id=best.creator_id,
            source="gift",
            state=state,
            amount_micros=amount_micros,
            currency=rate.currency,
            reference=f"live:{best.live_id}",
            rate_version=rate.version,
        )


def _is_better(gift: Gift, best: Gift) -> bool:
    if gift.repeat_count != best.repeat_count:
        return gift.repeat_count > best.repeat_count
    return (gift.event_time_ms, gift.id) < (best.event_time_ms, best.id)
