"""Who is there: creators with their videos, and users who watch. All drawn from a seed."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from scripts.generator.figures import (
    COMMENT_RATE,
    COMPLETION_RATE,
    DURATION_S,
    EXPOSURES_PER_USER,
    FAVORITE_RATE,
    FOLLOW_RATE,
    HOUR_MS,
    LIKE_RATE,
    MINUTE_MS,
    PHOTO_PPM,
    PROMOTED_VIDEOS_PPM,
    SHARE_RATE,
    SHARED_QUALITY,
    TOP_VIDEOS_EXPOSURES,
    TOP_VIDEOS_SHARE,
    Quantiles,
)
from scripts.generator.timeline import chance

# What videos are about, with weights among unloved, ordinary and loved videos: so that types
# differ in likes while the rates of all videos together stay as published. [OURS]
CONTENT_TYPES = {
    "comedy": (10, 18, 30),
    "dance": (8, 14, 22),
    "pets": (4, 8, 14),
    "food": (10, 12, 10),
    "music": (10, 12, 10),
    "sport": (12, 12, 6),
    "beauty": (14, 10, 4),
    "education": (16, 8, 3),
    "news": (16, 6, 1),
}
TAGS = ("fyp", "viral", "trend", "weekend", "diy", "story", "funny", "tips", "live", "summer")
BURST_CHALLENGE = "ch1"
BURST_SOUND = "a1"
_RATES: dict[str, Quantiles] = {
    "like": LIKE_RATE,
    "comment": COMMENT_RATE,
    "share": SHARE_RATE,
    "follow": FOLLOW_RATE,
    "favorite": FAVORITE_RATE,
}


@dataclass(slots=True)
class Creator:
    """Somebody who publishes."""

    id: str
    reply_ppm: int
    videos: list[Video] = field(default_factory=list)


@dataclass(slots=True)
class Video:
    """A video, and how people take it: rates are per million views."""

    id: str
    creator: Creator
    published_ms: int
    is_top: bool
    duration_ms: int
    content_type: str
    hashtags: list[str]
    sound_id: str | None
    challenge_id: str | None
    is_original: bool
    is_promoted: bool
    collaborator: tuple[str, int] | None
    product_ids: list[str]
    completion_ppm: int
    rates_ppm: dict[str, int]


@dataclass(frozen=True, slots=True)
class World:
    """Everybody and everything, with how often each is chosen."""

    creators: list[Creator]
    videos: list[Video]
    user_ids: list[str]
    _video_sums: list[int]
    _user_sums: list[int]

    def pick_video(self, rng: Random) -> Video:
        """Return a video, by popularity."""
        return self.videos[bisect(self._video_sums, rng.random() * self._video_sums[-1])]

    def pick_user(self, rng: Random) -> str:
        """Return a user's id, by how active users are."""
        return self.user_ids[bisect(self._user_sums, rng.random() * self._user_sums[-1])]


def build_world(
    seed: int, *, users: int, videos: int, creators: int, start_ms: int, end_ms: int
) -> World:
    """Return the world of a seed."""
    rng = Random(f"{seed}/population")
    people = [Creator(f"c{n + 1}", int(rng.random() ** 3 * 700_000)) for n in range(creators)]
    weights = popularity(videos)
    top = top_count(videos)
    made = [_video(rng, number, people, is_top=number < top) for number in range(videos)]
    for number, video in enumerate(made):
        video.published_ms = _published_ms(rng, number, top, start_ms, end_ms)
        video.creator.videos.append(video)
    activity = [int(EXPOSURES_PER_USER(rng.random()) * 10) for _ in range(users)]
    return World(
        creators=people,
        videos=made,
        user_ids=[f"u{n + 1}" for n in range(users)],
        _video_sums=list(accumulate(weights)),
        _user_sums=list(accumulate(activity)),
    )


def top_count(videos: int) -> int:
    """Return how many videos are the top one percent."""
    return max(1, round(videos * TOP_VIDEOS_SHARE))


def popularity(videos: int) -> list[int]:
    """Return a weight for each video, falling with its rank; the top 1 % get 44 % of it all."""
    top = top_count(videos)
    head = [1 / (rank + 2.5) for rank in range(top)]
    tail = [1 / (rank + 10) for rank in range(videos - top)]
    head_scale = TOP_VIDEOS_EXPOSURES / sum(head) * 1e9
    tail_scale = (1 - TOP_VIDEOS_EXPOSURES) / max(sum(tail), 1e-9) * 1e9
    return [int(w * head_scale) for w in head] + [int(w * tail_scale) + 1 for w in tail]


def _video(rng: Random, number: int, creators: list[Creator], *, is_top: bool) -> Video:
    quality = rng.random()
    is_photo = chance(rng, PHOTO_PPM) and not is_top
    duration_ms = 0 if is_photo else int(DURATION_S(rng.random()) * 1000)
    if is_top:
        # Celebrities' long originals: some videos must earn Creator Rewards in a small log too.
        duration_ms = 61_000 + duration_ms % 60_000
    creator = creators[number] if number < len(creators) else rng.choice(creators)
    content_type = _content_type(rng, quality)
    in_burst = number % 29 == 11
    return Video(
        id=f"v{number + 1}",
        creator=creator,
        published_ms=0,
        is_top=is_top,
        duration_ms=duration_ms,
        content_type="photo" if is_photo else content_type,
        hashtags=_hashtags(rng, content_type, in_burst=in_burst),
        sound_id=BURST_SOUND if in_burst else _named(rng, "a", 40, 700_000),
        challenge_id=BURST_CHALLENGE if in_burst else _named(rng, "ch", 12, 150_000),
        is_original=is_top or chance(rng, 800_000),
        is_promoted=not is_top and chance(rng, PROMOTED_VIDEOS_PPM),
        collaborator=_collaborator(rng, creators, creator),
        product_ids=_products(rng),
        completion_ppm=_rate_ppm(rng, COMPLETION_RATE, quality),
        rates_ppm={name: _rate_ppm(rng, rate, quality) for name, rate in _RATES.items()},
    )


def _rate_ppm(rng: Random, rate_percent: Quantiles, quality: float) -> int:
    own = rng.random()
    share = quality if rng.random() < SHARED_QUALITY else own
    return int(rate_percent(share) * 10_000)


def _content_type(rng: Random, quality: float) -> str:
    weights = [by_quality[int(quality * 3)] for by_quality in CONTENT_TYPES.values()]
    return rng.choices(list(CONTENT_TYPES), weights)[0]


def _hashtags(rng: Random, content_type: str, *, in_burst: bool) -> list[str]:
    tags = [content_type]
    for _ in range(int(rng.random() * 4)):
        tag = TAGS[int(rng.random() ** 2 * len(TAGS))]
        if tag not in tags:
            tags.append(tag)
    return [*tags, "icebucket"] if in_burst else tags


def _named(rng: Random, prefix: str, count: int, ppm: int) -> str | None:
    return f"{prefix}{2 + int(rng.random() ** 2 * count)}" if chance(rng, ppm) else None


def _collaborator(rng: Random, creators: list[Creator], creator: Creator) -> tuple[str, int] | None:
    other = rng.choice(creators)
    share_bps = 500 * rng.randrange(2, 11)
    return (other.id, share_bps) if chance(rng, 40_000) and other is not creator else None


def _products(rng: Random) -> list[str]:
    first = rng.randrange(1, 60)
    count = rng.randrange(1, 4)
    return [f"p{first + n}" for n in range(count)] if chance(rng, 120_000) else []


def _published_ms(rng: Random, number: int, top: int, start_ms: int, end_ms: int) -> int:
    """The top videos and a third of the others are there within minutes, the rest come later."""
    span_ms = end_ms - start_ms
    early_ms = min(10 * MINUTE_MS, span_ms // 12)
    if number < top or number % 3 == 0:
        return start_ms + int(rng.random() * early_ms)
    return start_ms + int(rng.random() * max(span_ms - 2 * HOUR_MS, span_ms // 2))
