"""For You pools of one partition: which minutes are open, and whose pools wait for which to close.

A minute is closed when M - `disorder_ms` has passed its end. Then each video with a pane of it, or
with something due then (streams/promotion.py), takes its sums and may decide. Nothing here depends
on where runs are cut; no minute and no video is looked at without a reason.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from heapq import heappop, heappush
from operator import add, sub
from typing import TYPE_CHECKING, NamedTuple

from schemas import wire
from schemas.rows import COUNTERS
from streams.corrections import AWAITED, DONE, STANDING, Namings
from streams.pools import Decision, LastRanking
from streams.promotion import act_of, counted_act
from streams.subjects import Subject, Video
from streams.value_model import NOTHING, Sums, sums_of
from streams.values import Rules

if TYPE_CHECKING:
    from streams.partition import Partition

MINUTE_MS = 60_000
_IMPRESSIONS, _VIEWS = COUNTERS.index("impressions"), COUNTERS.index("views")
_NO_QUOTA = 1 << 62


class Decided(NamedTuple):
    """A decision, and the offset of the event that let its minute close."""

    offset: int
    decision: Decision


class ForYou:
    """The open minutes of a partition, and what is pending in them."""

    def __init__(self, rules: Rules) -> None:
        self._disorder_ms = rules.disorder_ms
        self._weights = rules.weights
        self._rankings = LastRanking(rules.weights)
        self._due: dict[int, dict[str, Video]] = {}  # minute -> videos that wait for its close
        self._minutes: list[int] = []  # a heap of the keys of _due
        self.namings = Namings()
        self.watched_ms = 0  # how long a view is by which a user has watched, in [from, to)
        self.watched_from_ms = self.watched_to_ms = -1
        self.new_pool = _first_pool(rules)
        self.decided: list[Decided] = []  # pending output
        self.open_at(0)

    def open_at(self, max_event_time_ms: int) -> None:
        """Set which minutes are open by the highest event time."""
        self.first_open = self._first_open(max_event_time_ms)  # minute
        self.open_from_ms = self.first_open * MINUTE_MS
        # the event time that closes the first open minute
        self.close_at_ms = self.open_from_ms + MINUTE_MS + self._disorder_ms

    def _first_open(self, max_event_time_ms: int) -> int:
        return (max_event_time_ms - self._disorder_ms) // MINUTE_MS

    # ---------------------------------------------------------------- event by event

    def look_up_watched(self, event_time_ms: int) -> None:
        """Look up how long a view must be, and how long that is valid."""
        row = self._weights.fraud_rules(event_time_ms)
        self.watched_ms = 0 if row is None else row.watched_ms
        self.watched_from_ms = event_time_ms if row is None else row.valid_from_ms
        ends_ms = event_time_ms + 1 if row is None else row.valid_to_ms
        self.watched_to_ms = _NO_QUOTA if ends_ms is None else ends_ms

    def _watch(self, video: Video, event: wire.View) -> None:
        """Note who watched by a suppressed view, if it is long enough."""
        t = event.event_time_ms
        if not self.watched_from_ms <= t < self.watched_to_ms:
            self.look_up_watched(t)
        if event.watch_ms >= self.watched_ms:
            video.promotion.watch(event.user_id, t // MINUTE_MS, self.first_open)
            video.viewers.changed.add(event.user_id)

    def like(self, video: Video, event: wire.Like, number: int) -> None:
        """Note a like or an un-like, if its minute is open and it is not the creator's."""
        minute = event.event_time_ms // MINUTE_MS
        if minute >= self.first_open and event.user_id != event.creator_id:
            video.promotion.like(event.user_id, minute, number)
            video.likes.changed.add(event.user_id)

    def leave_out(self, video: Video, event: wire.VideoEvent, n: int) -> None:
        """Let what a creator does with the own video be in no sums; the pane has it (or lost it)."""
        video.promotion.leave_out(counted_act(event), n, self.first_open)

    def late(self, video: Video, event: wire.VideoEvent) -> None:
        """Take a counted event whose minute is closed."""
        act = act_of(event)
        if any(act.sums):
            video.promotion.late(act, self.first_open)
            self._await(video)

    def suppress(
        self, state: "Partition", video: Video, hashed: int, event: wire.VideoEvent
    ) -> None:
        """Take a suppressed event; the first that comes of one stands until its invalidation is due."""
        if isinstance(event, wire.View):
            self._watch(video, event)
        due, what = self.namings.by_target.get(hashed, (-1, DONE))
        if what == AWAITED:
            act = act_of(event)
            done = video.promotion.suppress(act, due, self.first_open) if any(act.sums) else DONE
            self._named(video, hashed, event, due, done)
        if not video.dirty:
            state.touch(video)

    def await_target(self, hashed: int, due: int) -> None:
        """Note that a target that has not come yet was invalidated."""
        self.namings.put(hashed, due, AWAITED)

    def take_back(self, video: Video, hashed: int, target: wire.VideoEvent, due: int) -> None:
        """Take a target back, whose pane has lost it already."""
        done = video.promotion.take_back(act_of(target), due, self.first_open)
        self._named(video, hashed, target, due, done)

    def name_again(self, video: Video, hashed: int, target: wire.VideoEvent, due: int) -> None:
        """Let the earlier of two invalidations stand, if it is not too late."""
        before, done = self.namings.by_target.get(hashed, (-1, DONE))
        if due >= before:
            return
        if done == STANDING:
            done = video.promotion.move(act_of(target), before, due, self.first_open)
        self._named(video, hashed, target, due, done)

    def _named(
        self, video: Video, hashed: int, target: wire.VideoEvent, due: int, done: int
    ) -> None:
        self.namings.put(hashed, due, done)
        video.likes.changed.add(target.user_id)
        self._await(video)

    def due_of(self, event: wire.Invalidated) -> int:
        """Return the minute in which an invalidation takes effect."""
        return max(event.event_time_ms // MINUTE_MS, self.first_open)

    def _await(self, video: Video) -> None:
        due = video.promotion.due(self.first_open)
        if due is not None:
            videos = self._due.get(due)
            if videos is None:
                videos = self._due[due] = {}
                heappush(self._minutes, due)
            videos[video.id] = video

    # ---------------------------------------------------------------- minute by minute

    def close_minutes(self, state: "Partition", max_event_time_ms: int) -> None:
        """Close all minutes that the event time has passed, in order."""
        end = self._first_open(max_event_time_ms)
        with_panes = sorted(m for m in state.open_minutes if self.first_open <= m < end)
        while with_panes or (self._minutes and self._minutes[0] < end):
            minute = min([*with_panes[:1], *self._minutes[:1]])
            if with_panes and with_panes[0] == minute:
                del with_panes[0]
            due: dict[str, Video] = {}
            if self._minutes and self._minutes[0] == minute:
                due = self._due.pop(heappop(self._minutes))
            self.first_open = minute + 1
            self._close(state, minute, state.open_minutes.get(minute, ()), due)
        self.open_at(max_event_time_ms)
        self.namings.forget_before(self.first_open)

    def _close(
        self, state: "Partition", minute: int, subjects: Iterable[Subject], due: dict[str, Video]
    ) -> None:
        ranking = self._rankings.ranking((minute + 1) * MINUTE_MS)
        quota = _NO_QUOTA if ranking is None else ranking.model.pools[0].impressions
        for subject in subjects:
            if not isinstance(subject, Video):
                continue
            promotion, counters = subject.promotion, subject.panes[minute].counters
            if promotion.plain:
                shown = promotion.shown + counters[_IMPRESSIONS]
                played = promotion.played + counters[_VIEWS]
                if shown < quota and played < quota:
                    promotion.shown, promotion.played = shown, played
                    continue
            due.pop(subject.id, None)
            self._decide(state, subject, minute, sums_of(counters))
        for video in due.values():
            self._decide(state, video, minute, NOTHING)

    def _decide(self, state: "Partition", video: Video, minute: int, pane: Sums) -> None:
        promotion = video.promotion
        before, had_corrections = promotion.untrusted, promotion.corrections is not None
        counted = partial(counted_before, video, minute + 1)
        decisions = promotion.close(minute, pane, counted, self._rankings)
        if decisions:
            video.changed = state.offset
            self.decided += (Decided(state.offset, decision) for decision in decisions)
        changed = had_corrections or promotion.untrusted != before
        if (changed or promotion.boosting is not None) and not video.dirty:
            state.touch(video)
        self._await(video)

    def would_decide(self, state: "Partition", event_time_ms: int) -> bool:
        """Return whether pools may decide something when event time goes on to this."""
        end = self._first_open(event_time_ms)
        if self._minutes and self._minutes[0] < end:
            return True
        closing = [m for m in state.open_minutes if self.first_open <= m < end]
        videos = {s.id: s for m in closing for s in state.open_minutes[m] if isinstance(s, Video)}
        return any(self._may_decide(video, closing) for video in videos.values())

    def _may_decide(self, video: Video, closing: Sequence[int]) -> bool:
        promotion = video.promotion
        if promotion.boosting is not None:
            return not promotion.boosting.stages[-1].verdict
        ranking = self._rankings.ranking((max(closing) + 1) * MINUTE_MS)
        panes = [video.panes[m].counters for m in closing if m in video.panes]
        shown = promotion.shown + sum(counters[_IMPRESSIONS] for counters in panes)
        played = promotion.played + sum(counters[_VIEWS] for counters in panes)
        return ranking is not None and max(shown, played) >= ranking.model.pools[0].impressions

    def pool_of(self, video: Video) -> str:
        """Return the pool that a video is in: the first one before anything was decided."""
        return video.promotion.pool or self.new_pool

    # ---------------------------------------------------------------- checkpoints

    def settle(self, videos: Iterable[Video]) -> None:
        """Derive what is not in a checkpoint, when all of it is read."""
        self.namings.forget_before(self.first_open)
        self.namings.changed = {}
        for video in videos:
            counted = partial(counted_before, video, self.first_open)
            video.promotion.settle(self.first_open, counted)
            self._await(video)


def counted_before(video: Video, first_open: int) -> Sums:
    """Return the sums of everything counted for a video, less what is in minutes still open."""
    total = list(video.total)
    for pane in video.panes.values():
        closed = pane.minute < first_open
        change = map(sub, pane.counters, pane.flushed) if closed else (-n for n in pane.flushed)
        total = list(map(add, total, change))
    return sums_of(total)


def _first_pool(rules: Rules) -> str:
    """Return the first pool of the newest model of the preset: where a video begins."""
    weights = rules.weights
    models = (row for row in weights.value_models if row.preset == weights.preset)
    return max(models, key=lambda row: row.valid_from).pools[0].name
