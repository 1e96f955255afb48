"""Rules 4 and 7 for lives: what each counted event adds to its live session and its minute.

Gifts are counted in gifts.py, for a streak counts as a whole.
"""

from dataclasses import dataclass, field

from schemas.events import (
    Gift,
    GiftRefunded,
    LiveEnded,
    LiveJoined,
    LiveLeft,
    LiveLike,
    LiveStarted,
)
from scripts.recount.videos import Counts, Register, how_many_on, moment, note_last

AnyLiveEvent = LiveStarted | LiveEnded | LiveJoined | LiveLeft | LiveLike | Gift | GiftRefunded


@dataclass(slots=True)
class LiveSums:
    """What is left of a live session when everything is counted."""

    creator_id: str
    started_at_ms: int
    ended_at_ms: int
    unique_viewers: int
    viewers_now: int


@dataclass(slots=True)
class Live:
    """Everything that is counted of one live session, apart from its minutes.

    Should it start or end several times, it lasted from the first start to the last end.
    """

    started: LiveStarted | None = None
    ended: LiveEnded | None = None
    first_creator_id: str = ""
    users_joined: set[str] = field(default_factory=set)
    present: Register = field(default_factory=dict)

    def count(self, event: AnyLiveEvent) -> Counts:
        """Count one event and return what it adds to the counters of its minute."""
        if not self.first_creator_id:
            self.first_creator_id = event.creator_id
        if isinstance(event, LiveStarted):
            if self.started is None or moment(event) < moment(self.started):
                self.started = event
        elif isinstance(event, LiveEnded):
            if self.ended is None or moment(event) > moment(self.ended):
                self.ended = event
        elif isinstance(event, LiveJoined):
            self.users_joined.add(event.user_id)
            note_last(self.present, event.user_id, event, on=True)
            return {"views": 1}
        elif isinstance(event, LiveLeft):
            note_last(self.present, event.user_id, event, on=False)
        elif isinstance(event, LiveLike):
            return {"likes": event.count}
        return {}

    def sum_up(self) -> LiveSums:
        """Rule 7, at the log's end; times that are not known are 0."""
        return LiveSums(
            creator_id=self.first_creator_id,
            started_at_ms=self.started.event_time_ms if self.started else 0,
            ended_at_ms=self.ended.event_time_ms if self.ended else 0,
            unique_viewers=len(self.users_joined),
            viewers_now=how_many_on(self.present),
        )
