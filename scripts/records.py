"""One record of a log: the bytes that go to Kafka, and where they go.

Bytes are never changed or judged here. A broken message must reach Kafka and become a dead
letter there, so finding its topic and key is a lenient look that always answers.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec
from aiokafka.partitioner import murmur2

from schemas.base import ENGAGEMENT_TOPIC
from schemas.events import EVENT_TYPES, parse_event
from schemas.refusals import EventError

_ROUTES = {kind: (spec.topic, spec.key_field) for kind, spec in EVENT_TYPES.items()}
_UNKNOWN_ROUTE = (ENGAGEMENT_TOPIC, "video_id")
_ID_IN_BROKEN = re.compile(rb'"(?:video_id|live_id|user_id)"\s*:\s*"([^"\\\x00-\x1f]{1,256})"')
_BROKEN_BYTES_SEARCHED = 4096


class LogRecord(NamedTuple):
    """A record for Kafka; `event_time_ms` is None where none can be read."""

    topic: str
    key: bytes
    value: bytes
    event_time_ms: int | None

    def partition_among(self, partitions: int) -> int:
        """Return the partition that every Kafka client chooses for the key."""
        return (int(murmur2(self.key)) & 0x7FFFFFFF) % partitions


class _Look(msgspec.Struct, gc=False):
    """The fields that decide where a message goes, of whatever type they are."""

    type: Any = None
    video_id: Any = None
    live_id: Any = None
    user_id: Any = None
    event_time_ms: Any = None


_look = msgspec.json.Decoder(_Look).decode


def address(value: bytes) -> LogRecord:
    """Return the record for a message: the topic of its type, keyed by its subject.

    A message of unknown type, or whose key field is missing, gets any id it has as key; one that
    is no JSON object goes to the engagement topic; the key is empty when there is no id at all.
    """
    try:
        look = _look(value)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, no object, nested without end
        return _address_by_definition(value)
    kind = look.type if look.type.__class__ is str else ""
    topic, field = _ROUTES.get(kind, _UNKNOWN_ROUTE)
    key = getattr(look, field)
    if key.__class__ is not str:
        key = _any_id(look)
    time_ms = look.event_time_ms
    if time_ms.__class__ is not int:
        time_ms = None
    return LogRecord(topic, key.encode(), value, time_ms)


def _address_by_definition(value: bytes) -> LogRecord:
    """Address what the quick look refuses; it may be an event still, for of equal keys only the last
    stands, and an earlier one may hold a number that no float can.
    """
    try:
        event = parse_event(value)
    except EventError:
        return LogRecord(ENGAGEMENT_TOPIC, _key_of_broken(value), value, None)
    spec = EVENT_TYPES[event.type]
    key: str = getattr(event, spec.key_field)
    return LogRecord(spec.topic, key.encode(), value, event.event_time_ms)


def _any_id(look: _Look) -> str:
    ids = (look.video_id, look.live_id, look.user_id)
    return next((found for found in ids if isinstance(found, str)), "")


def _key_of_broken(value: bytes) -> bytes:
    found = _ID_IN_BROKEN.search(value, 0, _BROKEN_BYTES_SEARCHED)
    return found[1] if found else b""
