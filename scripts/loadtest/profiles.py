"""What kind of stream is offered: the load model as it is, or with one thing made hard.

even        the generator's world as it is
skew        twenty videos take all that there is, so few partitions and keys do most of the work
disorder    a fifth of the events come minutes late
duplicates  a fifth of the messages are copies
bursts      every ten seconds a celebrity's post takes two thirds of all events for three seconds,
            and one live gets 100,000 gift frames, one event in ten until they are through
"""

from __future__ import annotations

from random import Random

from schemas.base import ENGAGEMENT_TOPIC
from scripts.generator.load import LoadModel, LoadSpec
from scripts.generator.offer import Stream
from scripts.records import LogRecord

SKEWED_VIDEOS = 20
HARD_SHARE = 0.2
BURST_EVERY_MS, BURST_MS, BURST_SHARE = 10_000, 3_000, 2 / 3
GIFTS, GIFT_SHARE, STREAK_FRAMES = 100_000, 0.1, 50
_LIVE, _POST, _CELEBRITY = "load-live", "load-post", "load-celebrity"
_VIEW = (
    '{"id":"%s%x","type":"view","event_time_ms":%d,"user_id":"u%d","video_id":"load-post",'
    '"creator_id":"load-celebrity","watch_ms":9000,"duration_ms":15000,"feed":"for_you"}'
)
_GIFT = (
    '{"id":"%s%x","type":"gift","event_time_ms":%d,"user_id":"u%d","live_id":"load-live",'
    '"creator_id":"load-celebrity","gift_id":"rose","coins":1,"group_id":"%s%d","repeat_count":%d,'
    '"repeat_end":%s,"order_id":"%so%x"}'
)
PROFILES = ("even", "skew", "disorder", "duplicates", "bursts")


def stream_of(profile: str, run: str, users: int = 200_000) -> Stream:
    """Return a profile's stream; `run` keeps the ids of one stream apart from all others'."""
    usual = LoadSpec()
    spec = LoadSpec(
        run=run,
        users=users,
        videos=SKEWED_VIDEOS if profile == "skew" else 5_000,
        late=HARD_SHARE if profile == "disorder" else usual.late,
        duplicates=HARD_SHARE if profile == "duplicates" else usual.duplicates,
    )
    model = LoadModel(spec)
    return Bursts(model, run, users) if profile == "bursts" else model


class Bursts:
    """A load model with a celebrity's post and a live full of gifts in it."""

    def __init__(self, model: LoadModel, run: str, users: int) -> None:
        self._model = model
        self._prefix = f"burst{run}-"
        self._users = users
        self._rng = Random(f"{run}/bursts")
        self._made = 0
        self._gifts = 0
        self._origin_ms: int | None = None

    def opening(self, time_ms: int) -> list[LogRecord]:
        """Return the publications."""
        return self._model.opening(time_ms)

    def chunk(self, count: int, time_ms: int) -> list[LogRecord]:
        """Return the next records, the burst's own last."""
        if self._origin_ms is None:
            self._origin_ms = time_ms
        in_burst = (time_ms - self._origin_ms) % BURST_EVERY_MS < BURST_MS
        gifts = min(round(count * GIFT_SHARE), GIFTS - self._gifts)
        views = round((count - gifts) * BURST_SHARE) if in_burst else 0
        records = self._model.chunk(count - gifts - views, time_ms)
        records += [self._view(time_ms) for _ in range(views)]
        records += [self._gift(time_ms) for _ in range(gifts)]
        return records

    def _view(self, time_ms: int) -> LogRecord:
        self._made += 1
        user = int(self._rng.random() * self._users)
        value = _VIEW % (self._prefix, self._made, time_ms, user)
        return LogRecord(ENGAGEMENT_TOPIC, _POST.encode(), value.encode(), time_ms)

    def _gift(self, time_ms: int) -> LogRecord:
        streak, frame = divmod(self._gifts, STREAK_FRAMES)
        self._gifts += 1
        self._made += 1
        end = "true" if frame + 1 == STREAK_FRAMES else "false"
        head = (self._prefix, self._made, time_ms, streak, self._prefix, streak, frame + 1)
        value = _GIFT % (*head, end, self._prefix, self._made)
        return LogRecord(ENGAGEMENT_TOPIC, _LIVE.encode(), value.encode(), time_ms)
