"""A whole log from a seed: the world, what happened in it, and how it arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from schemas.errors import ConfigError
from scripts.generator.abuse import Bots
from scripts.generator.arrival import Counts, Message, arrive, forgotten
from scripts.generator.commerce import Shop, register_creators, sign_deals
from scripts.generator.faults import BROKEN
from scripts.generator.figures import (
    DUPLICATES_SHARE,
    FAR_LATE_PPM,
    HOUR_MS,
    MINUTE_MS,
    VIDEOS_PER_CREATOR,
)
from scripts.generator.lives import Lives
from scripts.generator.population import Video, World, build_world
from scripts.generator.sessions import Crowd
from scripts.generator.timeline import Event, Timeline, chance, new_event

EVENTS_MIN = 1_000
EVENTS_MAX = 5_000_000  # about a kilobyte of memory each
START_MS = 1_741_564_800_000  # 2025-03-10T00:00:00Z, a Monday
_LIVES_SHARE = 0.07
_COMMERCE_SHARE = 0.02
_BOTS_SHARE = 0.02
_UNKNOWN_FIELDS_SHARE = 0.0005
_FORGOTTEN_MIN = 5
_PUBLISHED_LATE_PPM = 30_000
_VIDEOS_PER_DEAL = 40
_SLICE = 50_000  # between two words of progress; the sessions end with their slice


@dataclass(frozen=True, slots=True)
class Spec:
    """What log to make; the same spec always gives the same bytes. 0 means: by the number of events.

    `duplicates`, `late`, `broken` and `unknown` are shares of all messages. At least one broken
    message of each reason and one of an unknown type are there, unless the share is 0.
    """

    seed: int = 7
    events: int = 80_000
    start_ms: int = START_MS
    hours: float = 48.0
    users: int = 0
    videos: int = 0
    creators: int = 0
    duplicates: float = DUPLICATES_SHARE
    late: float = 0.01
    broken: float = 0.001
    unknown: float = 0.0005

    def __post_init__(self) -> None:
        if not EVENTS_MIN <= self.events <= EVENTS_MAX:
            raise ConfigError(f"--events {self.events}: must be from {EVENTS_MIN} to {EVENTS_MAX}")
        if not 1 <= self.hours <= 24 * 366:
            raise ConfigError(f"--hours {self.hours:g}: must be from 1 to {24 * 366}")
        for name in ("users", "videos", "creators"):
            if not 0 <= getattr(self, name) <= EVENTS_MAX:
                raise ConfigError(f"--{name}: must be from 0 to {EVENTS_MAX}")
        for name in ("duplicates", "late", "broken", "unknown"):
            if not 0 <= getattr(self, name) <= 0.2:
                raise ConfigError(f"--{name} {getattr(self, name):g}: a share from 0 to 0.2")

    @property
    def end_ms(self) -> int:
        """When the log ends."""
        return self.start_ms + int(self.hours * HOUR_MS)

    def world(self) -> World:
        """Return everybody and everything in this log."""
        videos = self.videos or max(20, self.events // 200)
        return build_world(
            self.seed,
            users=self.users or max(100, self.events // 4),
            videos=videos,
            creators=self.creators or max(5, int(videos / VIDEOS_PER_CREATOR)),
            start_ms=self.start_ms,
            end_ms=self.end_ms,
        )

    def counts(self) -> Counts:
        """Return how many messages are out of the ordinary."""
        broken, unknown = (round(self.events * share) for share in (self.broken, self.unknown))
        return Counts(
            late=round(self.events * self.late),
            duplicates=round(self.events * self.duplicates),
            broken=max(broken, len(BROKEN)) if self.broken else 0,
            unknown=max(unknown, 1) if self.unknown else 0,
            unknown_fields=max(2, round(self.events * _UNKNOWN_FIELDS_SHARE)),
        )


def generate(spec: Spec, progress: Callable[[int], None] | None = None) -> list[Message]:
    """Return exactly `spec.events` messages in their order of arrival.

    Args:
        spec: what log to make.
        progress: told how many events there are so far, every so often.

    Raises:
        ConfigError: the log is too small for its videos and one of each case.
    """
    world = spec.world()
    timeline = Timeline(spec.start_ms, spec.end_ms)
    counts = spec.counts()
    room = spec.events - counts.extra
    rng = Random(f"{spec.seed}/model")
    _publish(world, timeline, rng)
    register_creators(world, timeline, spec.seed)
    sign_deals(world, timeline, spec.seed, max(2, len(world.videos) // _VIDEOS_PER_DEAL))
    for _ in range(max(_FORGOTTEN_MIN, spec.events * FAR_LATE_PPM // 1_000_000)):
        forgotten(rng, timeline)
    lives = Lives(world, timeline, spec.seed)
    lives.run(int(room * _LIVES_SHARE))
    Shop(world, timeline, spec.seed, lives.sessions).run(int(room * _COMMERCE_SHARE))
    Bots(world, timeline, spec.seed).run(int(room * _BOTS_SHARE))
    crowd = Crowd(world, timeline, spec.seed)
    crowd.rarities()
    crowd.owners()
    if len(timeline) > room:
        raise ConfigError(
            f"--events {spec.events}: too few for {len(world.videos)} videos and one of each case"
        )
    while len(timeline) < room:
        crowd.run(min(_SLICE, room - len(timeline)))
        if progress:
            progress(len(timeline))
    return arrive(timeline, counts, spec.seed)


def _publish(world: World, timeline: Timeline, rng: Random) -> None:
    for number, video in enumerate(world.videos):
        # A few arrive after the first people have seen the video.
        is_late = number == 1 or chance(rng, _PUBLISHED_LATE_PPM)
        delay_ms = int((2 + 6 * rng.random()) * MINUTE_MS) if is_late else None
        timeline.add(published(video), delay_ms=delay_ms, may_be_late=False)


def published(video: Video) -> Event:
    """Return the event that a video was published."""
    event = new_event("video_published", video.published_ms, video.creator.id)
    event |= {"video_id": video.id, "creator_id": video.creator.id}
    event |= {"duration_ms": video.duration_ms, "content_type": video.content_type}
    event["hashtags"] = video.hashtags
    optional = {"sound_id": video.sound_id, "challenge_id": video.challenge_id}
    event |= {name: value for name, value in optional.items() if value}
    event |= {"is_original": video.is_original, "is_promoted": video.is_promoted}
    if video.collaborator:
        creator_id, share_bps = video.collaborator
        event["collaborators"] = [{"creator_id": creator_id, "share_bps": share_bps}]
    if video.product_ids:
        event["product_ids"] = video.product_ids
    return event
