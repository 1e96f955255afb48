"""Bot bursts: bought views, likes and follows within a minute, found out and invalidated later."""

from __future__ import annotations

from random import Random

from scripts.generator.figures import MINUTE_MS
from scripts.generator.population import Video, World
from scripts.generator.timeline import Event, Timeline, chance, new_event

_TARGETS_PER_MESSAGE = 40
_BURST_MS = MINUTE_MS
_BOTS_MIN, _BOTS_MAX = 8, 45
_UNLIKES_PPM = 60_000
_FOLLOWS_PPM = 300_000


class Bots:
    """Adds bursts until there are as many events as asked for (a few more)."""

    def __init__(self, world: World, timeline: Timeline, seed: int) -> None:
        self._world = world
        self._timeline = timeline
        self._rng = Random(f"{seed}/bots")
        self._bursts = 0

    def run(self, count: int) -> None:
        """Add about `count` events, at least two bursts.

        The second burst, and a fifth of those after it, is invalidated before all of it arrives.
        """
        end = len(self._timeline) + count
        while len(self._timeline) < end or self._bursts < 2:
            overtaken = self._bursts == 1 or self._rng.random() < 0.2
            self._burst(overtaken=overtaken, room=end - len(self._timeline))
            self._bursts += 1

    def _burst(self, *, overtaken: bool, room: int) -> None:
        rng, timeline = self._rng, self._timeline
        video = self._world.pick_video(rng)
        span_ms = timeline.end_ms - timeline.start_ms
        latest_ms = max(video.published_ms, timeline.start_ms + span_ms * 3 // 4)
        earliest_ms = video.published_ms + 2 * MINUTE_MS
        time_ms = earliest_ms + int(rng.random() * max(1, latest_ms - earliest_ms))
        bots = min(_BOTS_MAX, max(_BOTS_MIN, min(room // 4, rng.randrange(_BOTS_MIN, _BOTS_MAX))))
        done: list[Event] = []
        for number in range(bots):
            done += self._bot(f"x{self._bursts}-{number}", video, time_ms, overtaken=overtaken)
        found_ms = time_ms + _BURST_MS + int((5 + 50 * rng.random()) * MINUTE_MS)
        self._invalidate(video, done, found_ms)
        if self._bursts == 0:
            self._invalidate(video, done[:3], found_ms + MINUTE_MS)  # found out twice: no change

    def _bot(self, user: str, video: Video, time_ms: int, *, overtaken: bool) -> list[Event]:
        rng = self._rng
        time_ms += int(rng.random() * _BURST_MS)
        duration_ms = video.duration_ms
        view = {"watch_ms": 5_200 + int(rng.random() * 900), "duration_ms": duration_ms}
        events = [
            self._event("impression", time_ms, user, video) | {"feed": "for_you"},
            self._event("view", time_ms + 6_200, user, video) | view | {"feed": "for_you"},
            self._event("like", time_ms + 6_300, user, video),
        ]
        if chance(rng, _FOLLOWS_PPM):
            events.append(self._event("follow", time_ms + 6_500, user, video))
        if chance(rng, _UNLIKES_PPM):
            events.append(self._event("unlike", time_ms + 9_000, user, video))
        # Held back on its way for longer than it takes to find it out.
        held_ms = 70 * MINUTE_MS if overtaken and rng.random() < 0.5 else None
        return [self._timeline.add(e, delay_ms=held_ms, may_be_late=False) for e in events]

    def _event(self, kind: str, time_ms: int, user: str, video: Video) -> Event:
        event = new_event(kind, time_ms, user)
        event |= {"device_id": f"dev{self._bursts}", "video_id": video.id}
        event["creator_id"] = video.creator.id
        return event

    def _invalidate(self, video: Video, targets: list[Event], time_ms: int) -> None:
        for first in range(0, len(targets), _TARGETS_PER_MESSAGE):
            event = new_event("invalidated", time_ms + first, "trust-and-safety")
            event |= {"video_id": video.id, "reason": "bot_burst"}
            event["targets"] = targets[first : first + _TARGETS_PER_MESSAGE]
            self._timeline.add(event, may_be_late=False)
