"""What happens in an arm and when: events by the minute of their time, and deeds still to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgspec

from schemas.events import EVENT_TYPES
from scripts.records import LogRecord
from scripts.world.places import Place

MINUTE_MS = 60_000
_encode = msgspec.json.Encoder().encode
_ROUTES = {kind: (spec.topic, spec.key_field) for kind, spec in EVENT_TYPES.items()}

Event = dict[str, Any]


class Diary:
    """Collects events of minutes that are not over, in any order."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._events: dict[int, list[Event]] = defaultdict(list)
        self._deeds: dict[int, list[Callable[[], None]]] = defaultdict(list)
        self._written = 0

    def add(self, kind: str, at_ms: int, user_id: str, /, **fields: Any) -> Event:
        """Keep an event and return it; its id is its place in the diary."""
        self._written += 1
        event_id = f"{self._place.prefix}-{self._written}"
        event = {"id": event_id, "type": kind, "event_time_ms": at_ms, "user_id": user_id, **fields}
        self._events[at_ms // MINUTE_MS].append(event)
        return event

    def later(self, at_ms: int, deed: Callable[[], None]) -> None:
        """Have something done at the beginning of the minute of that time."""
        self._deeds[at_ms // MINUTE_MS].append(deed)

    def do_deeds(self, minute: int) -> None:
        """Do what is to be done in a minute."""
        for deed in self._deeds.pop(minute, ()):
            deed()

    def close(self, minute: int) -> list[LogRecord]:
        """Return the minute's events in the order of their times."""
        events = sorted(self._events.pop(minute, ()), key=lambda one: one["event_time_ms"])
        return [_record(event) for event in events]

    def rest(self) -> list[LogRecord]:
        """Return what was begun and ends after the last minute, such as orders being settled."""
        events = [event for minute in sorted(self._events) for event in self._events[minute]]
        self._events.clear()
        return [_record(event) for event in sorted(events, key=lambda one: one["event_time_ms"])]

    def ticks(self, clock_ms: int, topic: str) -> list[LogRecord]:
        """Return a tick for each partition of the arm: nothing earlier is still to come."""
        made = []
        for user_id in self._place.control_ids():
            self._written += 1
            event = {
                "id": f"{self._place.prefix}-{self._written}",
                "type": "tick",
                "event_time_ms": clock_ms,
                "user_id": user_id,
            }
            made.append(LogRecord(topic, user_id.encode(), _encode(event), clock_ms))
        return made


def _record(event: Event) -> LogRecord:
    topic, key_field = _ROUTES[event["type"]]
    return LogRecord(topic, event[key_field].encode(), _encode(event), event["event_time_ms"])
