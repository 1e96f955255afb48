"""A seeded corpus: a generated log whose messages were mutated, copied, misled and invalidated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any, NamedTuple

import msgspec
from aiokafka.partitioner import DefaultPartitioner

from schemas.base import COMMERCE_TOPIC, ENGAGEMENT_TOPIC
from schemas.events import EVENT_TYPES
from schemas.examples import EXAMPLES
from scripts.generator.model import Spec, generate
from scripts.records import address
from scripts.recount import Record
from tests.oracle.events import HOUR_MS, MINUTE_MS
from tests.property.mutations import mutate, parsed, too_large

PARTITIONS = 2
HOURS = 60  # longer than the horizon: ids are forgotten, events come late
RECENT = 600
KEPT_SHARE = 0.4
PLAIN_SHARE = 0.15
EXAMPLES_SHARE = 0.2
RECORD_SHARE = 0.06
COPY_SHARE = 0.06
INVALIDATION_SHARE = 0.04
TOO_LARGE_PER_MILLION = 60
_EVENTS_MIN = 1_000

_encode = msgspec.json.Encoder().encode
_TARGET_TYPES = {name for name, spec in EVENT_TYPES.items() if spec.key_field == "video_id"}
_TARGET_TYPES.discard("invalidated")


@cache
def _partition_of(key: bytes) -> int:
    choices = list(range(PARTITIONS))
    return int(DefaultPartitioner()(key, choices, choices))


class _Mail(NamedTuple):
    """What a producer hands to Kafka."""

    topic: str
    key: bytes | None
    value: bytes | None
    timestamp_ms: int


class Corpus:
    """Makes records in the order of their arrival; the same seed makes the same records."""

    def __init__(self, seed: int, mutated: int) -> None:
        self.mutated = 0
        self._rng = Random(f"corpus/{seed}")
        self._wanted = mutated
        self._seed = seed
        self._recent: list[dict[str, Any]] = []
        self._held: list[dict[str, Any]] = []  # invalidated, and still to be sent
        self._ends: Counter[tuple[str, int]] = Counter()

    def records(self) -> list[Record]:
        """Return the whole corpus."""
        return [self._record(mail) for mail in self._mail()]

    def _mail(self) -> Iterator[_Mail]:
        spec = Spec(seed=self._seed, events=max(_EVENTS_MIN, self._wanted * 51 // 50), hours=HOURS)
        for message in generate(spec):
            event = parsed(message.value)
            if event is None or not isinstance(event.get("id"), str):
                yield _sent(message.value, message.arrival_ms)
                continue
            if self._rng.random() < EXAMPLES_SHARE:
                event = self._example(event)
            yield from self._around(event, message.arrival_ms)

    def _example(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an example at the time and under the id of an event."""
        example = EXAMPLES[self._rng.choice(list(EXAMPLES))]
        return {**example, "id": event["id"], "event_time_ms": event["event_time_ms"]}

    def _around(self, event: dict[str, Any], now_ms: int) -> Iterator[_Mail]:
        """Yield an event, or what becomes of it, and what goes with it."""
        rng = self._rng
        if rng.random() < PLAIN_SHARE:
            yield self._plain(event, now_ms)
        if rng.random() < INVALIDATION_SHARE:
            yield self._plain(self._invalidation(event, now_ms), now_ms)
        if self._held and rng.random() < INVALIDATION_SHARE:
            yield self._plain(self._held.pop(rng.randrange(len(self._held))), now_ms)
        draw = rng.random()
        if draw < COPY_SHARE and self._recent:
            mail = _sent(_encode(rng.choice(self._recent)), now_ms)
        elif draw < COPY_SHARE + RECORD_SHARE:
            mail = self._misled(_sent(_encode(event), now_ms))
        elif rng.random() * 1e6 < TOO_LARGE_PER_MILLION:
            mail = _sent(too_large(event), now_ms)
        else:
            value = mutate(rng, event)
            if rng.random() < KEPT_SHARE:
                self._keep(parsed(value) or event)
            mail = _sent(value, now_ms)
            if rng.random() < RECORD_SHARE:
                mail = self._misled(mail)
        self.mutated += 1
        yield mail

    def _plain(self, event: dict[str, Any], now_ms: int) -> _Mail:
        self._keep(event)
        return _sent(_encode(event), now_ms)

    def _keep(self, event: dict[str, Any]) -> None:
        """Keep an event to be copied or invalidated; one of the others may go for it."""
        if len(self._recent) < RECENT:
            self._recent.append(event)
        else:
            self._recent[self._rng.randrange(RECENT)] = event

    def _invalidation(self, event: dict[str, Any], now_ms: int) -> dict[str, Any]:
        """Return an invalidation of what was sent, of what is to come, or of anything."""
        rng = self._rng
        known = [rng.choice(self._recent or [event]) for _ in range(12)] + self._held[-4:]
        known = [e for e in known if _may_be_target(e)]
        targets = rng.sample(known, min(len(known), rng.randrange(1, 4)))
        if targets and rng.random() < 0.9:
            targets = [t for t in targets if t.get("video_id") == targets[0].get("video_id")]
        if _may_be_target(event) and rng.random() < 0.4:
            targets = [event]
            self._held.append(event)
        video_id = targets[0].get("video_id") if targets else "v1"
        return {
            **EXAMPLES["invalidated"],
            "id": f"{event['id']}-i",
            "event_time_ms": now_ms,
            "video_id": video_id,
            "targets": targets * rng.choice((1, 1, 1, 2)),
        }

    def _misled(self, mail: _Mail) -> _Mail:
        """Return a message with a key, a topic or a record time that is not its own."""
        rng = self._rng
        other = COMMERCE_TOPIC if mail.topic == ENGAGEMENT_TOPIC else ENGAGEMENT_TOPIC
        keys = (
            None,
            b"",
            b"v1",
            b"u1",
            b"\xff",
            (mail.key or b"") + b" ",
            (mail.key or b"").upper(),
        )
        return rng.choice(
            (
                mail._replace(key=rng.choice(keys)),
                mail._replace(topic=other),
                mail._replace(value=rng.choice((None, b""))),
                mail._replace(timestamp_ms=mail.timestamp_ms - rng.choice((6, 9)) * MINUTE_MS),
                mail._replace(timestamp_ms=max(0, mail.timestamp_ms - 9 * HOUR_MS)),
            )
        )

    def _record(self, mail: _Mail) -> Record:
        partition = _partition_of(mail.key or b"")
        place = (mail.topic, partition)
        offset = self._ends[place]
        # a transaction's marker now and then takes an offset for itself
        self._ends[place] = offset + (2 if self._rng.random() < 0.01 else 1)
        return Record(mail.topic, partition, offset, mail.timestamp_ms, mail.key, mail.value)


def _sent(value: bytes, now_ms: int) -> _Mail:
    route = address(value)
    return _Mail(route.topic, route.key, value, now_ms)


def _may_be_target(event: dict[str, Any]) -> bool:
    kind = event.get("type")
    return isinstance(kind, str) and kind in _TARGET_TYPES
