"""Live sessions: viewers who come, tap and leave, and gift streaks with all that goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Literal

from scripts.generator.figures import (
    FINAL_FRAME_LOST_PPM,
    FINAL_FRAME_TWICE_PPM,
    GIFT_REFUNDED_PPM,
    GIFTS,
    MINUTE_MS,
    REFUND_FIRST_SHARE,
    STREAK_FRAMES,
)
from scripts.generator.population import Creator, World
from scripts.generator.timeline import Event, Timeline, chance, new_event

Fate = Literal["whole", "final_lost", "final_twice", "refunded_after", "refunded_before"]
# The first streaks of a log have each fate once, so that a small log has them all.
_FIRST_FATES: tuple[Fate, ...] = (
    "whole",
    "final_lost",
    "final_twice",
    "refunded_after",
    "refunded_before",
)
_GIFT_SUMS = list(accumulate(weight for *_, weight in GIFTS))
_TAPS_PER_VIEWER_MAX = 6
_GIFTING_PPM = 120_000
_STREAKS_PER_FAN_MAX = 3
_VIEWERS = 120
_LEAVE_LOST_PPM = 50_000
_FRAME_MS = 450
_REFUND_DELAY_MS = 90 * MINUTE_MS


@dataclass(slots=True)
class Live:
    """One live session of the log."""

    id: str
    creator: Creator
    start_ms: int
    end_ms: int


class Lives:
    """Adds live sessions until there are as many events as asked for (a few more)."""

    def __init__(self, world: World, timeline: Timeline, seed: int) -> None:
        self._world = world
        self._timeline = timeline
        self._rng = Random(f"{seed}/lives")
        self._streaks = 0
        self.sessions: list[Live] = []

    def run(self, count: int) -> None:
        """Add about `count` events, and at least every case once."""
        end = len(self._timeline) + count
        while len(self._timeline) < end or self._streaks < len(_FIRST_FATES):
            self._session(end - len(self._timeline))

    def _session(self, room: int) -> None:
        rng, timeline = self._rng, self._timeline
        span_ms = timeline.end_ms - timeline.start_ms
        length_ms = min(span_ms // 4, (20 + int(rng.random() * 40)) * MINUTE_MS)
        latest_ms = span_ms - length_ms - min(_REFUND_DELAY_MS, span_ms // 4)
        start_ms = timeline.start_ms + int((0.1 + 0.9 * rng.random()) * latest_ms)
        creator = rng.choice(self._world.creators)
        live = Live(f"l{len(self.sessions) + 1}", creator, start_ms, start_ms + length_ms)
        self.sessions.append(live)
        timeline.add(_on_live("live_started", start_ms, creator.id, live), may_be_late=False)
        stop = len(timeline) + room
        for number in range(_VIEWERS):
            if len(timeline) >= stop and number >= len(_FIRST_FATES):
                break
            self._viewer(live, gives=self._streaks < len(_FIRST_FATES))
        timeline.add(_on_live("live_ended", live.end_ms, creator.id, live), may_be_late=False)

    def _viewer(self, live: Live, *, gives: bool) -> None:
        rng, timeline = self._rng, self._timeline
        user = self._world.pick_user(rng)
        length_ms = live.end_ms - live.start_ms
        joined_ms = live.start_ms + int(rng.random() ** 2 * length_ms * 0.9)
        stay_ms = int(rng.random() * (live.end_ms - joined_ms))
        timeline.add(_on_live("live_joined", joined_ms, user, live))
        for _ in range(int(rng.random() * _TAPS_PER_VIEWER_MAX)):
            tap_ms = joined_ms + int(rng.random() * stay_ms)
            taps = {"count": 1 + int(rng.random() ** 2 * 14)}
            timeline.add(_on_live("live_like", tap_ms, user, live) | taps)
        if gives or chance(rng, _GIFTING_PPM):
            for _ in range(1 + int(rng.random() * _STREAKS_PER_FAN_MAX)):
                self._streak(live, user, joined_ms + int(rng.random() * stay_ms))
        if not chance(rng, _LEAVE_LOST_PPM):
            timeline.add(_on_live("live_left", joined_ms + stay_ms, user, live))

    def _streak(self, live: Live, user: str, time_ms: int) -> None:
        rng = self._rng
        fate = self._fate()
        is_first = self._streaks < len(_FIRST_FATES)
        self._streaks += 1
        gift_id, coins, streakable, _ = rng.choices(GIFTS, cum_weights=_GIFT_SUMS)[0]
        while is_first and fate.startswith("final") and not streakable:
            gift_id, coins, streakable, _ = rng.choices(GIFTS, cum_weights=_GIFT_SUMS)[0]
        frames = int(STREAK_FRAMES(rng.random())) if streakable else 1
        gift = {"gift_id": gift_id, "coins": coins, "group_id": f"g{self._streaks}"}
        order = {"order_id": f"go{self._streaks}"}
        delay_ms = 4 * MINUTE_MS if fate == "refunded_before" else None
        for count in range(1, frames + 1):
            time_ms += _FRAME_MS + int(rng.random() * _FRAME_MS)
            ends = count == frames and not streakable
            frame = {"repeat_count": count, "repeat_end": ends} | order
            self._timeline.add(
                _on_live("gift", time_ms, user, live) | gift | frame, delay_ms=delay_ms
            )
        finals = {"final_lost": 0, "final_twice": 2}.get(fate, 1) if streakable else 0
        for _ in range(finals):
            # The last count again, now with the end mark: the way the real frames come.
            time_ms += 2 * _FRAME_MS
            frame = {"repeat_count": frames, "repeat_end": True} | order
            self._timeline.add(
                _on_live("gift", time_ms, user, live) | gift | frame, delay_ms=delay_ms
            )
        if fate.startswith("refunded"):
            self._refund(live, user, order, time_ms, is_first=fate == "refunded_before")

    def _refund(
        self, live: Live, user: str, order: dict[str, str], time_ms: int, *, is_first: bool
    ) -> None:
        later_ms = int((0.2 + 0.8 * self._rng.random()) * _REFUND_DELAY_MS)
        time_ms += 1_000 if is_first else later_ms
        event = _on_live("gift_refunded", time_ms, user, live) | order
        self._timeline.add(event | {"reason": "store_refund"}, may_be_late=False)

    def _fate(self) -> Fate:
        if self._streaks < len(_FIRST_FATES):
            return _FIRST_FATES[self._streaks]
        rng = self._rng
        if chance(rng, FINAL_FRAME_LOST_PPM):
            return "final_lost"
        if chance(rng, FINAL_FRAME_TWICE_PPM):
            return "final_twice"
        if chance(rng, GIFT_REFUNDED_PPM):
            return "refunded_before" if rng.random() < REFUND_FIRST_SHARE else "refunded_after"
        return "whole"


def _on_live(kind: str, time_ms: int, user: str, live: Live) -> Event:
    event = new_event(kind, time_ms, user)
    event["live_id"] = live.id
    event["creator_id"] = live.creator.id
    return event
