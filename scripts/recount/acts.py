"""Rule 15, what minutes say: when each event begins to count in the pools of its video, and ends.

A change (close, minute, user, sums) says: at the close of the first minute, the second one's sums
change. Changes are gathered from all of the log; which likes nobody trusts is known at its end.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.base import VideoEvent
from schemas.events import Invalidated, Like, Unlike, VideoTarget, View
from scripts.recount.model import MINUTE_MS, Fate, Message, Rules
from scripts.recount.scores import is_own
from scripts.recount.videos import counters_of

SIGNALS = {
    "views": "play",
    "completions": "completion",
    "comments": "comment",
    "replies": "reply",
    "shares": "share",
    "favorites": "favorite",
    "follows": "follow",
    "profile_views": "profile_view",
    "not_interested": "not_interested",
    "reports": "report",
    "impressions": "impressions",
    "watch_ms": "watch_ms",
}

Sums = Counter[str]  # signals, and impressions and watch_ms
When = tuple[int, int]  # the minute whose close brings a change, and the minute that changes


@dataclass(slots=True)
class Acts:
    """All that happens to one video, by when its minutes say so."""

    sums: dict[When, Sums] = field(default_factory=dict)
    likes: dict[When, Counter[str]] = field(default_factory=dict)  # by user
    watched_from: dict[str, int] = field(default_factory=dict)  # user -> minute

    def add(self, close: int, event: VideoTarget, sign: int) -> None:
        """Add what an event says in its minute, from a close on; a creator's own says nothing."""
        if is_own(event):
            return
        when = (close, event.event_time_ms // MINUTE_MS)
        if isinstance(event, Like | Unlike):
            number = sign if event.type == "like" else -sign
            self.likes.setdefault(when, Counter())[event.user_id] += number
            return
        for name, number in counters_of(event).items():
            self.sums.setdefault(when, Counter())[SIGNALS[name]] += sign * number

    def closes(self) -> dict[int, dict[int, Sums]]:
        """Return what each close changes, by the minute that changes; nothing is left out."""
        found: dict[int, dict[int, Sums]] = {}
        for (close, minute), sums in self.sums.items():
            found.setdefault(close, {}).setdefault(minute, Counter()).update(sums)
        for (close, minute), users in self.likes.items():
            trusted = sum(
                number
                for user, number in users.items()
                if self.watched_from.get(user, minute + 1) <= minute
            )
            found.setdefault(close, {}).setdefault(minute, Counter())["like"] += trusted
        return found


class Named(NamedTuple):
    """A target of invalidations: the earliest minute due, and the event that is taken back then."""

    due: int
    event: VideoTarget | None


class ActCount:
    """Gathers the acts of all videos of one partition, message by message."""

    def __init__(self, rules: Rules) -> None:
        self.acts: dict[str, Acts] = {}
        self.first_open = 0
        self._rules = rules
        self._counted: set[tuple[str, str]] = set()
        self._named: dict[tuple[str, str], Named] = {}
        self._came: set[tuple[str, str]] = set()  # targets that came after they were named

    def count(self, message: Message) -> None:
        """Take one message that is no dead letter."""
        self.first_open = (message.max_event_time_ms - self._rules.disorder_ms) // MINUTE_MS
        event = message.event
        if isinstance(event, Invalidated) and message.fate is Fate.COUNTED:
            self._invalidate(event, message.max_event_time_ms)
        if not isinstance(event, VideoEvent):
            return
        if message.fate is Fate.COUNTED:
            self._counted.add((event.video_id, event.id))
            self._watch(event)
            minute = event.event_time_ms // MINUTE_MS
            self._of(event).add(max(minute, self.first_open), event, 1)
        elif message.fate is Fate.SUPPRESSED:
            self._watch(event)
            self._suppress(event)

    def finish(self) -> None:
        """Take back what was named, now that all are known who name it."""
        for due, event in self._named.values():
            if event is not None:
                minute = event.event_time_ms // MINUTE_MS
                self._of(event).add(max(minute, due), event, -1)

    def _invalidate(self, event: Invalidated, max_event_time_ms: int) -> None:
        due = max(event.event_time_ms // MINUTE_MS, self.first_open)
        for target in event.targets:
            name = (event.video_id, target.id)
            known = self._named.get(name)
            if known is not None:
                self._named[name] = Named(min(due, known.due), known.event)
                continue
            too_old = target.event_time_ms < max_event_time_ms - self._rules.horizon_ms
            is_counted = name in self._counted or too_old
            self._named[name] = Named(due, target if is_counted else None)

    def _suppress(self, event: VideoTarget) -> None:
        """Let the first message of a target that was named before it came stand until it is due."""
        name = (event.video_id, event.id)
        known = self._named.get(name)
        if known is None or known.event is not None or name in self._came:
            return
        self._came.add(name)
        minute = event.event_time_ms // MINUTE_MS
        if minute >= self.first_open:
            self._of(event).add(minute, event, 1)
            self._named[name] = Named(known.due, event)

    def _watch(self, event: VideoTarget) -> None:
        if not isinstance(event, View):
            return
        row = self._rules.weights.fraud_rules(event.event_time_ms)
        if row is None or event.watch_ms >= row.watched_ms:
            since = max(event.event_time_ms // MINUTE_MS, self.first_open)
            users = self._of(event).watched_from
            users[event.user_id] = min(since, users.get(event.user_id, since))

    def _of(self, event: VideoTarget) -> Acts:
        return self.acts.setdefault(event.video_id, Acts())
