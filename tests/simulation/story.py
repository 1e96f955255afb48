"""Logs made of small steps: everything that may arrive, in any order, repeated, broken or late.

A step is a few small numbers, so that hypothesis can shrink a log and a seed can make one.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from aiokafka.partitioner import DefaultPartitioner

from schemas.base import COMMERCE_TOPIC, ENGAGEMENT_TOPIC
from schemas.events import EVENT_TYPES
from scripts.records import address
from scripts.recount import Record
from tests.oracle.events import DAY_MS, HOUR_MS, MINUTE_MS, T0_MS, event
from tests.simulation.ruleset import GAP_MS

START_MS = T0_MS - 10 * MINUTE_MS  # a day and a month begin soon
VIDEOS, LIVES, USERS = 4, 2, 5
OWNER = 2  # of the users: who does it with their own videos and lives

KINDS = tuple(sorted(EVENT_TYPES.keys() - {"invalidated"}))
TWISTS = (
    *("copy", "altered", "invalidate", "hold", "release", "release"),
    *("broken", "unknown_type", "unknown_field", "empty"),
    *("wrong_key", "wrong_topic", "ahead", "unpriced", "mismatch"),
)
AHEAD_MS = (0, 400, 7_000, 45_000, 80_000, 10 * MINUTE_MS, HOUR_MS, 7 * HOUR_MS, 25 * HOUR_MS)
BEHIND_MS = (0, 900, 15_000, 2 * MINUTE_MS, 20 * MINUTE_MS, 3 * HOUR_MS, 26 * HOUR_MS)

_partition_of = DefaultPartitioner()
_encode = msgspec.json.encode
Event = dict[str, Any]
T = TypeVar("T")


class Step(NamedTuple):
    """One thing that arrives: an event type or a twist, and what it is about."""

    kind: str
    subject: int = 0
    user: int = 0
    ahead_ms: int = 0  # how far the clock moves before it
    behind_ms: int = 0  # how long ago it happened
    pick: int = 0  # which earlier event a twist takes
    detail: int = 0  # whatever else varies


class Digits:
    """Draws choices out of one number."""

    def __init__(self, number: int) -> None:
        self._number = number

    def of(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        self._number, at = divmod(self._number, len(options))
        return options[at]


class Story:
    """Turns steps into records of both topics."""

    def __init__(self, partitions: int = 2) -> None:
        self.records: list[Record] = []
        self.now_ms = START_MS
        self._partitions = list(range(partitions))
        self._ends: Counter[tuple[str, int]] = Counter()
        self._sent: list[Event] = []
        self._held: list[Event] = []
        self._number = 0

    def add(self, step: Step) -> None:
        """Let one step arrive."""
        self.now_ms += step.ahead_ms
        twist = getattr(self, f"_{step.kind}", None)
        if twist is None:
            self._send(self._event(step, step.kind))
        else:
            twist(step)

    # ------------------------------------------------------------------ events

    def _event(self, step: Step, kind: str) -> Event:
        digits = Digits(step.detail)
        self._number += 1
        made = event(kind, id=f"e{self._number:04}", user_id=f"u{step.user}")
        made["event_time_ms"] = self.now_ms - step.behind_ms
        if "video_id" in made:
            made["video_id"] = f"v{step.subject % VIDEOS}"
        elif "live_id" in made:
            made["live_id"] = f"l{step.subject % LIVES}"
        if "creator_id" in made and "product_id" not in made:
            made["creator_id"] = f"c{step.subject % 2}"
            if step.user == OWNER:
                made["user_id"] = made["creator_id"]
        fields = _FIELDS.get(kind)
        return made | (fields(digits) if fields else {})

    def _send(self, made: Event) -> None:
        self._sent.append(made)
        self._record(_encode(made))

    def _record(
        self, value: bytes | None, *, key: bytes | None = None, topic: str | None = None
    ) -> None:
        route = address(value or b"")
        topic = topic or route.topic
        key = route.key if key is None else key
        partition = int(_partition_of(key, self._partitions, self._partitions))
        offset = self._ends[topic, partition]
        self._ends[topic, partition] += 1
        self.records.append(Record(topic, partition, offset, self.now_ms, key, value))

    def _earlier(self, step: Step) -> Event:
        if self._sent:
            return self._sent[-1 - step.pick % len(self._sent)]
        return self._event(step, "like")

    # ------------------------------------------------------------------ twists

    def _copy(self, step: Step) -> None:
        self._record(_encode(self._earlier(step)))

    def _altered(self, step: Step) -> None:
        made = dict(self._earlier(step))
        made["event_time_ms"] += (1, MINUTE_MS, -HOUR_MS)[step.detail % 3]
        if "watch_ms" in made:
            made["watch_ms"] += 1_000
        self._record(_encode(made))

    def _invalidate(self, step: Step) -> None:
        """Invalidate some of one video's events, sent or still to come."""
        video_id = f"v{step.subject % VIDEOS}"
        mine = [e for e in (*self._sent, *self._held) if e.get("video_id") == video_id]
        mine = [e for e in mine if e["type"] != "invalidated"]
        targets = [mine[(step.pick + n * n) % len(mine)] for n in range(step.detail % 4) if mine]
        made = self._event(step, "invalidated")
        self._send(made | {"targets": targets, "video_id": video_id})

    def _hold(self, step: Step) -> None:
        kinds = [k for k in KINDS if EVENT_TYPES[k].key_field == "video_id"]
        self._held.append(self._event(step, kinds[step.pick % len(kinds)]))

    def _release(self, step: Step) -> None:
        if self._held:
            self._send(self._held.pop(step.pick % len(self._held)))

    def _broken(self, step: Step) -> None:
        line = _encode(self._event(step, "like"))
        spoiled = (line[:-1], b"[1]", line + b"\xff", line.replace(b'"user_id"', b'"user"'))
        self._record(spoiled[step.detail % 4])

    def _empty(self, step: Step) -> None:
        self._record(None if step.detail % 2 else b"")

    def _unknown_type(self, step: Step) -> None:
        self._record(_encode(self._event(step, "like") | {"type": "dance"}))

    def _unknown_field(self, step: Step) -> None:
        self._send(self._event(step, "view") | {"mood": "fine"})

    def _wrong_key(self, step: Step) -> None:
        key = (b"", b"v9", b"\xff", b"l0")[step.detail % 4]
        self._record(_encode(self._event(step, KINDS[step.pick % len(KINDS)])), key=key)

    def _wrong_topic(self, step: Step) -> None:
        made = self._event(step, KINDS[step.pick % len(KINDS)])
        is_commerce = EVENT_TYPES[made["type"]].topic == COMMERCE_TOPIC
        self._record(_encode(made), topic=ENGAGEMENT_TOPIC if is_commerce else COMMERCE_TOPIC)

    def _ahead(self, step: Step) -> None:
        made = self._event(step, KINDS[step.pick % len(KINDS)])
        made["event_time_ms"] = self.now_ms + 300_000 + step.detail % 2
        self._record(_encode(made))

    def _unpriced(self, step: Step) -> None:
        made = self._event(step, "gift")
        made["event_time_ms"] = 1 if self.now_ms < GAP_MS[0] else GAP_MS[0]
        self._record(_encode(made))

    def _mismatch(self, step: Step) -> None:
        other = self._event(step, "like") | {"video_id": "v9"}
        self._record(_encode(self._event(step, "invalidated") | {"targets": [other]}))


def _order(digits: Digits) -> Event:
    return {
        "order_id": digits.of(("o1", "o2")),
        "link_id": digits.of((None, "k1")),
        "creator_id": digits.of((None, "c0")),
        "product_id": digits.of(("p1", "p2")),
        "quantity": digits.of((1, 3)),
        "paid_micros": digits.of((5, 12_340_000)),
    }


def _hold(digits: Digits) -> Event:
    return _order(digits) | {"reason": digits.of(("risk", "fraud"))}


_FIELDS: dict[str, Callable[[Digits], Event]] = {
    "view": lambda d: {
        "feed": d.of(("for_you", "for_you", "for_you", "search", "following")),
        "watch_ms": d.of((9_000, 5_001, 5_000, 0, 61_000)),
        "duration_ms": d.of((9_000, 61_000, 0)),
        "is_promoted": d.of((None, None, False, True)),
    },
    "impression": lambda d: {"feed": d.of(("for_you", "shop"))},
    "video_published": lambda d: {
        "is_promoted": d.of((False, False, False, True)),
        "is_original": d.of((True, True, True, False)),
        "duration_ms": d.of((60_000, 90_000, 59_999)),
        "content_type": d.of(("dance", "food", "")),
        "hashtags": d.of(((), ("x",), ("x", "y", "x"))),
        "sound_id": d.of((None, "s")),
        "challenge_id": d.of((None, "z")),
        "collaborators": d.of((None, ({"creator_id": "c9", "share_bps": 3_000},))),
        "product_ids": d.of((None, ("p1", "p2"))),
    },
    "gift": lambda d: {
        "repeat_count": d.of((1, 2, 3, 4)),
        "repeat_end": d.of((False, False, False, True)),
        "gift_id": d.of(("rose", "lion")),
        "group_id": d.of(("g1", "g2")),
        "coins": d.of((10, 10, 1)),
        "order_id": d.of(("o1", "o2", "o3")),
    },
    "affiliate_click": lambda d: {
        "live_id": d.of((None, "l0")),
        "link_id": d.of((None, "k1")),
        "creator_id": d.of(("c0", "c1", None)),
        "product_id": d.of(("p1", "p2")),
    },
    "order_placed": _order,
    "order_settled": _order,
    "order_refunded": lambda d: _order(d) | {"refund_micros": d.of((None, 0, 3))},
    "order_frozen": _hold,
    "order_released": _hold,
    "order_ineligible": _hold,
    "creator_registered": lambda d: {
        "user_id": d.of(("c0", "c1")),
        "registered_at_ms": START_MS - d.of((0, 1, 400)) * DAY_MS,
        "birth_date": d.of((None, "2000-02-29", "2006-03-01")),
    },
    "deal_signed": lambda d: {
        "deal_id": d.of(("d1", "d2")),
        "fee_micros": d.of((1, 7_000_000)),
        "milestones": d.of(((), ({"views": 0, "share_bps": 4_000}, {"views": 3, "share_bps": 9}))),
    },
    "gift_refunded": lambda d: {"order_id": d.of(("o1", "o2", "o3", "o4"))},
    "live_like": lambda d: {"count": d.of((1, 7))},
}


def story_of(steps: Iterable[Step], partitions: int = 2) -> list[Record]:
    """Return the log of these steps, in order of arrival."""
    story = Story(partitions)
    for step in steps:
        story.add(step)
    return story.records


_TWISTS_SHARE = 0.3
_KIND_WEIGHTS = {"view": 8, "like": 4, "unlike": 3, "gift": 6, "follow": 2, "video_published": 3}
_KINDS_DRAWN = [kind for kind in KINDS for _ in range(_KIND_WEIGHTS.get(kind, 1))]
_AHEAD_WEIGHTS = (300, 300, 200, 60, 30, 12, 5, 2, 1)
_BEHIND_WEIGHTS = (600, 200, 80, 50, 30, 20, 12)


def random_steps(rng: random.Random, number: int) -> list[Step]:
    """Return steps drawn from a generator."""
    ahead = rng.choices(AHEAD_MS, _AHEAD_WEIGHTS, k=number)
    behind = rng.choices(BEHIND_MS, _BEHIND_WEIGHTS, k=number)
    steps = []
    for n in range(number):
        kinds = TWISTS if rng.random() < _TWISTS_SHARE else _KINDS_DRAWN
        numbers = (rng.randrange(12), rng.randrange(USERS))
        last = (rng.randrange(1 << 8), rng.randrange(1 << 20))
        steps.append(Step(rng.choice(kinds), *numbers, ahead[n], behind[n], *last))
    return steps
