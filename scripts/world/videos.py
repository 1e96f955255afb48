"""A video of the world, and how people take it: rates by the published quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from scripts.generator.figures import (
    COMMENT_RATE,
    COMPLETION_RATE,
    DURATION_S,
    FAVORITE_RATE,
    FOLLOW_RATE,
    LIKE_RATE,
    SHARE_RATE,
    SHARED_QUALITY,
    Quantiles,
)
from scripts.generator.population import TAGS
from scripts.world.assumptions import Treatment
from scripts.world.chance import Chance, For
from scripts.world.people import TOPICS, Creator

COLLABORATOR_SHARE_BPS = 3_000
POSTS_MAX = 10_000  # a creator's, so that creator and post make one number
_PERCENT = 0.01


@dataclass(slots=True)
class Video:
    """One video; rates are probabilities per view for a person of average taste."""

    number: int  # creator and post, the same under every treatment
    id: str
    creator: Creator
    collaborator: Creator | None
    topic: int
    published_ms: int
    duration_ms: int
    hashtags: tuple[str, ...]
    completion: float
    like: float
    comment: float
    share: float
    favorite: float
    follow: float


class Brief(NamedTuple):
    """What a creator goes by when making a video; only some treatments let the tag matter."""

    topic: int
    trending_tag: str | None
    partner: Creator


def make_video(
    chance: Chance,
    creator: Creator,
    post: int,
    video_id: str,
    at_ms: int,
    treatment: Treatment,
    brief: Brief,
) -> Video:
    """Return a creator's post; what the treatment changes of it is changed for the chosen only."""
    number = creator.number * POSTS_MAX + post
    quality = _quality(chance, creator, number, treatment)

    def rate(quantiles: Quantiles, kind: int) -> float:
        own = chance(For.RATE, number, kind)
        shared = chance(For.RATE, number, kind + 100) < SHARED_QUALITY
        return quantiles(quality if shared else own) * _PERCENT

    like = rate(LIKE_RATE, 1)
    if creator.is_chosen:
        like = min(0.95, like * treatment.like_factor)
    tag = TAGS[int(chance(For.TAG, number) ** 2 * len(TAGS))]
    if creator.is_chosen and treatment.rides_trends and brief.trending_tag is not None:
        tag = brief.trending_tag
    return Video(
        number=number,
        id=video_id,
        creator=creator,
        collaborator=brief.partner if creator.is_chosen and treatment.collaborates else None,
        topic=brief.topic,
        published_ms=at_ms,
        duration_ms=max(1_000, int(DURATION_S(chance(For.DURATION, number)) * 1_000)),
        hashtags=(TOPICS[brief.topic], tag),
        completion=rate(COMPLETION_RATE, 0),
        like=like,
        comment=rate(COMMENT_RATE, 2),
        share=rate(SHARE_RATE, 3),
        favorite=rate(FAVORITE_RATE, 4),
        follow=rate(FOLLOW_RATE, 5),
    )


def _quality(chance: Chance, creator: Creator, number: int, treatment: Treatment) -> float:
    """A rank: half of a creator's videos are as good as the creator, half are luck."""
    luck = chance(For.VIDEO_QUALITY, number)
    quality = creator.quality if chance(For.VIDEO_QUALITY, number, 1) < 0.5 else luck
    shift = treatment.quality_shift if creator.is_chosen else 0.0
    return quality + shift * (1.0 - quality)
