"""Evening lives: followers come, tap, and give what their purse allows."""

from __future__ import annotations

from bisect import bisect_right
from functools import partial
from itertools import accumulate

from scripts.generator.figures import GIFTS, STREAK_FRAMES
from scripts.world.assumptions import Assumptions
from scripts.world.chance import Chance, For
from scripts.world.diary import MINUTE_MS, Diary
from scripts.world.people import Creator, User
from scripts.world.places import Place

_HOUR_MS = 60 * MINUTE_MS
_FRAME_MS = 450
_FRAMES_MAX = 20
_TAPS_MAX = 30


class Lives:
    """All live sessions of one world."""

    def __init__(
        self, chance: Chance, assumed: Assumptions, place: Place, users: list[User], diary: Diary
    ) -> None:
        self._chance = chance
        self._assumed = assumed
        self._place = place
        self._users = users
        self._diary = diary
        self._sessions = 0

    def announce(self, creators: list[Creator], day: int, day_start_ms: int) -> None:
        """Plan the lives of a day; who comes is decided when they begin."""
        for creator in creators:
            if creator.live_hour is not None:
                start_ms = day_start_ms + creator.live_hour * _HOUR_MS
                self._diary.later(start_ms, partial(self._hold, creator, day, start_ms))

    def _hold(self, creator: Creator, day: int, start_ms: int) -> None:
        self._sessions += 1
        live_id = self._place.id("live", self._sessions)
        end_ms = start_ms + self._assumed.live_minutes * MINUTE_MS
        subject = {"live_id": live_id, "creator_id": creator.id}
        self._diary.add("live_started", start_ms, creator.id, **subject)
        for number in creator.followers:
            key = (number, creator.number, day)
            if self._chance(For.JOIN, *key) < self._assumed.join_share:
                self._visit(self._users[number], key, subject, start_ms, end_ms)
        self._diary.add("live_ended", end_ms, creator.id, **subject)

    def _visit(
        self,
        user: User,
        key: tuple[int, int, int],
        subject: dict[str, str],
        start_ms: int,
        end_ms: int,
    ) -> None:
        came_ms = start_ms + int(self._chance(For.JOIN, *key, 1) * (end_ms - start_ms) * 0.8)
        stay_ms = int(self._chance(For.JOIN, *key, 2) * (end_ms - came_ms))
        self._diary.add("live_joined", came_ms, user.id, **subject)
        taps = int(self._chance(For.TAPS, *key) * _TAPS_MAX)
        if taps:
            self._diary.add("live_like", came_ms + stay_ms // 3, user.id, count=taps, **subject)
        if self._chance(For.GIFT, *key) < self._assumed.gift_share:
            self._give(user, key, subject, came_ms + stay_ms // 2)
        self._diary.add("live_left", came_ms + stay_ms, user.id, **subject)

    def _give(
        self, user: User, key: tuple[int, int, int], subject: dict[str, str], at_ms: int
    ) -> None:
        affordable = [gift for gift in GIFTS if gift[1] <= user.coins]
        if not affordable:
            return
        sums = list(accumulate(gift[3] for gift in affordable))
        draw = self._chance(For.GIFT, *key, 1) * sums[-1]
        gift_id, coins, is_streak, _ = affordable[bisect_right(sums, draw)]
        wanted = int(STREAK_FRAMES(self._chance(For.STREAK, *key))) if is_streak else 1
        frames = max(1, min(wanted, user.coins // coins, _FRAMES_MAX))
        name = f"{subject['live_id']}/{user.number}"
        for frame in range(1, frames + 1):
            self._diary.add(
                *("gift", at_ms + frame * _FRAME_MS, user.id),
                gift_id=gift_id,
                coins=coins,
                group_id=name,
                order_id=name,
                repeat_count=frame,
                repeat_end=frame == frames,
                **subject,
            )
