"""Rules 18 and 19: audience, follower growth, collaborations and videos on a trend, in plain loops."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.events import VideoPublished
from scripts.recount.bursts import KINDS, Burst, BurstKey, Entity
from scripts.recount.facts import Engagement, FollowAction, SharedView
from scripts.recount.model import DAY_MS
from scripts.recount.videos import Register

Span = tuple[int, int]  # from, to (not included), ms


@dataclass(slots=True)
class Audience:
    """One creator's row of the view `audience`."""

    fans: int = 0
    returning_fans: int = 0
    replied_videos: int = 0
    engaged_before: int = 0
    engaged_after: int = 0
    others_before: int = 0
    others_after: int = 0

    @property
    def returning_rate(self) -> float:
        """Return the share of the fans that came back on another day."""
        return self.returning_fans / self.fans if self.fans else 0.0

    @property
    def reply_lift(self) -> float:
        """Return how much more the replied videos gained than the others."""
        own = (self.engaged_after + 1) / (self.engaged_before + 1)
        return own / ((self.others_after + 1) / (self.others_before + 1))


@dataclass(slots=True)
class Side:
    """One side of one shared video."""

    engaged: int = 0
    own_followers: int = 0
    from_others: int = 0
    new_followers: int = 0
    viewers: int = 0
    viewers_from_others: int = 0


@dataclass(slots=True)
class Lift:
    """A creator's videos on a trend, and the others: number, views, likes."""

    trending: list[int] = field(default_factory=lambda: [0, 0, 0])
    other: list[int] = field(default_factory=lambda: [0, 0, 0])

    @property
    def views_lift(self) -> float:
        """Return the ratio of views per video."""
        (videos, views, _), (others, other_views, _) = self.trending, self.other
        if not videos or other_views <= 0:
            return 0.0
        return (views / videos) / (other_views / others)

    @property
    def likes_lift(self) -> float:
        """Return the ratio of likes per view."""
        (_, views, likes), (_, other_views, other_likes) = self.trending, self.other
        if views <= 0 or other_views <= 0 or other_likes <= 0:
            return 0.0
        return (likes / views) / (other_likes / other_views)


@dataclass(slots=True)
class AudienceInput:
    """What the views are made of. `creator_of` and `published` are of all known videos.

    `lowest_ms` is the lowest event time of the partitions of the engagement topic.
    """

    engagements: Sequence[Engagement] = ()
    views: Sequence[SharedView] = ()
    actions: Sequence[FollowAction] = ()
    creator_of: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, VideoPublished] = field(default_factory=dict)
    follows: Mapping[str, Register] = field(default_factory=dict)
    lives: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lowest_ms: int = 0

    def audience(self) -> dict[str, Audience]:
        """Return each creator's fans, and engagement before and after replies."""
        found: dict[str, Audience] = {}
        days: dict[tuple[str, str], set[int]] = {}
        acts_of: dict[str, list[Engagement]] = {}
        for act in self._acts():
            acts_of.setdefault(self.creator_of[act.video_id], []).append(act)
            fan = (self.creator_of[act.video_id], act.user_id)
            days.setdefault(fan, set()).add(act.event_time_ms // DAY_MS)
        for (creator_id, _), seen in days.items():
            row = found.setdefault(creator_id, Audience())
            row.fans += 1
            row.returning_fans += len(seen) > 1
        replied = self._first_replies()
        for video_id, at_ms in replied.items():
            if at_ms + DAY_MS > self.lowest_ms:
                continue
            creator_id = self.creator_of[video_id]
            row = found.setdefault(creator_id, Audience())
            row.replied_videos += 1
            for act in acts_of.get(creator_id, ()):
                before = at_ms - DAY_MS <= act.event_time_ms < at_ms
                after = at_ms <= act.event_time_ms < at_ms + DAY_MS
                if act.video_id == video_id:
                    row.engaged_before += before
                    row.engaged_after += after
                elif act.video_id not in replied:
                    row.others_before += before
                    row.others_after += after
        return found

    def growth(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Return (kind, id, creator) -> followers won there, and those of them who stayed."""
        firsts: dict[tuple[str, str], tuple[int, str, str]] = {}
        for act in self.engagements:
            if act.type == "follow":
                pair = (act.creator_id, act.user_id)
                moment = (act.event_time_ms, act.event_id, act.video_id)
                firsts[pair] = min(firsts.get(pair, moment), moment)
        found: dict[tuple[str, str, str], tuple[int, int]] = {}
        for (creator_id, user_id), (at_ms, _, video_id) in firsts.items():
            stays = user_id in self.follows.get(creator_id, {})
            stays = stays and self.follows[creator_id][user_id][2]
            places = [("video", video_id, creator_id)]
            for live_id, live in self.lives.items():
                begins, ends = live["started_at"], live["ended_at"]
                lasts = begins and begins <= at_ms and (ends < begins or at_ms < ends)
                if lasts and live["creator_id"] == creator_id:
                    places.append(("live", live_id, creator_id))
            for place in places:
                won, kept = found.get(place, (0, 0))
                found[place] = (won + 1, kept + stays)
        return found

    def collaborations(self) -> dict[tuple[str, str], Side]:
        """Return (video, creator) -> what a shared video brought this side."""
        found: dict[tuple[str, str], Side] = {}
        actions: dict[tuple[str, str], list[FollowAction]] = {}
        for action in self.actions:
            actions.setdefault((action.creator_id, action.user_id), []).append(action)
        engaged: dict[str, set[str]] = {}
        for act in self.engagements:
            if act.type != "reply":
                engaged.setdefault(act.video_id, set()).add(act.user_id)
        viewed: dict[str, set[str]] = {}
        for view in self.views:
            viewed.setdefault(view.video_id, set()).add(view.user_id)
        for video_id, published in self.published.items():
            if not published.collaborators:
                continue
            at_ms = published.event_time_ms
            sides = {published.creator_id, *(c.creator_id for c in published.collaborators)}
            rows = {side: found.setdefault((video_id, side), Side()) for side in sides}
            followed_by = {
                user_id: {s for s in sides if _follows(actions.get((s, user_id), []), at_ms)}
                for user_id in (engaged.get(video_id, set()) | viewed.get(video_id, set())) - sides
            }
            for user_id in viewed.get(video_id, set()) - sides:
                for side, row in rows.items():
                    followed = followed_by[user_id]
                    row.viewers += 1
                    row.viewers_from_others += side not in followed and bool(followed)
            for user_id in engaged.get(video_id, set()) - sides:
                followed = followed_by[user_id]
                for side, row in rows.items():
                    later = any(
                        a.following and at_ms <= a.event_time_ms < at_ms + 7 * DAY_MS
                        for a in actions.get((side, user_id), [])
                    )
                    row.engaged += 1
                    row.own_followers += side in followed
                    row.from_others += side not in followed and bool(followed)
                    row.new_followers += side not in followed and later
        return found

    def _acts(self) -> Iterable[Engagement]:
        return (
            act
            for act in self.engagements
            if act.type != "reply" and act.user_id != self.creator_of[act.video_id]
        )

    def _first_replies(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for act in self.engagements:
            if act.type == "reply" and act.user_id == self.creator_of[act.video_id]:
                found[act.video_id] = min(
                    found.get(act.video_id, act.event_time_ms), act.event_time_ms
                )
        return found


def trend_lift(
    videos: Mapping[str, Mapping[str, Any]], bursts: Mapping[BurstKey, Burst]
) -> dict[str, Lift]:
    """Return each creator's published videos, by whether something of theirs burst then."""
    spans: dict[Entity, list[tuple[int, int | None]]] = {}
    for (kind, name, began_ms), burst in bursts.items():
        spans.setdefault((kind, name), []).append((began_ms, burst.ended_ms))
    found: dict[str, Lift] = {}
    for row in videos.values():
        at_ms = row["published_at"]
        if not at_ms:
            continue
        named = [(KINDS[0], tag) for tag in row["hashtags"]]
        named += [(kind, row[f"{kind}_id"]) for kind in KINDS[1:] if row[f"{kind}_id"]]
        bursting = any(
            began_ms <= at_ms and (ended_ms is None or at_ms < ended_ms)
            for entity in named
            for began_ms, ended_ms in spans.get(entity, ())
        )
        lift = found.setdefault(row["creator_id"], Lift())
        sums = lift.trending if bursting else lift.other
        for place, number in enumerate((1, row["views"], row["likes"])):
            sums[place] += number
    return found


def _follows(actions: Iterable[FollowAction], before_ms: int) -> bool:
    """Tell whether the last action before a time is a follow; of two of one name the follow."""
    past = [
        (a.event_time_ms, a.event_id, a.following) for a in actions if a.event_time_ms < before_ms
    ]
    return bool(past) and max(past)[2]
