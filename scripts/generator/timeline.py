"""Events before they have an id and a time of arrival, in the order they were thought of."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

Event = dict[str, Any]


@dataclass(slots=True)
class Draft:
    """An event that happened; `delay_ms` says how long it is on its way, None lets chance say."""

    event: Event
    delay_ms: int | None = None
    may_be_late: bool = True


@dataclass(slots=True)
class Timeline:
    """Collects drafts between the start and the end of the log."""

    start_ms: int
    end_ms: int
    drafts: list[Draft] = field(default_factory=list)

    def add(self, event: Event, *, delay_ms: int | None = None, may_be_late: bool = True) -> Event:
        """Keep an event and return it, for those that refer to it."""
        event["event_time_ms"] = min(event["event_time_ms"], self.end_ms - 1)
        self.drafts.append(Draft(event, delay_ms, may_be_late))
        return event

    def __len__(self) -> int:
        return len(self.drafts)


def new_event(kind: str, time_ms: int, user_id: str) -> Event:
    """Return an event of any type; its id is given when all that happened is known."""
    return {"id": "", "type": kind, "event_time_ms": time_ms, "user_id": user_id}


def chance(rng: Random, ppm: float) -> bool:
    """Return True `ppm` times in a million."""
    return rng.random() * 1_000_000 < ppm
