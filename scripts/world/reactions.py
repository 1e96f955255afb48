"""What a person does with a video: watches, likes, comments, follows, buys; and takes back later."""

from __future__ import annotations

from scripts.generator.figures import (
    COMMENT_DELETED_PPM,
    LOOP_RATIO,
    LOOPED_SHARE_OF_COMPLETED,
    MINUTE_MS,
    NOT_INTERESTED_PPM,
    PROFILE_VIEW_PPM,
    REPORT_PPM,
    UNDONE_AFTER_S,
    UNFAVORITE_PPM,
    UNFOLLOW_PPM,
    UNLIKE_PPM,
    VIEWED_PPM,
    WATCHED_PART_S,
)
from scripts.world.assumptions import Assumptions, Treatment
from scripts.world.chance import Chance, For
from scripts.world.diary import Diary
from scripts.world.feed import Shown
from scripts.world.people import User
from scripts.world.shop import Shop
from scripts.world.videos import Video

_MILLION = 1_000_000
_SECOND_MS = 1_000
_LIKELIEST = 0.95
_PLACEBO_LUCK = 1_000_003  # a placebo's chosen creators meet other luck, of the same propensities


class Reactions:
    """All that people do with videos in one world."""

    def __init__(
        self, chance: Chance, assumed: Assumptions, treatment: Treatment, diary: Diary, shop: Shop
    ) -> None:
        self._chance = chance
        self._assumed = assumed
        self._placebo = treatment.placebo
        self._diary = diary
        self._shop = shop
        self._comments = 0

    def react(self, user: User, shown: Shown, at_ms: int) -> None:
        """Show a video to a user and write down what follows."""
        video = shown.video
        subject = {"video_id": video.id, "creator_id": video.creator.id}
        self._diary.add("impression", at_ms, user.id, feed=shown.feed, **subject)
        if not self._happens(For.VIEW, user, video, VIEWED_PPM / _MILLION):
            return
        keenness = user.tastes[video.topic]
        if video.creator.number in user.loyal_to:
            keenness *= self._assumed.loyalty_factor
        watch_ms = self._watched_ms(user, video, keenness)
        end_ms = at_ms + watch_ms
        self._diary.add(
            *("view", end_ms, user.id),
            watch_ms=watch_ms,
            duration_ms=video.duration_ms,
            feed=shown.feed,
            **subject,
        )
        # What is done is done while watching, after the first second.
        done_ms = at_ms + max(watch_ms // 2, min(watch_ms, _SECOND_MS))
        self._engage(user, video, done_ms, keenness)
        self._shop.tempt(user, video, end_ms, watch_ms, keenness)

    def follow(self, user: User, video: Video, at_ms: int) -> None:
        """Let a user follow a video's creator, unless that is so already."""
        creator = video.creator
        if creator.number in user.follows:
            return
        self._diary.add("follow", at_ms, user.id, video_id=video.id, creator_id=creator.id)
        user.follows[creator.number] = None
        creator.followers[user.number] = None

    def _engage(self, user: User, video: Video, at_ms: int, keenness: float) -> None:
        for kind, purpose, rate, undo, undone_ppm in (
            ("like", For.LIKE, video.like, "unlike", UNLIKE_PPM),
            ("favorite", For.FAVORITE, video.favorite, "unfavorite", UNFAVORITE_PPM),
        ):
            if self._happens(purpose, user, video, rate * keenness):
                self._on_video(kind, user, video, at_ms)
                undone_ms = self._undone_ms(purpose, user, video, at_ms, undone_ppm)
                if undone_ms is not None:
                    self._on_video(undo, user, video, undone_ms)
        if self._happens(For.SHARE, user, video, video.share * keenness):
            self._on_video("share", user, video, at_ms)
        if self._happens(For.COMMENT, user, video, video.comment * keenness):
            self._comment(user, video, at_ms)
        if self._happens(For.FOLLOW, user, video, video.follow * keenness):
            self._follow_for_now(user, video, at_ms)
        for kind, purpose, ppm in (
            ("profile_view", For.PROFILE_VIEW, PROFILE_VIEW_PPM),
            ("not_interested", For.NOT_INTERESTED, NOT_INTERESTED_PPM),
            ("report", For.REPORT, REPORT_PPM),
        ):
            if self._happens(purpose, user, video, ppm / _MILLION):
                self._on_video(kind, user, video, at_ms)

    def _watched_ms(self, user: User, video: Video, keenness: float) -> int:
        draw = self._draw(For.WATCH, user, video)
        if self._happens(For.COMPLETION, user, video, video.completion * keenness**0.5):
            looped = max(0.0, draw - 1 + LOOPED_SHARE_OF_COMPLETED) / LOOPED_SHARE_OF_COMPLETED
            return int(video.duration_ms * (1 + (LOOP_RATIO(looped) if looped else 0.0)))
        return max(1, min(int(WATCHED_PART_S(draw) * _SECOND_MS), video.duration_ms - 1))

    def _comment(self, user: User, video: Video, at_ms: int) -> None:
        self._comments += 1
        comment_id = f"{video.id}/{self._comments}"
        self._on_video("comment", user, video, at_ms, comment_id=comment_id)
        gone_ms = self._undone_ms(For.COMMENT, user, video, at_ms, COMMENT_DELETED_PPM)
        if gone_ms is not None:
            self._on_video("comment_deleted", user, video, gone_ms, comment_id=comment_id)
        elif self._happens(For.REPLY, user, video, video.creator.reply_share):
            answered_ms = at_ms + int((2 + 58 * self._draw(For.UNDONE, user, video)) * MINUTE_MS)
            self._diary.later(
                answered_ms, lambda: self._answer(user, video, answered_ms, comment_id)
            )

    def _answer(self, user: User, video: Video, at_ms: int, comment_id: str) -> None:
        self._diary.add(
            *("reply", at_ms, video.creator.id),
            video_id=video.id,
            creator_id=video.creator.id,
            comment_id=f"{comment_id}/answer",
            in_reply_to=comment_id,
        )
        user.loyal_to.add(video.creator.number)

    def _follow_for_now(self, user: User, video: Video, at_ms: int) -> None:
        if video.creator.number in user.follows:
            return
        self.follow(user, video, at_ms)
        left_ms = self._undone_ms(For.FOLLOW, user, video, at_ms, UNFOLLOW_PPM)
        if left_ms is not None:
            self._diary.later(left_ms, lambda: self._unfollow(user, video, left_ms))

    def _unfollow(self, user: User, video: Video, at_ms: int) -> None:
        if video.creator.number in user.follows:
            self._on_video("unfollow", user, video, at_ms)
            del user.follows[video.creator.number]
            del video.creator.followers[user.number]

    def _undone_ms(
        self, purpose: For, user: User, video: Video, at_ms: int, ppm: float
    ) -> int | None:
        if self._chance(For.UNDONE, purpose, user.number, video.number) * _MILLION >= ppm:
            return None
        after_s = UNDONE_AFTER_S(self._chance(For.UNDONE_AFTER, purpose, user.number, video.number))
        return at_ms + int(after_s * _SECOND_MS)

    def _on_video(self, kind: str, user: User, video: Video, at_ms: int, **fields: str) -> None:
        creator_id = video.creator.id
        self._diary.add(kind, at_ms, user.id, video_id=video.id, creator_id=creator_id, **fields)

    def _happens(self, purpose: For, user: User, video: Video, probability: float) -> bool:
        return self._draw(purpose, user, video) < min(probability, _LIKELIEST)

    def _draw(self, purpose: For, user: User, video: Video) -> float:
        luck = _PLACEBO_LUCK if self._placebo and video.creator.is_chosen else 0
        return self._chance(purpose, user.number, video.number, luck)
