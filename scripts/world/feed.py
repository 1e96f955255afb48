"""The feed service: which video a person is shown next. It knows what any feed knows, no hidden truth.

It obeys the pipeline: a video has the impressions of its pool to spend, is shown more when `boosts` say
that it was promoted, and not at all in For You when it was stopped. Beside that it shows what
the people whom one follows have published, what trends, and a little of everything new.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from schemas.ranking import Pool
from scripts.world.assumptions import Assumptions
from scripts.world.chance import Chance, For
from scripts.world.people import User
from scripts.world.videos import POSTS_MAX, Video

HOUR_MS = 3_600_000
EXPLORED_MS = 48 * HOUR_MS
REACH_MS = 5 * 24 * HOUR_MS  # after this a video is in nobody's For You
_TRIES = 6  # the later half looks among everything new
_SPENT_SHARE = 0.1  # of its quota, while a video whose quota is spent waits for its decision


class Decided(NamedTuple):
    """What a feed service reads of one decision."""

    video_id: str
    pool: str
    verdict: str
    decided_at_ms: int


class Trends(NamedTuple):
    """What a platform knows of its own numbers, best first; None where nothing is known yet."""

    videos: list[str]
    tag: str | None
    content_type: str | None


class Shown(NamedTuple):
    """A slot that was filled: by which feed, and with what."""

    feed: str
    video: Video


class _Standing:
    """A video in For You: its pool, what it has spent there, whether it goes on."""

    __slots__ = ("pool", "spent", "stopped", "video")

    def __init__(self, video: Video) -> None:
        self.video = video
        self.pool = 0
        self.spent = 0
        self.stopped = False


class Feed:
    """All slates of one world. Call `prepare` before the slots of a minute."""

    def __init__(self, chance: Chance, assumed: Assumptions, pools: Sequence[Pool]) -> None:
        self._chance = chance
        self._assumed = assumed
        self._pools = pools
        self._places = {pool.name: place for place, pool in enumerate(pools)}
        self._standings: dict[str, _Standing] = {}
        self._by_creator: dict[int, list[Video]] = {}
        self._seen: set[int] = set()
        self._trending: list[Video] = []
        self._tag: str | None = None
        self._tagged: list[Video] = []  # recent ones with the tag that trends
        self._candidates: list[_Standing] = []
        self._sums: list[float] = []
        self._recent: list[Video] = []

    def publish(self, video: Video) -> None:
        """Take a new video into the first pool."""
        self._standings[video.id] = _Standing(video)
        for creator in (video.creator, video.collaborator):
            if creator is not None:
                self._by_creator.setdefault(creator.number, []).append(video)

    def obey(self, decided: Decided) -> None:
        """Take a decision of the pipeline; they come in the order in which they were made."""
        standing = self._standings.get(decided.video_id)
        if standing is not None:
            place = self._places[decided.pool]
            standing.stopped = decided.verdict == "stop"
            standing.pool = place + 1 if decided.verdict == "promote" else place
            standing.spent = 0

    def trend(self, trends: Trends) -> None:
        """Take what trends: who searches finds these videos, and the newest with that tag."""
        known = (self._standings.get(video_id) for video_id in trends.videos)
        self._trending = [standing.video for standing in known if standing is not None]
        self._tag = trends.tag

    def prepare(self, now_ms: int) -> None:
        """Weigh what For You can show in this minute: the impressions each has left, less with age."""
        half_life_ms = self._assumed.recency_half_life_h * HOUR_MS
        standings = [
            one for one in self._standings.values() if now_ms - one.video.published_ms < REACH_MS
        ]
        self._candidates = [one for one in standings if not one.stopped]
        self._sums = list(
            accumulate(
                self._left(one) * 2 ** ((one.video.published_ms - now_ms) / half_life_ms)
                for one in self._candidates
            )
        )
        fresh_ms = now_ms - EXPLORED_MS
        self._recent = [one.video for one in standings if one.video.published_ms > fresh_ms]
        self._tagged = [video for video in self._recent if self._tag in video.hashtags]

    def fill(self, user: User, slot: int) -> Shown | None:
        """Return what the user is shown in a slot; None when everything was seen already."""
        for attempt in range(_TRIES):
            shown = self._choose(user, slot, attempt)
            if shown is not None and self._is_new(user, shown.video):
                standing = self._standings[shown.video.id]
                if shown.feed == "for_you":
                    standing.spent += 1
                return shown
        return None

    def _left(self, standing: _Standing) -> float:
        quota = self._pools[min(standing.pool, len(self._pools) - 1)].impressions
        return max(quota - standing.spent, quota * _SPENT_SHARE)

    def _choose(self, user: User, slot: int, attempt: int) -> Shown | None:
        assumed, number = self._assumed, user.number
        route = self._chance(For.ROUTE, number, slot, attempt)
        draw = self._chance(For.PICK, number, slot, attempt)
        if route < assumed.following_share:
            video = self._of_followed(user, draw)
            return None if video is None else Shown("following", video)
        route -= assumed.following_share
        found = self._tagged if route < assumed.search_share / 2 else self._trending
        if route < assumed.search_share and found:
            return Shown("search", found[int(draw * len(found))])
        explores = 1.0 - route < assumed.exploring_share or attempt > _TRIES // 2
        if explores and self._recent:
            return Shown("for_you", self._recent[int(draw * len(self._recent))])
        if not self._sums:
            return None
        place = min(bisect_right(self._sums, draw * self._sums[-1]), len(self._sums) - 1)
        return Shown("for_you", self._candidates[place].video)

    def _of_followed(self, user: User, draw: float) -> Video | None:
        """The newest video of a followed creator that the user has not seen."""
        if not user.follows:
            return None
        followed = list(user.follows)
        videos = self._by_creator.get(followed[int(draw * len(followed))], ())
        return next(
            (video for video in reversed(videos) if self._pair(user, video) not in self._seen), None
        )

    def _is_new(self, user: User, video: Video) -> bool:
        pair = self._pair(user, video)
        if pair in self._seen:
            return False
        self._seen.add(pair)
        return True

    @staticmethod
    def _pair(user: User, video: Video) -> int:
        return user.number * POSTS_MAX * POSTS_MAX + video.number
