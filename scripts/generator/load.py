"""The same world as an endless stream, made as fast as Kafka takes it.

What is drawn is drawn once: a tape of ready messages, each with its video, type, watch time and
delay by the world's own distributions, and with holes for id, time and user. A record of the
stream is the next place of the tape with its holes filled; the rare types that depend on each
other (gift streaks, orders, un-actions, bot bursts) are told by `Stories`.

The stream depends on its options and on the times that it is given, on nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import NamedTuple

import msgspec

from schemas.base import ENGAGEMENT_TOPIC
from schemas.errors import ConfigError
from scripts.generator import faults
from scripts.generator.figures import (
    DUPLICATES_SHARE,
    FEEDS,
    HOUR_MS,
    LATE_MIN,
    MINUTE_MS,
    NOT_INTERESTED_PPM,
    PROFILE_VIEW_PPM,
    REPORT_PPM,
    VIDEOS_PER_CREATOR,
    VIEWED_PPM,
)
from scripts.generator.model import published
from scripts.generator.population import Video, World, build_world
from scripts.generator.sessions import watched_ms
from scripts.generator.stories import Stories
from scripts.generator.timeline import new_event
from scripts.records import LogRecord, address

TAPE_LENGTH = 1 << 16
_RECENT = 4_096
_STORIES_SHARE = 0.10
_encode = msgspec.json.Encoder().encode
_new_record = tuple.__new__


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """What stream to make; `run` keeps the ids of streams with equal seeds apart."""

    seed: int = 7
    run: str = ""
    users: int = 200_000
    videos: int = 5_000
    creators: int = 0
    duplicates: float = DUPLICATES_SHARE
    late: float = 0.01
    broken: float = 0.001
    unknown: float = 0.0005

    def __post_init__(self) -> None:
        for name in ("users", "videos"):
            if not 1 <= getattr(self, name) <= 10_000_000:
                raise ConfigError(f"--{name}: must be from 1 to 10000000")
        for name in ("duplicates", "late", "broken", "unknown"):
            if not 0 <= getattr(self, name) <= 0.2:
                raise ConfigError(f"--{name} {getattr(self, name):g}: a share from 0 to 0.2")


class _Place(NamedTuple):
    """One place of the tape: a message with holes, or what else comes here."""

    key: bytes
    template: bytes  # holes: number, time, user; empty for what is not simply filled
    delay_ms: int
    kind: str


class LoadModel:
    """An endless stream of records."""

    def __init__(self, spec: LoadSpec) -> None:
        self._rng = Random(f"{spec.seed}/load")
        self._spec = spec
        creators = spec.creators or max(1, int(spec.videos / VIDEOS_PER_CREATOR))
        self.world = build_world(
            spec.seed, users=1, videos=spec.videos, creators=creators, start_ms=0, end_ms=HOUR_MS
        )
        self._prefix = f"{spec.seed:x}{spec.run}-"
        self._tape = _Tape(self.world, spec, self._prefix, self._rng).places()
        self._stories = Stories(self.world, self._rng, self._prefix, spec.users)
        self._recent: list[LogRecord] = []
        self._number = 0

    def opening(self, time_ms: int) -> list[LogRecord]:
        """Return the publication of every video; send these first."""
        records = []
        for number, video in enumerate(self.world.videos):
            event = published(video) | {
                "id": f"{self._prefix}p{number:x}",
                "event_time_ms": time_ms,
            }
            records.append(address(_encode(event)))
        return records

    def chunk(self, count: int, time_ms: int) -> list[LogRecord]:
        """Return the next `count` records, which happen at `time_ms` (the late ones before it)."""
        tape, users, draw = self._tape, self._spec.users, self._rng.random
        topic, number = ENGAGEMENT_TOPIC, self._number
        records: list[LogRecord] = []
        append = records.append
        for key, template, delay_ms, kind in tape.cut(number, count):
            if template:
                user = draw()
                event_ms = time_ms - delay_ms
                value = template % (number, event_ms, int(user * user * users))
                append(_new_record(LogRecord, (topic, key, value, event_ms)))
            else:
                append(self._special(kind, number, time_ms))
            number += 1
        self._number = number
        self._recent = (self._recent + records)[-_RECENT:]
        return records

    def _special(self, kind: str, number: int, time_ms: int) -> LogRecord:
        if kind == "duplicate" and self._recent:
            return self._recent[int(self._rng.random() * len(self._recent))]
        if kind in ("broken", "unknown"):
            user = f"u{int(self._rng.random() * self._spec.users)}"
            event = new_event("like", time_ms, user) | {"id": f"{self._prefix}{number:x}"}
            event |= {"video_id": "v1", "creator_id": self.world.videos[0].creator.id}
            if kind == "unknown":
                return address(faults.unknown(event, self._rng))
            return address(faults.BROKEN[self._rng.choice(faults.SMALL_KINDS)](event))
        return self._stories.next(number, time_ms)


class _Loop(NamedTuple):
    """Places that come round again."""

    items: list[_Place]

    def cut(self, first: int, count: int) -> list[_Place]:
        size = len(self.items)
        first %= size
        cut = self.items[first : first + count]
        while len(cut) < count:
            cut += self.items[: count - len(cut)]
        return cut


class _Tape:
    """Draws the places of a tape."""

    def __init__(self, world: World, spec: LoadSpec, prefix: str, rng: Random) -> None:
        self._world = world
        self._spec = spec
        self._prefix = prefix
        self._rng = rng
        self._feeds = [name for name, _ in FEEDS]
        self._feed_sums = list(accumulate(share for _, share in FEEDS))

    def places(self) -> _Loop:
        """Return the tape."""
        spec = self._spec
        shares = {
            "duplicate": spec.duplicates,
            "broken": spec.broken,
            "unknown": spec.unknown,
            "story": _STORIES_SHARE,
        }
        places: list[_Place] = []
        for kind, share in shares.items():
            places += [_Place(b"", b"", 0, kind)] * round(share * TAPE_LENGTH)
        while len(places) < TAPE_LENGTH:
            places += self._exposure(self._world.pick_video(self._rng))
        del places[TAPE_LENGTH:]
        self._rng.shuffle(places)
        return _Loop(places)

    def _exposure(self, video: Video) -> list[_Place]:
        """One impression and what follows from it, by the video's own rates."""
        rng, rates = self._rng, video.rates_ppm
        feed = rng.choices(self._feeds, cum_weights=self._feed_sums)[0]
        places = [self._place("impression", video, f',"feed":"{feed}"')]
        if rng.random() * 1e6 >= VIEWED_PPM:
            return places
        watch = f',"watch_ms":{watched_ms(rng, video)},"duration_ms":{video.duration_ms}'
        places.append(self._place("view", video, f'{watch},"feed":"{feed}"'))
        chances = rates | {
            "profile_view": PROFILE_VIEW_PPM,
            "not_interested": NOT_INTERESTED_PPM,
            "report": REPORT_PPM,
        }
        del chances["comment"]  # has an id of its own: told by Stories
        for kind, ppm in chances.items():
            if rng.random() * 1e6 < ppm:
                places.append(self._place(kind, video, ""))
        return places

    def _place(self, kind: str, video: Video, rest: str) -> _Place:
        rng = self._rng
        is_late = rng.random() < self._spec.late
        template = (
            f'{{"id":"{self._prefix}%x","type":"{kind}","event_time_ms":%d,"user_id":"u%d",'
            f'"video_id":"{video.id}","creator_id":"{video.creator.id}"{rest}}}'
        )
        delay_ms = int(LATE_MIN(rng.random()) * MINUTE_MS) if is_late else 0
        return _Place(video.id.encode(), template.encode(), delay_ms, kind)
