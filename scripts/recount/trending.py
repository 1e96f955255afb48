"""Rule 11: who trends, from the scores of the videos and the metadata that stands.

Scores are floating point and may be summed in any order, so what is expected is a range: the sum
moved up and down by a tolerance, relative to all points that went into it.
"""

import bisect
import math
from dataclasses import dataclass

from scripts.recount.model import HOUR_MS, Rules
from scripts.recount.scores import Decayed, half
from scripts.recount.videos import VideoSums

Entity = tuple[str, str]  # kind, id
TOLERANCE = 1e-9
NO_SCORE = -math.inf


@dataclass(slots=True)
class Trend:
    """The range in which each column must be. `score_low` of NO_SCORE: it need not be shown."""

    score: float
    score_low: float
    score_high: float
    velocity: float
    velocity_slack: float
    acceleration: float
    acceleration_slack: float
    rank_low: int = 1
    rank_high: int = 1


@dataclass(slots=True)
class _Sums:
    score: Decayed
    fast_score: Decayed


def trends(videos: dict[str, VideoSums], now_ms: int, rules: Rules) -> dict[Entity, Trend]:
    """Return everything that trends; `now_ms` is the newest event time of all partitions."""
    sums: dict[Entity, _Sums] = {}
    for video_id, video in videos.items():
        for entity in entities_of(video_id, video):
            if entity not in sums:
                sums[entity] = _Sums(Decayed(rules.half_life_ms), Decayed(rules.fast_half_life_ms))
            _add_positive(sums[entity].score, video.score)
            _add_positive(sums[entity].fast_score, video.fast_score)
    found = {entity: _trend(both, now_ms) for entity, both in sums.items()}
    found = {entity: trend for entity, trend in found.items() if trend.score_high > NO_SCORE}
    for kind in {kind for kind, _ in found}:
        _rank([trend for (its_kind, _), trend in found.items() if its_kind == kind])
    return found


def entities_of(video_id: str, video: VideoSums) -> set[Entity]:
    """Return everything that a video's points count for."""
    published = video.published
    if published is None:
        return {("video", video_id), ("creator", video.first_creator_id)}
    entities = {("video", video_id), ("creator", published.creator_id)}
    entities |= {("hashtag", tag) for tag in published.hashtags}
    if published.sound_id is not None:
        entities.add(("sound", published.sound_id))
    if published.challenge_id is not None:
        entities.add(("challenge", published.challenge_id))
    return entities


def _add_positive(into: Decayed, part: Decayed) -> None:
    """Add a video's points; a video whose points are not above zero has no score to add."""
    if part.log2(TOLERANCE) == NO_SCORE:
        return
    into.add(max(part.value, 0.0), part.at_ms, part.gross)


def _trend(both: _Sums, now_ms: int) -> Trend:
    fast, slow = both.fast_score, both.score
    velocity, slack = _per_hour(fast, now_ms)
    slow_velocity, slow_slack = _per_hour(slow, now_ms)
    hours = (slow.half_life_ms - fast.half_life_ms) / HOUR_MS / math.log(2)
    return Trend(
        score=both.score.log2(),
        score_low=both.score.log2(-TOLERANCE),
        score_high=both.score.log2(TOLERANCE),
        velocity=velocity,
        velocity_slack=slack,
        acceleration=(velocity - slow_velocity) / hours,
        acceleration_slack=(slack + slow_slack) / hours,
    )


def _per_hour(points: Decayed, now_ms: int) -> tuple[float, float]:
    """Return the points per hour at a time, and how much rounding may change them."""
    time_constant_h = points.half_life_ms / HOUR_MS / math.log(2)
    left = half(now_ms - points.at_ms, points.half_life_ms) / time_constant_h
    return points.value * left, TOLERANCE * points.gross * left


def _rank(trends_of_kind: list[Trend]) -> None:
    """Give each the range of ranks that the ranges of the scores allow."""
    lows = sorted(trend.score_low for trend in trends_of_kind)
    highs = sorted(trend.score_high for trend in trends_of_kind)
    count = len(trends_of_kind)
    for trend in trends_of_kind:
        certainly_above = count - bisect.bisect_right(lows, trend.score_high)
        possibly_above = count - bisect.bisect_left(highs, trend.score_low) - 1
        trend.rank_low = certainly_above + 1
        trend.rank_high = possibly_above + 1
