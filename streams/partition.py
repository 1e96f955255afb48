"""The state of one partition of a source topic: a pure function of its log.

`apply` takes runs of decoded messages in offset order. It reads no clock and does no I/O: the same
prefix of a partition gives the same state, whoever computes it and wherever the runs are cut.
What must leave is collected: changed panes and subjects (streams/rows.py turns them into rows) and
the rows that are born whole: late events, dead letters, ledger entries, facts.
"""

from collections import Counter
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

from xxhash import xxh3_64_intdigest

from schemas import wire
from schemas.entries import entry_id
from schemas.failures import Failure, Reason, Stage
from streams.admission import fault_of
from streams.config import DAY_MS, HOUR_MS, MINUTE_MS
from streams.dedup import Dedup, id_hash, subject_salt
from streams.effects import (
    COMMERCE_EFFECTS,
    CONTROL_EFFECTS,
    LIVE_EFFECTS,
    NEVER_LATE,
    VIDEO_EFFECTS,
    Effect,
)
from streams.facts import Facts
from streams.for_you import ForYou
from streams.gifts import Booking, Frame, Streak
from streams.registers import Registers
from streams.scores import decay_table
from streams.subjects import Live, StreakKey, Subject, Video
from streams.values import DeadMessage, Entry, LateEvent, Rules, Run
from streams.windows import Pane

VIDEO, LIVE, USER = 0, 1, 2
_WRONG_TOPIC: Effect = lambda state, subject, event, n: None  # noqa: E731
_KIND = {VIDEO: "video", LIVE: "live", USER: "user"}


def _routes(*, commerce: bool) -> dict[type, tuple[int, Effect | None, bool]]:
    """Return (subject kind, effect or None on the wrong topic, never late) for each type."""
    routes: dict[type, tuple[int, Effect | None, bool]] = {}
    for kind, effects in ((VIDEO, VIDEO_EFFECTS), (LIVE, LIVE_EFFECTS), (USER, COMMERCE_EFFECTS)):
        for cls, effect in effects.items():
            belongs = commerce is (kind == USER)
            routes[cls] = (kind, effect if belongs else None, cls in NEVER_LATE)
    for cls, effect in CONTROL_EFFECTS.items():  # these belong to every topic
        routes[cls] = (USER, effect, True)
    return routes


class Partition:
    """State and pending output of one partition."""

    def __init__(self, rules: Rules, *, commerce: bool = False) -> None:
        self.rules = rules
        self.weights = rules.weights.points
        self.view_points = self.weights["view"]
        self.completion_points = self.weights["completion"]
        self.half_lives_ms = (rules.weights.half_life_ms, rules.weights.fast_half_life_ms)
        self.reward_floor_views = rules.rates.rewards_threshold_views_min
        self._decay = decay_table(self.half_lives_ms[0])
        self._fast_decay = decay_table(self.half_lives_ms[1])
        self._routes = _routes(commerce=commerce)
        # the state
        self.next_offset = 0
        self.max_event_time_ms = 0
        self.late_before_ms = -1
        self.videos: dict[bytes | None, Video] = {}  # never under None
        self.lives: dict[bytes, Live] = {}
        self.dedup = Dedup()
        self.invalidated: set[int] = set()
        self.follows: dict[str, Registers] = {}  # by creator_id
        self.for_you = ForYou(rules)
        self.counts: Counter[str] = Counter()  # messages by what became of them
        self.by_type: Counter[str] = Counter()
        # derived from the state
        self.open_minutes: dict[int, list[Subject]] = {}
        self.deadlines: list[tuple[int, str, StreakKey]] = []
        self._minute = -1
        self._forget_at_ms = 0
        # where the loop stands
        self.offset = -1
        self.hashed = 0
        # pending output
        self.dirty_panes: list[tuple[Subject, Pane]] = []
        self.dirty_subjects: list[Subject] = []
        self.changed_follows: dict[tuple[str, str], int] = {}
        self.new_invalidated: list[int] = []
        self.late: list[LateEvent] = []
        self.dead: list[DeadMessage] = []
        self.entries: list[Entry] = []
        self.facts = Facts()

    # ---------------------------------------------------------------- the loop

    def apply(  # noqa: C901, PLR0915 - the hot loop: a call more per message costs 5 %
        self, run: Run, events: Sequence[Any], unknown_fields: int
    ) -> None:
        """Apply decoded messages: an Event or a Failure for each record of the run.

        The run must begin at or after `next_offset`; the caller has sliced off what was applied.
        """
        routes, videos = self._routes, self.videos
        seen, invalidated = self.dedup.seen, self.invalidated
        ahead_ms_max, for_you = self.rules.ahead_ms_max, self.for_you
        for offset, recorded_ms, key, raw, event in zip(*run, events, strict=True):
            self.offset = offset
            if event.__class__ is Failure:
                self._bury(recorded_ms, key, raw, event, None)
                continue
            kind, effect, never_late = routes[event.__class__]
            t = event.event_time_ms
            if effect is None:
                self._refuse(recorded_ms, key, raw, event, Reason.WRONG_TOPIC, "")
                continue
            # one object per subject, found by the record's key, which must be the subject's id
            subject: Any
            if kind == VIDEO:
                subject = videos.get(key)
                if subject is None or subject.id != event.video_id:
                    subject = self._meet_video(key, event.video_id)
            elif kind == LIVE:
                subject = self._meet_live(key, event.live_id)
            else:
                subject = key if key is not None and key == event.user_id.encode() else None
            if subject is None:
                self._refuse(recorded_ms, key, raw, event, Reason.WRONG_KEY, "")
                continue
            if t > recorded_ms + ahead_ms_max:
                self._refuse(recorded_ms, key, raw, event, Reason.FUTURE_EVENT_TIME, "")
                continue
            if never_late and not self._admissible(recorded_ms, key, raw, event):
                continue
            if t > self.max_event_time_ms:
                self._advance(t)
            elif t < self.late_before_ms and not never_late:
                self._set_aside(kind, subject, event)
                continue
            salt = subject.salt if kind != USER else subject_salt(subject)
            hashed = xxh3_64_intdigest(event.id.encode(), salt)
            if hashed in seen or hashed in invalidated:
                self.counts["suppressed" if hashed in invalidated else "duplicates"] += 1
                if kind == VIDEO and hashed in invalidated:
                    for_you.suppress(self, subject, hashed, event)
                continue
            self.dedup.remember(hashed, t, self.late_before_ms)
            self.hashed = hashed
            if kind != USER:
                if not subject.creator_id:
                    subject.creator_id = getattr(event, "creator_id", "")
                subject.changed = offset
                if not subject.dirty:
                    self.touch(subject)
            effect(self, subject, event, 1)
            if t < for_you.open_from_ms and kind == VIDEO:
                for_you.late(subject, event)
        self._tally(run, events, unknown_fields)

    def _tally(self, run: Run, events: Sequence[Any], unknown_fields: int) -> None:
        """Count the run's messages; `counted` is what nothing else took."""
        self.next_offset = run.offsets[-1] + 1
        self.counts["messages"] += len(events)
        self.counts["unknown_fields"] += unknown_fields
        for cls, number in Counter(map(type, events)).items():
            if cls is not Failure:
                self.by_type[wire.TYPE_OF[cls]] += number

    @property
    def counted(self) -> int:
        """Return how many messages took effect."""
        taken = ("duplicates", "suppressed", "late", "dead_letters")
        return self.counts["messages"] - sum(self.counts[name] for name in taken)

    # ---------------------------------------------------------------- admission

    def _meet_video(self, key: bytes | None, video_id: str) -> Video | None:
        """Return the video of an event if the record's key is its id, else None."""
        if key is None or key != video_id.encode():
            return None
        video = self.videos.get(key)
        if video is None:
            video = self.videos[key] = Video(key, self.half_lives_ms)
        return video

    def _meet_live(self, key: bytes | None, live_id: str) -> Live | None:
        """Return the live of an event if the record's key is its id, else None."""
        if key is None or key != live_id.encode():
            return None
        live = self.lives.get(key)
        if live is None:
            live = self.lives[key] = Live(key)
        return live

    def _admissible(
        self, recorded_ms: int, key: bytes | None, raw: bytes | None, event: Any
    ) -> bool:
        """Return whether a money or correction event can be processed; bury it if not."""
        fault = fault_of(event, self.rules)
        if fault is not None:
            self._refuse(recorded_ms, key, raw, event, *fault)
        return fault is None

    def _refuse(
        self,
        recorded_ms: int,
        key: bytes | None,
        raw: bytes | None,
        event: Any,
        reason: Reason,
        detail: str,
    ) -> None:
        self.by_type[wire.TYPE_OF[event.__class__]] -= 1
        failure = Failure(Stage.ADMISSION, reason, detail)
        self._bury(recorded_ms, key, raw, failure, event.event_time_ms)

    def _bury(
        self,
        recorded_ms: int,
        key: bytes | None,
        raw: bytes | None,
        failure: Failure,
        event_time_ms: int | None,
    ) -> None:
        self.counts["dead_letters"] += 1
        self.dead.append(DeadMessage(self.offset, recorded_ms, key, raw, failure, event_time_ms))

    def _set_aside(self, kind: int, subject: Subject, event: Any) -> None:
        self.counts["late"] += 1
        name = wire.TYPE_OF[event.__class__]
        late = LateEvent(self.offset, name, _KIND[kind], subject.id, event.event_time_ms)
        self.late.append(late)

    # ---------------------------------------------------------------- event time

    def resume(self, next_offset: int, max_event_time_ms: int) -> None:
        """Set the position and derive what follows from it, before pages are read."""
        self.next_offset, self.max_event_time_ms = next_offset, max_event_time_ms
        if max_event_time_ms:
            self.late_before_ms = max_event_time_ms - self.rules.horizon_ms
            self._minute = max_event_time_ms // MINUTE_MS
            self._forget_at_ms = (self.late_before_ms // HOUR_MS + 1) * HOUR_MS
            self.for_you.open_at(max_event_time_ms)

    def would_close(self, event_time_ms: int) -> bool:
        """Return whether this event time would finish a streak, end a day or decide about a pool."""
        if self.for_you.would_decide(self, event_time_ms):
            return True
        streaks_before_ms = event_time_ms - self.rules.disorder_ms
        return event_time_ms // DAY_MS > self.max_event_time_ms // DAY_MS or bool(
            self.deadlines and self.deadlines[0][0] < streaks_before_ms
        )

    def _advance(self, event_time_ms: int) -> None:
        """Move the highest event time on; close panes, forget ids and finish streaks by it."""
        rules = self.rules
        self.max_event_time_ms = event_time_ms
        self.late_before_ms = event_time_ms - rules.horizon_ms
        if self.late_before_ms >= self._forget_at_ms:
            self.dedup.forget(self.late_before_ms)
            self._forget_at_ms = (self.late_before_ms // HOUR_MS + 1) * HOUR_MS
        if event_time_ms >= self.for_you.close_at_ms:
            self.for_you.close_minutes(self, event_time_ms)
        minute = event_time_ms // MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            keep_ms = max(rules.pane_keep_ms, rules.disorder_ms)
            self._close_panes((event_time_ms - keep_ms) // MINUTE_MS)
        if self.deadlines and self.deadlines[0][0] < event_time_ms - rules.disorder_ms:
            self._finish_streaks(event_time_ms - rules.disorder_ms)

    def _close_panes(self, before_minute: int) -> None:
        for minute in sorted(m for m in self.open_minutes if m < before_minute):
            for subject in self.open_minutes.pop(minute):
                subject.close(minute)
                if not subject.dirty:
                    self.touch(subject)

    def _finish_streaks(self, before_ms: int) -> None:
        while self.deadlines and self.deadlines[0][0] < before_ms:
            _, live_id, key = heappop(self.deadlines)
            live = self.lives[live_id.encode()]
            streak = live.streaks[key]
            if streak.final:
                continue
            if streak.deadline_ms(self.rules.streak_timeout_ms) < before_ms:
                live.changed = self.offset
                if not live.dirty:
                    self.touch(live)
                self.book(live, key, streak, streak.finish())
            else:
                self.await_deadline(live, key, streak)

    # ---------------------------------------------------------------- what effects use

    def touch(self, subject: Subject) -> None:
        """Mark a subject as changed since the last flush."""
        subject.dirty = True
        self.dirty_subjects.append(subject)

    def pane(self, subject: Subject, minute: int, creator_id: str) -> Pane:
        """Return the subject's open pane of a minute, opening one if needed, marked as changed."""
        pane = subject.panes.get(minute)
        if pane is None:
            pane = subject.panes[minute] = Pane(minute, self.offset, creator_id)
            opened = self.open_minutes.get(minute)
            if opened is None:
                opened = self.open_minutes[minute] = []
            opened.append(subject)
        pane.changed = self.offset
        if not pane.dirty:
            pane.dirty = True
            self.dirty_panes.append((subject, pane))
        return pane

    def score(self, video: Video, event_time_ms: int, points: float) -> None:
        """Add decayed points at an event time to a video's scores."""
        within_ms = event_time_ms % MINUTE_MS
        start_ms = event_time_ms - within_ms
        score, fast = video.score, video.fast_score
        if score.at_ms == start_ms == fast.at_ms:
            score.value += points * self._decay[within_ms]
            fast.value += points * self._fast_decay[within_ms]
        else:
            half_life_ms, fast_half_life_ms = self.half_lives_ms
            score.add(points * self._decay[within_ms], start_ms, half_life_ms)
            fast.add(points * self._fast_decay[within_ms], start_ms, fast_half_life_ms)

    def follow(self, event: wire.Follow | wire.Unfollow, n: int, *, on: bool) -> None:
        """Put (or take back) an action of a (creator, user) register."""
        creator_id, user_id = event.creator_id, event.user_id
        registers = self.follows.get(creator_id)
        if registers is None:
            registers = self.follows[creator_id] = Registers()
        if n > 0:
            registers.put(user_id, (event.event_time_ms, event.id, on))
        else:
            registers.remove(user_id, event.event_time_ms, event.id)
        self.changed_follows[creator_id, user_id] = self.offset

    def invalidate(self, video: Video, event: wire.Invalidated) -> None:
        """Take each target back once; a target that is still to come is suppressed then."""
        due = self.for_you.due_of(event)
        for target in event.targets:
            hashed = id_hash(target.id, video.salt)
            if hashed in self.invalidated:
                self.for_you.name_again(video, hashed, target, due)
                continue
            self.invalidated.add(hashed)
            self.new_invalidated.append(hashed)
            still_to_come = target.event_time_ms >= self.late_before_ms
            if hashed not in self.dedup.seen and still_to_come:
                self.dedup.remember(hashed, target.event_time_ms, self.late_before_ms)
                self.for_you.await_target(hashed, due)
                continue
            if not video.creator_id:
                video.creator_id = target.creator_id
            VIDEO_EFFECTS[target.__class__](self, video, target, -1)
            self.for_you.take_back(video, hashed, target, due)

    def frame_of(self, event: wire.Gift) -> Frame:
        """Return a gift frame with its money at the rate of its event time."""
        rate = self.rules.rates.gift(event.event_time_ms)
        assert rate is not None, "admission refuses gifts without a rate"
        micros = event.coins * event.repeat_count * rate.micros_per_coin
        named = (event.event_time_ms, event.id, event.coins, event.creator_id)
        return Frame(event.repeat_count, *named, micros, rate.version)

    def await_deadline(self, live: Live, key: StreakKey, streak: Streak) -> None:
        """Finish the streak when event time has passed its deadline."""
        deadline = streak.deadline_ms(self.rules.streak_timeout_ms)
        heappush(self.deadlines, (deadline, live.id, key))

    def book(self, live: Live, key: StreakKey, streak: Streak, bookings: list[Booking]) -> None:
        """Write a streak's ledger entries and mark it as changed."""
        streak.changed = self.offset
        live.changed_streaks.add(key)
        if not bookings:
            return
        name = entry_id("gift", live.id, *key)
        for booking in bookings:
            self.entries.append(
                Entry(
                    self.offset,
                    name + booking.suffix,
                    booking.occurred_at_ms,
                    streak.best.creator_id,
                    "gift",
                    booking.state,
                    booking.amount_micros,
                    f"live:{live.id}",
                    streak.best.rate_version,
                    booking.reason,
                )
            )
