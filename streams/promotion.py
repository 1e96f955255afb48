"""All that decides about one video's pools, put together: minutes in, decisions out.

The worker counts minutes in its panes anyway; it hands over a pane's counters when the minute is
closed, once the partition's newest event time less the allowed disorder has passed its end. Beside
that it tells, event by event,

    trust.watch, trust.like     who watches for long enough, who likes or un-likes, minute still open
    late                        what comes for a minute already closed
    take_back                   what is invalidated, when it had been counted
    suppress                    what arrives and is suppressed, for it was invalidated before

`due` is the minute of the invalidation's own event time, or the first one still open if that is
closed. Whatever the order of arrival within the disorder, the decisions are the same.

Until the first quota is reached, pools have no state but the sum of closed minutes: measured, 650
bytes a video and up to 100 a viewer who watched, and 2 to 5 microseconds for each minute closed.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas import wire
from schemas.detection import FraudRules
from streams.corrections import Corrections
from streams.pools import Boosting, Decision, Rankings
from streams.trust import Trust
from streams.value_model import FIELDS, LIKE, NOTHING, Sums, added, exposures, taken_back

MINUTE_MS = 60_000

_ADDS: dict[type, str] = {
    wire.Impression: "impressions",
    wire.View: "play",
    wire.Like: "like",
    wire.Comment: "comment",
    wire.Reply: "reply",
    wire.Share: "share",
    wire.Favorite: "favorite",
    wire.Follow: "follow",
    wire.ProfileView: "profile_view",
    wire.NotInterested: "not_interested",
    wire.Report: "report",
}


class Act(NamedTuple):
    """One event as pools see it."""

    minute: int
    user_id: str
    sums: tuple[int, ...]
    watched: bool


def act_of(event: wire.VideoEvent, rules: FraudRules) -> Act:
    """Return what an event adds to its minute, as the window's counters would say."""
    counts = {_ADDS[event.__class__]: 1} if event.__class__ in _ADDS else {}
    watched = False
    if isinstance(event, wire.Unlike):
        counts["like"] = -1
    elif isinstance(event, wire.View):
        watched = event.watch_ms >= rules.watched_ms
        counts["watch_ms"] = event.watch_ms
        counts["completion"] = int(event.watch_ms >= event.duration_ms > 0)
    sums = tuple(counts.get(name, 0) for name in FIELDS)
    return Act(event.event_time_ms // MINUTE_MS, event.user_id, sums, watched)


class Promotion:
    """One video: its pools, what corrects them, and whom they trust."""

    __slots__ = ("boosting", "closed", "corrections", "suppressed", "trust", "video_id")

    def __init__(self, video_id: str) -> None:
        self.video_id = video_id
        self.closed: tuple[int, ...] = NOTHING  # the sum of closed minutes, until pools begin
        self.boosting: Boosting | None = None
        self.corrections = Corrections()
        self.suppressed: tuple[int, ...] = ()  # open minutes in which suppressed events stand
        self.trust = Trust()

    def late(self, act: Act, first_open: int) -> None:
        """Take an event whose minute is closed."""
        self._change(first_open, act.minute, act.user_id, act.sums)
        if act.watched:
            self.trust.watch(act.user_id, act.minute, first_open)

    def take_back(self, act: Act, due: int) -> None:
        """Take back an event that was counted; the pane of its minute has lost it already."""
        if due > act.minute:
            self._change(due, act.minute, act.user_id, taken_back(act.sums))
        elif act.sums[LIKE]:
            self.trust.like(act.user_id, act.minute, -act.sums[LIKE])

    def suppress(self, act: Act, due: int, first_open: int) -> None:
        """Take an event that no pane has counted: in its minute it stands, later it is taken back."""
        if act.watched:
            self.trust.watch(act.user_id, act.minute, first_open)
        if due > act.minute >= first_open:
            if act.minute not in self.suppressed:
                self.suppressed = tuple(sorted((*self.suppressed, act.minute)))
            self._change(due, act.minute, act.user_id, taken_back(act.sums))
            if act.sums[LIKE]:
                self.trust.like(act.user_id, act.minute, act.sums[LIKE])

    def close(self, minute: int, sums: Sums, rankings: Rankings) -> list[Decision]:
        """Take a closed minute with its pane's sums as they are now; return what is decided.

        To be called in rising order for each minute in which something came or is `due`.
        """
        if self.suppressed:
            self.suppressed = tuple(m for m in self.suppressed if m > minute)
        hidden = self.corrections.hidden(minute) if self.corrections.pending else NOTHING
        whole = _fewer_likes(added((sums, hidden)), self.trust.close(minute))
        untrusted = self.trust.due(minute)
        corrections = [
            (changed, fewer)
            for changed, change in self.corrections.due(minute)
            if any(fewer := _fewer_likes(change, untrusted.get(changed, 0)))
        ]
        if self.boosting is not None:
            if any(whole) or corrections:
                return self.boosting.close(minute, whole, corrections, rankings)
            return self.boosting.expire(minute, rankings)  # as a minute in which nothing came
        self.closed = added((self.closed, whole, *(change for _, change in corrections)))
        ranking = rankings.ranking((minute + 1) * MINUTE_MS)
        if ranking is None or exposures(self.closed) < ranking.model.pools[0].impressions:
            return []
        self.boosting = Boosting(self.video_id)
        return self.boosting.close(minute, self.closed, (), rankings)

    @property
    def due(self) -> int | None:
        """Return the next minute that must be closed even if its pane is missing.

        At the close of the minute after a hold's last one the video is stopped.
        """
        held = None if self.boosting is None else self.boosting.deadline
        ends = [] if held is None else [held + 1]
        return min([*self.suppressed, *self.corrections.pending, *ends], default=None)

    def dump(self) -> tuple[Any, ...]:
        """Return the state as plain values."""
        boosting = None if self.boosting is None else self.boosting.dump()
        corrections, trust = self.corrections.dump(), self.trust.dump()
        return self.closed, boosting, corrections, self.suppressed, trust

    @classmethod
    def load(cls, video_id: str, dumped: Sequence[Any]) -> "Promotion":
        """Return the state that was dumped."""
        made = cls(video_id)
        closed, boosting, corrections, suppressed, trust = dumped
        made.closed = tuple(closed)
        made.boosting = None if boosting is None else Boosting.load(video_id, boosting)
        made.corrections = Corrections.load(corrections)
        made.suppressed = tuple(suppressed)
        made.trust = Trust.load(trust)
        return made

    def _change(self, due: int, minute: int, user: str, sums: tuple[int, ...]) -> None:
        self.corrections.note(due, minute, sums)
        if sums[LIKE]:
            self.trust.change(due, minute, user, sums[LIKE])


def _fewer_likes(sums: tuple[int, ...], number: int) -> tuple[int, ...]:
    if not number:
        return sums
    return (*sums[:LIKE], sums[LIKE] - number, *sums[LIKE + 1 :])
