"""Rules 4 to 8 for videos: what each counted event adds to its video and its minute."""

from dataclasses import dataclass, field

from schemas.events import (
    Favorite,
    Like,
    PydanticEvent,
    Unfavorite,
    Unlike,
    VideoPublished,
    VideoTarget,
    View,
)
from scripts.recount.model import DAY_MS, Rules
from scripts.recount.scores import Decayed, points

# Rule 4. unfavorite, unfollow, comment_deleted, video_published, deal_signed have no counter.
COUNTER_OF = {
    "impression": "impressions",
    "view": "views",
    "like": "likes",
    "unlike": "unlikes",
    "comment": "comments",
    "reply": "replies",
    "share": "shares",
    "favorite": "favorites",
    "follow": "follows",
    "profile_view": "profile_views",
    "not_interested": "not_interested",
    "report": "reports",
}

Counts = dict[str, int]
Register = dict[str, tuple[int, str, bool]]  # user -> (event time, event id, on)


@dataclass(slots=True)
class VideoSums:
    """What is left of a video when everything is counted; sums of several partitions add up."""

    score: Decayed
    fast_score: Decayed
    is_known: bool
    published: VideoPublished | None
    first_creator_id: str
    duration_seen_ms: int
    net_likes: int
    net_favorites: int
    unique_viewers: int
    qualified_of_day: dict[int, int]
    views_of_feed: Counts


@dataclass(slots=True)
class Video:
    """Everything that is counted of one video, apart from its minutes.

    One of which everything was taken back `is_known` to nobody: it was never sent.
    """

    score: Decayed
    fast_score: Decayed
    is_known: bool = False
    published: VideoPublished | None = None
    first_creator_id: str = ""
    views_of_duration: dict[int, int] = field(default_factory=dict)
    views_of_feed: Counts = field(default_factory=dict)
    likes: Register = field(default_factory=dict)
    favorites: Register = field(default_factory=dict)
    plays_of_user: Counts = field(default_factory=dict)
    qualified_users: set[str] = field(default_factory=set)
    qualified_of_day: dict[int, int] = field(default_factory=dict)

    def count(self, event: VideoTarget, rules: Rules) -> Counts:
        """Count one event and return what it adds to the counters of its minute."""
        self.is_known = True
        self._look_at_metadata(event)
        worth = points(event, rules.points)
        self.score.add(worth, event.event_time_ms)
        self.fast_score.add(worth, event.event_time_ms)
        added = counters_of(event)
        if isinstance(event, View):
            self._play(event, 1)
            if qualifies(event, rules) and event.user_id not in self.qualified_users:
                # Rule 5: the first of the pair in the log; taken-back views never get here.
                self.qualified_users.add(event.user_id)
                day_ms = event.event_time_ms // DAY_MS * DAY_MS
                self.qualified_of_day[day_ms] = self.qualified_of_day.get(day_ms, 0) + 1
                added["qualified_views"] = 1
        elif isinstance(event, Like | Unlike):
            note_last(self.likes, event.user_id, event, on=event.type == "like")
        elif isinstance(event, Favorite | Unfavorite):
            note_last(self.favorites, event.user_id, event, on=event.type == "favorite")
        return added

    def subtract(self, phantom: VideoTarget, rules: Rules) -> Counts:
        """Take back an event that was never counted (judge.py) and return the minute's change."""
        self.is_known = True
        self.first_creator_id = self.first_creator_id or phantom.creator_id
        worth = points(phantom, rules.points)
        self.score.add(-worth, phantom.event_time_ms)
        self.fast_score.add(-worth, phantom.event_time_ms)
        if isinstance(phantom, View):
            self._play(phantom, -1)
        return {name: -amount for name, amount in counters_of(phantom).items()}

    def forget(self, taken_back: VideoTarget, rules: Rules) -> None:
        """Note what an event leaves that was counted before it was taken back.

        That is: the creator it named, if it was the first to name one (rule 8), and how exact the
        score of a pipeline can be that first added it.
        """
        self.first_creator_id = self.first_creator_id or taken_back.creator_id
        worth = 2 * abs(points(taken_back, rules.points))
        self.score.add(0.0, taken_back.event_time_ms, worth)
        self.fast_score.add(0.0, taken_back.event_time_ms, worth)

    def _play(self, view: View, number: int) -> None:
        plays = self.plays_of_user.get(view.user_id, 0)
        self.plays_of_user[view.user_id] = plays + number
        self.views_of_feed[view.feed] = self.views_of_feed.get(view.feed, 0) + number
        views = self.views_of_duration.get(view.duration_ms, 0)
        self.views_of_duration[view.duration_ms] = views + number

    def sum_up(self) -> VideoSums:
        """Rules 6 and 7, at the log's end."""
        return VideoSums(
            score=self.score,
            fast_score=self.fast_score,
            is_known=self.is_known,
            published=self.published,
            first_creator_id=self.first_creator_id,
            duration_seen_ms=max(
                (ms for ms, views in self.views_of_duration.items() if views >= 1), default=0
            ),
            net_likes=how_many_on(self.likes),
            net_favorites=how_many_on(self.favorites),
            unique_viewers=sum(1 for plays in self.plays_of_user.values() if plays >= 1),
            qualified_of_day=self.qualified_of_day,
            views_of_feed=self.views_of_feed,
        )

    def _look_at_metadata(self, event: VideoTarget) -> None:
        """Rule 8."""
        if not self.first_creator_id:
            self.first_creator_id = event.creator_id
        if isinstance(event, VideoPublished) and (
            self.published is None or moment(event) > moment(self.published)
        ):
            self.published = event


def new_video(rules: Rules) -> Video:
    """Return a video of which nothing is known yet."""
    return Video(Decayed(rules.half_life_ms), Decayed(rules.fast_half_life_ms))


def counters_of(event: VideoTarget) -> Counts:
    """Rule 4: what one event adds to its minute, apart from qualified views."""
    if event.type not in COUNTER_OF:
        return {}
    added = {COUNTER_OF[event.type]: 1}
    if isinstance(event, View):
        added["watch_ms"] = event.watch_ms
        added["completions"] = int(event.watch_ms >= event.duration_ms > 0)
    return added


def qualifies(view: View, rules: Rules) -> bool:
    """Rule 5, apart from being the first of its pair."""
    long_enough = view.watch_ms > rules.qualified_watch_ms
    return long_enough and view.feed == "for_you" and view.is_promoted is not True


def note_last(register: Register, who: str, event: PydanticEvent, *, on: bool) -> None:
    """Rule 6: of several, the one with the greatest (event time, id) stands."""
    standing = register.get(who)
    if standing is None or moment(event) > standing[:2]:
        register[who] = (event.event_time_ms, event.id, on)


def how_many_on(register: Register) -> int:
    """Return how many stand at on."""
    return sum(1 for _, _, on in register.values() if on)


def moment(event: PydanticEvent) -> tuple[int, str]:
    """Return what orders events that overwrite each other."""
    return (event.event_time_ms, event.id)
