"""People scrolling: pages of videos shown, watched, liked, and what is taken back later."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from random import Random

from scripts.generator.figures import (
    COMMENT_DELETED_PPM,
    FEEDS,
    HOUR_MS,
    HOURLY_EXPOSURES,
    LIKED_AGAIN_PPM,
    LIKED_UNPLAYED_SHARE,
    LIKED_UNWATCHED_PPM,
    LOOP_RATIO,
    LOOPED_SHARE_OF_COMPLETED,
    MINUTE_MS,
    NOT_INTERESTED_PPM,
    PAUSE_S,
    PROFILE_VIEW_PPM,
    PROMOTED_VIEW_PPM,
    REPORT_PPM,
    UNDONE_AFTER_S,
    UNFAVORITE_PPM,
    UNFOLLOW_PPM,
    UNLIKE_PPM,
    VIEWED_PPM,
    WATCHED_PART_S,
    WATCHED_PHOTO_S,
)
from scripts.generator.population import BURST_CHALLENGE, Video, World
from scripts.generator.timeline import Event, Timeline, chance, new_event

_FEED_NAMES = [name for name, _ in FEEDS]
_FEED_SUMS = list(accumulate(share for _, share in FEEDS))
_PAGE_SIZES = (1, 2, 2, 3, 3, 4, 4, 6)
_NEXT_PAGE = 0.45
# How a video's reach changes with its age in hours; a third of the log's time a challenge bursts.
_REACH_BY_AGE = ((1, 0.5), (8, 1.0), (16, 0.8), (30, 0.6))
_REACH_OLD = 0.45
_REACH_TOP = 0.75
_BURST_REACH = 6.0
_SESSION_AGAIN_MAX = 40
_SECOND_MS = 1000
_OWNERS_PPM = 50_000  # creators who like their own video when it is out; our guess
_ONCE_AT_LEAST = (
    "like",
    "unlike",
    "favorite",
    "unfavorite",
    "comment",
    "reply",
    "comment_deleted",
    "share",
    "follow",
    "unfollow",
    "profile_view",
    "not_interested",
    "report",
)


def hour_sums(start_ms: int, end_ms: int) -> list[int]:
    """Return running sums of traffic over the hours of the log (part hours count as whole)."""
    hours = max(1, -(-(end_ms - start_ms) // HOUR_MS))
    first = start_ms // HOUR_MS % 24
    return list(accumulate(HOURLY_EXPOSURES[(first + hour) % 24] for hour in range(hours)))


class Crowd:
    """Runs sessions of the world's users until there are as many events as asked for."""

    def __init__(self, world: World, timeline: Timeline, seed: int) -> None:
        self._world = world
        self._timeline = timeline
        self._rng = Random(f"{seed}/sessions")
        self._owners_rng = Random(f"{seed}/owners")
        self._hour_sums = hour_sums(timeline.start_ms, timeline.end_ms)
        self._seen: set[tuple[str, str]] = set()
        self._liked: set[tuple[str, str]] = set()
        self._followed: set[tuple[str, str]] = set()
        self._comments = 0
        span_ms = timeline.end_ms - timeline.start_ms
        self._opening_ms = min(15 * MINUTE_MS, span_ms // 10)
        self._burst_ms = (timeline.start_ms + span_ms // 2, timeline.start_ms + span_ms * 3 // 4)

    def run(self, count: int) -> None:
        """Add exactly `count` events."""
        drafts = self._timeline.drafts
        end = len(drafts) + count
        while len(drafts) < end:
            self._session(self._world.pick_user(self._rng), self._session_start_ms())
        del drafts[end:]

    def rarities(self) -> None:
        """Add one of everything that users do, for logs too small to have it by chance."""
        video = self._world.videos[0]
        user = self._world.user_ids[0]
        span_ms = self._timeline.end_ms - self._timeline.start_ms
        time_ms = video.published_ms + span_ms // 3
        own, reply = {"comment_id": "m-1"}, {"comment_id": "m-2", "in_reply_to": "m-1"}
        for number, kind in enumerate(_ONCE_AT_LEAST):
            event = _on_video(kind, time_ms + number * 1_500, user, video)
            if kind == "reply":
                event |= {"user_id": video.creator.id} | reply
            elif kind.startswith("comment"):
                event |= own
            self._timeline.add(event)

    def owners(self) -> None:
        """Let some creators, at least one, watch and lift their own new video."""
        for number, video in enumerate(self._world.videos):
            if number == 0 or chance(self._owners_rng, _OWNERS_PPM):
                time_ms, owner = video.published_ms + MINUTE_MS, video.creator.id
                view = _on_video("view", time_ms, owner, video)
                view |= {"watch_ms": video.duration_ms, "duration_ms": video.duration_ms}
                self._timeline.add(view | {"feed": "profile"})
                self._timeline.add(_on_video("like", time_ms + _SECOND_MS, owner, video))

    def watch(self, user: str, video: Video, time_ms: int, feed: str) -> int:
        """Let a user watch one video and do what people do; return how long they watched."""
        rng, rates = self._rng, video.rates_ppm
        watch_ms = watched_ms(rng, video)
        likes = chance(rng, rates["like"]) and (user, video.id) not in self._liked
        if likes:
            watch_ms = self._liked_watch_ms(watch_ms)
            self._like(user, video, time_ms + watch_ms // 2)
        if watch_ms > 0:
            view = _on_video("view", time_ms + watch_ms, user, video)
            view |= {"watch_ms": watch_ms, "duration_ms": video.duration_ms, "feed": feed}
            if video.is_promoted or chance(rng, PROMOTED_VIEW_PPM):
                view["is_promoted"] = True
            self._timeline.add(view)
        self._other_actions(user, video, time_ms + watch_ms // 2)
        return watch_ms

    def _session(self, user: str, time_ms: int) -> None:
        rng = self._rng
        end_ms = self._timeline.end_ms
        while time_ms < end_ms:
            feed = _FEED_NAMES[bisect_right(_FEED_SUMS, rng.random() * _FEED_SUMS[-1])]
            page = [self._choose(user, time_ms) for _ in range(rng.choice(_PAGE_SIZES))]
            for place, video in enumerate(page):
                shown_ms = time_ms + place * 40 + int(rng.random() * 40)
                shown = _on_video("impression", shown_ms, user, video)
                self._timeline.add(shown | {"feed": feed})
            time_ms += 500
            for video in page:
                if time_ms < end_ms and chance(rng, VIEWED_PPM):
                    time_ms += self.watch(user, video, time_ms, feed)
                time_ms += 200 + int(rng.random() * 800)
            if rng.random() >= _NEXT_PAGE:
                return
            time_ms += int(PAUSE_S(rng.random()) * _SECOND_MS)

    def _choose(self, user: str, time_ms: int) -> Video:
        """A video that is out, by popularity and age; what the user has seen comes again less."""
        rng = self._rng
        video = self._world.videos[0]
        for _ in range(_SESSION_AGAIN_MAX):
            video = self._world.pick_video(rng)
            age_ms = time_ms - video.published_ms
            seen = (user, video.id) in self._seen
            if age_ms > 2 * MINUTE_MS and rng.random() < self._reach(video, age_ms, time_ms, seen):
                break
        else:
            video = self._world.videos[0]
        self._seen.add((user, video.id))
        return video

    def _reach(self, video: Video, age_ms: int, time_ms: int, seen: bool) -> float:  # noqa: FBT001
        reach = next((r for hours, r in _REACH_BY_AGE if age_ms < hours * HOUR_MS), _REACH_OLD)
        if video.is_top:
            reach = _REACH_TOP  # ageless, or the top would be whoever published last
        elif video.challenge_id == BURST_CHALLENGE:
            # Kept low outside the burst, since a reach above 1 cannot be drawn.
            burst = self._burst_ms[0] <= time_ms < self._burst_ms[1]
            reach = 1.0 if burst else reach / _BURST_REACH
        return reach * 0.12 if seen else reach

    def _session_start_ms(self) -> int:
        rng, timeline = self._rng, self._timeline
        hour = bisect_right(self._hour_sums, rng.random() * self._hour_sums[-1])
        time_ms = timeline.start_ms + hour * HOUR_MS + int(rng.random() * HOUR_MS)
        opening_ms = timeline.start_ms + self._opening_ms
        if opening_ms <= time_ms < timeline.end_ms:
            return time_ms
        return opening_ms + int(rng.random() * (timeline.end_ms - opening_ms))

    def _liked_watch_ms(self, watch_ms: int) -> int:
        rng = self._rng
        if chance(rng, LIKED_UNWATCHED_PPM):
            return 0 if rng.random() < LIKED_UNPLAYED_SHARE else 1 + int(rng.random() * 998)
        return watch_ms if watch_ms >= _SECOND_MS else _SECOND_MS + watch_ms

    def _like(self, user: str, video: Video, time_ms: int) -> None:
        self._liked.add((user, video.id))
        self._timeline.add(_on_video("like", time_ms, user, video))
        undone = self._undo(UNLIKE_PPM, time_ms, lambda t: _on_video("unlike", t, user, video))
        if undone is not None:
            again = self._undo(LIKED_AGAIN_PPM, undone, lambda t: _on_video("like", t, user, video))
            if again is None:
                self._liked.discard((user, video.id))

    def _other_actions(self, user: str, video: Video, time_ms: int) -> None:
        rng, rates, add = self._rng, video.rates_ppm, self._timeline.add
        if chance(rng, rates["comment"]):
            self._comment(user, video, time_ms)
        if chance(rng, rates["share"]):
            add(_on_video("share", time_ms, user, video))
        if chance(rng, rates["favorite"]):
            add(_on_video("favorite", time_ms, user, video))
            self._undo(UNFAVORITE_PPM, time_ms, lambda t: _on_video("unfavorite", t, user, video))
        if chance(rng, rates["follow"]) and (user, video.creator.id) not in self._followed:
            self._follow(user, video, time_ms)
        if chance(rng, PROFILE_VIEW_PPM):
            add(_on_video("profile_view", time_ms, user, video))
        if chance(rng, NOT_INTERESTED_PPM):
            add(_on_video("not_interested", time_ms, user, video))
        if chance(rng, REPORT_PPM):
            add(_on_video("report", time_ms, user, video))

    def _follow(self, user: str, video: Video, time_ms: int) -> None:
        creator = video.creator
        self._followed.add((user, creator.id))
        self._timeline.add(_on_video("follow", time_ms, user, video))
        # People unfollow wherever they are: often on another video, so in another partition.
        other = self._rng.choice(creator.videos)
        undone = self._undo(UNFOLLOW_PPM, time_ms, lambda t: _on_video("unfollow", t, user, other))
        if undone is not None:
            self._followed.discard((user, creator.id))

    def _comment(self, user: str, video: Video, time_ms: int) -> None:
        self._comments += 1
        own = {"comment_id": f"m{self._comments}"}
        self._timeline.add(_on_video("comment", time_ms, user, video) | own)
        self._undo(
            COMMENT_DELETED_PPM,
            time_ms,
            lambda t: _on_video("comment_deleted", t, user, video) | own,
        )
        if chance(self._rng, video.creator.reply_ppm):
            self._comments += 1
            reply_ms = time_ms + int(UNDONE_AFTER_S(self._rng.random()) * _SECOND_MS)
            reply = _on_video("reply", reply_ms, video.creator.id, video)
            reply |= {"comment_id": f"m{self._comments}", "in_reply_to": own["comment_id"]}
            if reply_ms < self._timeline.end_ms:
                self._timeline.add(reply)

    def _undo(self, ppm: int, time_ms: int, event: Callable[[int], Event]) -> int | None:
        """With this chance add a later event and return its time."""
        rng = self._rng
        if not chance(rng, ppm):
            return None
        later_ms = time_ms + int(UNDONE_AFTER_S(rng.random()) * _SECOND_MS)
        if later_ms >= self._timeline.end_ms:
            return None
        self._timeline.add(event(later_ms))
        return later_ms


def _on_video(kind: str, time_ms: int, user: str, video: Video) -> Event:
    event = new_event(kind, time_ms, user)
    event["video_id"] = video.id
    event["creator_id"] = video.creator.id
    return event


def watched_ms(rng: Random, video: Video) -> int:
    """Draw how long a play of this video lasts: part of it, all of it, or in a loop."""
    duration_ms = video.duration_ms
    if not duration_ms:
        return int(WATCHED_PHOTO_S(rng.random()) * _SECOND_MS)
    if chance(rng, video.completion_ppm):
        if rng.random() < LOOPED_SHARE_OF_COMPLETED:
            return duration_ms + 1 + int(duration_ms * LOOP_RATIO(rng.random()))
        return duration_ms
    watch_ms = int(WATCHED_PART_S(rng.random()) * _SECOND_MS)
    return watch_ms if watch_ms < duration_ms else int(duration_ms * rng.random())
