"""Partitions added up, and from them every public view as the contract defines it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.base import ENGAGEMENT_TOPIC
from scripts.recount.audience import AudienceInput
from scripts.recount.boosts import Boost, first_pool
from scripts.recount.bursts import BurstInput
from scripts.recount.facts import Facts
from scripts.recount.gifts import Entry
from scripts.recount.leaders import Leader, Top, leaders, top_windows
from scripts.recount.lives import LiveSums
from scripts.recount.model import COUNTERS, Rules
from scripts.recount.partition import (
    Cell,
    DeadLetter,
    LateCell,
    PartitionSums,
    Subject,
    Sums,
)
from scripts.recount.programs.targets import Head, head_of
from scripts.recount.rewards import rewards_of
from scripts.recount.trending import Entity, Trend, entities_of, trends
from scripts.recount.videos import Counts, Register, VideoSums, how_many_on, moment

Columns = dict[str, object]


@dataclass(slots=True)
class Expected:
    """What ClickHouse must say: for each view a dictionary from its key to its cells.

    Of `engagement_1m` the absent counters are 0 and cells of nothing but 0 are absent; a cell's
    creator must be one of `creators_of` its subject. `ledger` holds final entries, adjustments
    and estimates, as if no day had been settled. `heads` and `facts` are what settlement looks at.
    """

    engagement_1m: dict[Cell, Counts] = field(default_factory=dict)
    creators_of: dict[Subject, set[str]] = field(default_factory=dict)
    videos: dict[str, Columns] = field(default_factory=dict)
    lives: dict[str, Columns] = field(default_factory=dict)
    creators: dict[str, Columns] = field(default_factory=dict)
    trending_now: dict[Entity, Trend] = field(default_factory=dict)
    trending_windows: dict[tuple[int, str, str], Leader] = field(default_factory=dict)
    top_windows: dict[tuple[int, str, str], Top] = field(default_factory=dict)
    ledger: dict[str, Entry] = field(default_factory=dict)
    late_events: Counter[LateCell] = field(default_factory=Counter)
    dead_letters: dict[tuple[str, int, int], DeadLetter] = field(default_factory=dict)
    partitions: dict[tuple[str, int], Sums] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    heads: dict[str, Head] = field(default_factory=dict)
    boosts: dict[str, Boost] = field(default_factory=dict)
    bursts: BurstInput = field(default_factory=BurstInput)
    audience: AudienceInput = field(default_factory=AudienceInput)


def add_up(parts: Iterable[PartitionSums], rules: Rules) -> Expected:
    """Make the views from the sums of all partitions."""
    expected = Expected()
    videos: dict[str, VideoSums] = {}
    lives: dict[str, LiveSums] = {}
    follows: dict[str, Register] = {}
    for part in sorted(parts, key=lambda part: (part.topic, part.partition)):
        _add_cells(expected.engagement_1m, part.cells)
        for subject, creators in part.creators.items():
            expected.creators_of.setdefault(subject, set()).update(creators)
        for video_id, video in part.videos.items():
            _add_video(videos, video_id, video)
        for live_id, live in part.lives.items():
            _add_live(lives, live_id, live)
        _add_follows(follows, part.follows)
        expected.ledger.update((entry.entry_id, entry) for entry in part.entries)
        expected.late_events.update(part.late)
        for offset, letter in part.dead_letters.items():
            expected.dead_letters[part.topic, part.partition, offset] = letter
        expected.facts.add(part.facts)
        expected.boosts.update((boost.decision_id, boost) for boost in part.boosts)
        if part.sums.messages:
            expected.partitions[part.topic, part.partition] = part.sums
    for video_id, video in videos.items():
        published = video.published
        creator_id = video.first_creator_id if published is None else published.creator_id
        expected.heads[video_id] = head_of(creator_id, published)
        for entry in rewards_of(published, video.qualified_of_day, rules):
            expected.ledger[entry.entry_id] = entry
    _make_views(expected, videos, lives, follows, rules)
    return expected


def _make_views(
    expected: Expected,
    videos: dict[str, VideoSums],
    lives: dict[str, LiveSums],
    follows: dict[str, Register],
    rules: Rules,
) -> None:
    totals = _totals(expected.engagement_1m)
    pools = {boost.video_id: boost.pool_after for boost in expected.boosts.values()}
    for video_id, video in videos.items():
        counts = totals.get(("video", video_id), {})
        if video.is_known and is_listed(video, counts):
            expected.videos[video_id] = _video_row(video) | _all(counts)
            expected.videos[video_id]["pool"] = pools.get(video_id, first_pool(rules.weights))
    for live_id, live in lives.items():
        counts = totals.get(("live", live_id), {})
        expected.lives[live_id] = _live_row(live) | _all(counts)
    expected.engagement_1m = {
        cell: counts for cell, counts in expected.engagement_1m.items() if any(counts.values())
    }
    now_ms = max((sums.max_event_time_ms for sums in expected.partitions.values()), default=0)
    expected.trending_now = trends(videos, now_ms, rules)
    expected.trending_windows = leaders(expected.engagement_1m, videos, now_ms)
    expected.creators = _creators(expected, follows)
    expected.audience = AudienceInput(
        engagements=tuple(expected.facts.engagements.values()),
        views=tuple(expected.facts.shared_views.values()),
        actions=tuple(expected.facts.follows.values()),
        creator_of={video_id: head.creator_id for video_id, head in expected.heads.items()},
        published={v: video.published for v, video in videos.items() if video.published},
        follows=follows,
        lives=expected.lives,
        lowest_ms=min(
            (
                sums.max_event_time_ms
                for (topic, _), sums in expected.partitions.items()
                if topic == ENGAGEMENT_TOPIC and sums.max_event_time_ms > 0
            ),
            default=0,
        ),
    )
    entities = {video_id: entities_of(video_id, video) for video_id, video in videos.items()}
    engagements = tuple(expected.facts.engagements.values())
    expected.top_windows = top_windows(engagements, entities, now_ms)
    expected.bursts = BurstInput(tuple(rules.weights.bursts), engagements, entities)


def is_listed(video: VideoSums, counts: Counts) -> bool:
    """Tell whether there is anything to list: a publication, a counter or a register."""
    said = video.published is not None or video.net_likes or video.net_favorites
    return bool(said or any(counts.values()))


def _add_cells(into: dict[Cell, Counts], cells: dict[Cell, Counts]) -> None:
    for cell, counts in cells.items():
        known = into.get(cell)
        if known is None:
            into[cell] = counts
        else:
            for name, amount in counts.items():
                known[name] = known.get(name, 0) + amount


def _add_video(videos: dict[str, VideoSums], video_id: str, other: VideoSums) -> None:
    """Add a video's sums from one more partition (only a producer's mistake brings a second)."""
    video = videos.setdefault(video_id, other)
    if video is other:
        return
    video.score.add_all(other.score)
    video.fast_score.add_all(other.fast_score)
    video.is_known = video.is_known or other.is_known
    video.first_creator_id = video.first_creator_id or other.first_creator_id
    video.duration_seen_ms = max(video.duration_seen_ms, other.duration_seen_ms)
    video.net_likes += other.net_likes
    video.net_favorites += other.net_favorites
    video.unique_viewers += other.unique_viewers
    for day_ms, views in other.qualified_of_day.items():
        video.qualified_of_day[day_ms] = video.qualified_of_day.get(day_ms, 0) + views
    for feed, views in other.views_of_feed.items():
        video.views_of_feed[feed] = video.views_of_feed.get(feed, 0) + views
    if other.published is not None and (
        video.published is None or moment(other.published) > moment(video.published)
    ):
        video.published = other.published


def _add_live(lives: dict[str, LiveSums], live_id: str, other: LiveSums) -> None:
    live = lives.setdefault(live_id, other)
    if live is other:
        return
    live.creator_id = live.creator_id or other.creator_id
    live.started_at_ms = max(live.started_at_ms, other.started_at_ms)
    live.ended_at_ms = max(live.ended_at_ms, other.ended_at_ms)
    live.unique_viewers += other.unique_viewers
    live.viewers_now += other.viewers_now


def _add_follows(into: dict[str, Register], follows: dict[str, Register]) -> None:
    """Rule 6: a follow belongs to a creator, whose videos are in all partitions."""
    for creator_id, register in follows.items():
        merged = into.setdefault(creator_id, {})
        for user_id, last in register.items():
            if user_id not in merged or last[:2] > merged[user_id][:2]:
                merged[user_id] = last


def _totals(cells: dict[Cell, Counts]) -> dict[Subject, Counts]:
    totals: dict[Subject, Counts] = {}
    for (_, kind, subject_id), counts in cells.items():
        total = totals.setdefault((kind, subject_id), {})
        for name, amount in counts.items():
            total[name] = total.get(name, 0) + amount
    return totals


def _all(counts: Counts) -> Columns:
    return {name: counts.get(name, 0) for name in COUNTERS}


def _video_row(video: VideoSums) -> Columns:
    """Rule 8: the metadata that stands, and the registers."""
    published = video.published
    registers: Columns = {
        "net_likes": video.net_likes,
        "net_favorites": video.net_favorites,
        "unique_viewers": video.unique_viewers,
        "main_feed": _main_feed(video.views_of_feed),
    }
    if published is None:
        return registers | {
            "creator_id": video.first_creator_id,
            "content_type": "",
            "duration_ms": video.duration_seen_ms,
            "published_at": 0,
            "is_original": 0,
            "is_promoted": 0,
            "hashtags": [],
            "sound_id": "",
            "challenge_id": "",
        }
    return registers | {
        "creator_id": published.creator_id,
        "content_type": published.content_type,
        "duration_ms": published.duration_ms,
        "published_at": published.event_time_ms,
        "is_original": int(published.is_original),
        "is_promoted": int(published.is_promoted),
        "hashtags": list(published.hashtags),
        "sound_id": published.sound_id or "",
        "challenge_id": published.challenge_id or "",
    }


def _main_feed(views_of_feed: Counts) -> str:
    """Return the feed with the most views, of equal ones the first by name."""
    most = max(views_of_feed.values(), default=0)
    feeds = sorted(feed for feed, views in views_of_feed.items() if views == most > 0)
    return feeds[0] if feeds else ""


def _live_row(live: LiveSums) -> Columns:
    return {
        "creator_id": live.creator_id,
        "started_at": live.started_at_ms,
        "ended_at": live.ended_at_ms,
        "unique_viewers": live.unique_viewers,
        "viewers_now": live.viewers_now,
    }


def _creators(expected: Expected, follows: dict[str, Register]) -> dict[str, Columns]:
    """Everybody with a video, a live, a follow or a ledger entry."""
    creators: dict[str, Counter[str]] = {}
    for rows, of_video in ((expected.videos, 1), (expected.lives, 0)):
        for row in rows.values():
            creator = creators.setdefault(str(row["creator_id"]), Counter())
            creator["videos"] += of_video
            for name in COUNTERS:
                creator[name] += int(str(row[name]))
            for name in ("views", "likes", "comments", "shares") if of_video else ():
                creator[f"video_{name}"] += int(str(row[name]))
    for creator_id, register in follows.items():
        creators.setdefault(creator_id, Counter())["followers"] += how_many_on(register)
    for entry in expected.ledger.values():
        creators.setdefault(entry.creator_id, Counter())
    return {name: _creator_row(creator) for name, creator in creators.items()}


def _creator_row(creator: Counter[str]) -> Columns:
    engaged = creator["video_likes"] + creator["video_comments"] + creator["video_shares"]
    video_views = creator["video_views"]
    row: Columns = {name: creator[name] for name in ("followers", "videos", *COUNTERS)}
    row["engagement_rate"] = engaged / video_views if video_views else 0.0
    row["reply_rate"] = creator["replies"] / creator["comments"] if creator["comments"] else 0.0
    return row
