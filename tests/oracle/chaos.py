"""Seeded logs of what should not happen: few ids, much disorder, every rule's edge often.

A realistic log meets most edges once in a million events. Here six videos, three lives and eight
users share three days, so that copies, un-actions, invalidations, streaks, refunds and late events
hit each other all the time. The same seed gives the same log.
"""

import random
from typing import Any

from schemas.events import EVENT_TYPES
from tests.oracle.events import DAY_MS, HOUR_MS, MINUTE_MS, event, invalidated, line_of

Event = dict[str, Any]

USERS = [f"u{n}" for n in range(8)]
VIDEOS = {f"v{n}": f"c{n % 3}" for n in range(6)}  # video -> creator
LIVES = {f"l{n}": f"c{n}" for n in range(3)}
SPAN_MS = 3 * DAY_MS
RECENT = 400

_OF_VIDEO = [t for t, spec in EVENT_TYPES.items() if spec.key_field == "video_id"]
_OF_VIDEO.remove("invalidated")
_OF_LIVE = [t for t, spec in EVENT_TYPES.items() if spec.key_field == "live_id"]
_COMMERCE = [t for t, spec in EVENT_TYPES.items() if spec.key_field == "user_id"]
_BROKEN = (b"", b"{", b"\xff", b"[]", b'{"type":"dance"}', b'{"type":"like","video_id":"v0"}')


def chaotic_log(seed: int, events: int) -> list[bytes]:
    """Return the messages of a log, in the order in which they are sent."""
    chaos = _Chaos(random.Random(seed), events)
    return [chaos.message() for _ in range(events)]


class _Chaos:
    def __init__(self, chance: random.Random, events: int) -> None:
        self._chance = chance
        self._step_ms = SPAN_MS / events
        self._now_ms = 0
        self._made = 0
        self._sent: list[Event] = []
        self._held: list[Event] = []  # invalidated already, not sent yet

    def message(self) -> bytes:
        chance = self._chance
        self._now_ms += int(chance.expovariate(1 / self._step_ms))
        draw = chance.random()
        if draw < 0.01:
            return chance.choice(_BROKEN)
        if draw < 0.09 and self._sent:
            return line_of(self._copy())
        if draw < 0.17:
            sent = self._invalidation()
        elif draw < 0.20 and self._held:
            sent = self._held.pop(chance.randrange(len(self._held)))
        else:
            sent = self._new()
        self._sent.append(sent)
        return line_of(sent)

    def _copy(self) -> Event:
        """A copy of something sent, now and then with other content."""
        copy = dict(self._chance.choice(self._sent[-RECENT:]))
        if copy["type"] == "view" and self._chance.random() < 0.3:
            copy["watch_ms"] = self._chance.choice([0, 6_000, 7_777])
        return copy

    def _invalidation(self) -> Event:
        """Targets that were sent, were late, or are still to come; sometimes the same twice."""
        chance = self._chance
        video_id = chance.choice(list(VIDEOS))
        if chance.random() < 0.3:
            target = self._video_event(video_id)
            self._held.append(target)
            return invalidated(target, at=self._now_ms, id=self._id())
        sent = self._sent[-4 * RECENT :]
        of_video = [e for e in sent if e.get("video_id") == video_id and "targets" not in e]
        if not of_video:
            return self._video_event(video_id)
        targets = [chance.choice(of_video) for _ in range(chance.randrange(1, 4))]
        return invalidated(*targets, at=self._now_ms, id=self._id())

    def _new(self) -> Event:
        draw = self._chance.random()
        if draw < 0.6:
            return self._video_event(self._chance.choice(list(VIDEOS)))
        if draw < 0.92:
            return self._live_event()
        return event(self._chance.choice(_COMMERCE), **self._common())

    def _video_event(self, video_id: str) -> Event:
        chance = self._chance
        kind = chance.choice([*_OF_VIDEO, *["view"] * 10, *["like", "unlike"] * 4])
        fields = self._common() | {"video_id": video_id, "creator_id": VIDEOS[video_id]}
        if kind == "view":
            fields["watch_ms"] = chance.choice([0, 4_000, 5_000, 5_001, 90_000, 200_000])
            fields["duration_ms"] = chance.choice([0, 90_000])
            fields["feed"] = chance.choice(["for_you", "for_you", "other"])
            fields["is_promoted"] = chance.choice([None, None, None, False, True])
        if kind == "video_published":
            fields["hashtags"] = chance.sample(["x", "y", "z"], chance.randrange(3))
            fields["sound_id"] = chance.choice([None, "s1", "s2"])
            fields["challenge_id"] = chance.choice([None, "ch"])
            fields["duration_ms"] = chance.choice([30_000, 90_000])
            fields["is_promoted"] = chance.random() < 0.2
        return event(kind, **fields)

    def _live_event(self) -> Event:
        chance = self._chance
        kind = chance.choice([*_OF_LIVE, *["gift"] * 12])
        live_id = chance.choice(list(LIVES))
        fields = self._common() | {"live_id": live_id, "creator_id": LIVES[live_id]}
        if kind == "gift":
            fields["gift_id"] = chance.choice(["rose", "lion"])
            fields["coins"] = chance.choice([1, 5])
            fields["group_id"] = f"g{chance.randrange(40)}"
            fields["repeat_count"] = chance.randrange(1, 6)
            fields["repeat_end"] = chance.random() < 0.1
            fields["order_id"] = f"o{chance.randrange(200)}"
        if kind == "gift_refunded":
            fields["order_id"] = f"o{chance.randrange(200)}"
        if kind == "live_like":
            fields["count"] = chance.randrange(1, 9)
        return event(kind, **fields)

    def _common(self) -> Event:
        """One event in ten is anywhere in the last forty hours, the others mostly recent."""
        chance = self._chance
        back_ms = int(chance.expovariate(1 / (20 * MINUTE_MS)))
        if chance.random() < 0.1:
            back_ms = chance.randrange(40 * HOUR_MS)
        return {"id": self._id(), "user_id": chance.choice(USERS), "at": self._now_ms - back_ms}

    def _id(self) -> str:
        """Ids do not sort by age: ties must be decided by the id, not by who came first."""
        self._made += 1
        return f"{self._chance.choice('abz')}{self._made}"
