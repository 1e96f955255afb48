"""From what happened to what arrives: ids, delays, duplicates, broken messages, one order."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

import msgspec

from scripts.generator import faults
from scripts.generator.figures import (
    ALTERED_DUPLICATES_PPM,
    DAY_MS,
    DUPLICATE_AFTER_S,
    LATE_MIN,
    MINUTE_MS,
    NETWORK_S,
)
from scripts.generator.timeline import Draft, Event, Timeline, chance, new_event

Kind = Literal["event", "duplicate", "broken", "unknown"]
_encode = msgspec.json.Encoder().encode


class Message(NamedTuple):
    """One line of a log; `kind` is what the generator meant it to be."""

    arrival_ms: int
    value: bytes
    kind: Kind


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of the messages are not simply events in their order."""

    late: int
    duplicates: int
    broken: int
    unknown: int
    unknown_fields: int

    @property
    def extra(self) -> int:
        """How many messages come on top of the events."""
        return self.duplicates + self.broken + self.unknown


def arrive(timeline: Timeline, counts: Counts, seed: int) -> list[Message]:
    """Return all messages in the order in which they arrive."""
    rng = Random(f"{seed}/arrival")
    drafts = sorted(timeline.drafts, key=lambda draft: draft.event["event_time_ms"])
    for number, draft in enumerate(drafts):
        draft.event["id"] = f"e{seed}-{number:x}"
    _delay(drafts, counts.late, rng)
    odd = set(rng.sample(range(len(drafts)), counts.unknown_fields))
    messages = [
        _message(draft, rng, has_unknown_field=number in odd) for number, draft in enumerate(drafts)
    ]
    copied = rng.choices(range(len(drafts)), k=counts.duplicates)
    messages += [_copy(drafts[number], messages[number], rng) for number in copied]
    messages += _faults(timeline, counts, seed, rng)
    messages.sort(key=lambda message: message.arrival_ms)
    return messages


def _delay(drafts: list[Draft], count: int, rng: Random) -> None:
    """Hold some events back: phones without a network, as their sent_at_ms shows."""
    free = [draft for draft in drafts if draft.may_be_late and draft.delay_ms is None]
    for draft in rng.sample(free, min(count, len(free))):
        draft.delay_ms = int(LATE_MIN(rng.random()) * MINUTE_MS)
        draft.event["sent_at_ms"] = draft.event["event_time_ms"] + draft.delay_ms


def _message(draft: Draft, rng: Random, *, has_unknown_field: bool) -> Message:
    event = draft.event
    if has_unknown_field:
        event = event | rng.choice(faults.UNKNOWN_FIELDS)
    network_ms = int(NETWORK_S(rng.random()) * 1000)
    arrival_ms = event["event_time_ms"] + (draft.delay_ms or 0) + network_ms
    return Message(arrival_ms, _encode(event), "event")


def _copy(draft: Draft, message: Message, rng: Random) -> Message:
    """The same message again later; a few times, as in real logs, with other content."""
    value = message.value
    if draft.event["type"] == "view" and chance(rng, 20 * ALTERED_DUPLICATES_PPM):
        value = _encode(draft.event | {"watch_ms": draft.event["watch_ms"] + 1_000})
    later_ms = int(DUPLICATE_AFTER_S(rng.random()) * 1000)
    return Message(message.arrival_ms + later_ms, value, "duplicate")


def _faults(timeline: Timeline, counts: Counts, seed: int, rng: Random) -> list[Message]:
    messages: list[Message] = []
    span_ms = timeline.end_ms - timeline.start_ms
    for number, kind in enumerate(faults.broken_kinds(counts.broken, rng)):
        time_ms = timeline.start_ms + int(rng.random() * span_ms)
        like = _like(f"e{seed}-b{number:x}", time_ms, rng)
        messages.append(Message(time_ms, faults.BROKEN[kind](like), "broken"))
    for number in range(counts.unknown):
        time_ms = timeline.start_ms + int(rng.random() * span_ms)
        like = _like(f"e{seed}-u{number:x}", time_ms, rng)
        messages.append(Message(time_ms, faults.unknown(like, rng), "unknown"))
    return messages


def _like(event_id: str, time_ms: int, rng: Random) -> Event:
    number = rng.randrange(1, 6)
    event = new_event("like", time_ms, f"u{number}")
    return event | {"id": event_id, "video_id": f"v{number}", "creator_id": f"c{number}"}


def forgotten(rng: Random, timeline: Timeline) -> Event:
    """Add an event that arrives more than a day after it happened: beyond the horizon."""
    delay_ms = DAY_MS + int((60 + rng.random() * 300) * MINUTE_MS)
    span_ms = timeline.end_ms - timeline.start_ms
    arrival_ms = timeline.start_ms + int(span_ms * (0.6 + 0.35 * rng.random()))
    like = _like("", arrival_ms - delay_ms, rng)
    kind = rng.choice(("like", "like", "share", "favorite", "profile_view"))
    return timeline.add(like | {"type": kind}, delay_ms=delay_ms, may_be_late=False)
