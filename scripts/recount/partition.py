"""One partition, from its records to what each of its subjects adds up to.

Two readings of the same records: the first only finds out which messages were invalidated in the
end (judge.py), the second counts as if those had never been sent.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.base import LiveEvent, VideoEvent
from schemas.events import Follow, Gift, GiftRefunded, PydanticEvent, Unfollow, VideoTarget
from scripts.recount.acts import ActCount
from scripts.recount.boosts import Boost, boosts_of
from scripts.recount.facts import FactCount, Facts
from scripts.recount.gifts import Entry, Gifts
from scripts.recount.judge import BEFORE_ALL_TIME_MS, Judge, subject_of
from scripts.recount.lives import AnyLiveEvent, Live, LiveSums
from scripts.recount.model import MINUTE_MS, Fate, Message, Record, Rules
from scripts.recount.unknown import has_unknown_fields
from scripts.recount.videos import Counts, Register, Video, VideoSums, new_video, note_last

Subject = tuple[str, str]  # kind, id
AnySubjectEvent = VideoTarget | AnyLiveEvent
Cell = tuple[int, str, str]  # start of the minute in ms, kind, subject id
LateCell = tuple[int, str, str, str]  # the same, and the type


class DeadLetter(NamedTuple):
    """What must be known of a refused message."""

    stage: str
    reason: str
    detail: str
    raw: bytes
    event_time_ms: int | None


@dataclass(slots=True)
class Sums:
    """How many messages there were of each fate."""

    messages: int = 0
    counted: int = 0
    duplicates: int = 0
    suppressed: int = 0
    late: int = 0
    dead_letters: int = 0
    unknown_fields: int = 0
    max_event_time_ms: int = BEFORE_ALL_TIME_MS
    by_type: Counter[str] = field(default_factory=Counter)

    def add(self, message: Message) -> None:
        """Add one judged message."""
        self.messages += 1
        self.unknown_fields += has_unknown_fields(message)
        self.max_event_time_ms = message.max_event_time_ms
        self.counted += message.fate is Fate.COUNTED
        self.duplicates += message.fate is Fate.DUPLICATE
        self.suppressed += message.fate is Fate.SUPPRESSED
        self.late += message.fate is Fate.LATE
        self.dead_letters += message.fate is Fate.DEAD_LETTER
        if message.event is not None and message.fate is not Fate.DEAD_LETTER:
            self.by_type[message.event.type] += 1


@dataclass(slots=True)
class PartitionSums:
    """Everything that one partition adds up to, as plain dictionaries."""

    topic: str
    partition: int
    cells: dict[Cell, Counts] = field(default_factory=dict)
    creators: dict[Subject, set[str]] = field(default_factory=dict)  # all that events named
    videos: dict[str, VideoSums] = field(default_factory=dict)
    lives: dict[str, LiveSums] = field(default_factory=dict)
    follows: dict[str, Register] = field(default_factory=dict)  # creator -> user -> last word
    entries: list[Entry] = field(default_factory=list)
    late: Counter[LateCell] = field(default_factory=Counter)
    dead_letters: dict[int, DeadLetter] = field(default_factory=dict)  # by offset
    sums: Sums = field(default_factory=Sums)
    facts: Facts = field(default_factory=Facts)
    boosts: list[Boost] = field(default_factory=list)


class PartitionCount:
    """Counts the messages of one partition into its sums.

    `taken_back_so_far` are the offsets of messages invalidated up to the one being counted.
    """

    def __init__(
        self, topic: str, partition: int, rules: Rules, taken_back_so_far: Set[int]
    ) -> None:
        self._result = PartitionSums(topic, partition)
        self._facts = FactCount(partition, taken_back_so_far)
        self._videos: dict[str, Video] = {}
        self._lives: dict[str, Live] = {}
        self._gifts = Gifts(rules)
        self._acts = ActCount(rules)
        self._rules = rules

    def count(self, message: Message, *, taken_back: bool) -> None:
        """Count one judged message."""
        self._result.sums.add(message)
        event = message.event
        if message.fate is Fate.DEAD_LETTER or event is None:
            self._note_dead_letter(message)
            return
        self._gifts.advance(message.max_event_time_ms)
        self._acts.count(message)
        if message.fate is Fate.LATE:
            kind, subject_id = subject(event)
            self._result.late[minute_of(event), kind, subject_id, event.type] += 1
        if message.fate is not Fate.COUNTED:
            return
        self._facts.count(event, message.record.offset, in_the_end=not taken_back)
        if taken_back and isinstance(event, VideoEvent):
            self._video(event.video_id).forget(event, self._rules)
            self._add(event, "video", event.video_id, {})  # its creator was named
        elif isinstance(event, LiveEvent):
            self._count_live(event)
        elif isinstance(event, VideoEvent):
            self._count_video(event)

    def finish(self, phantoms: Iterable[VideoTarget]) -> PartitionSums:
        """Count what is known only at the log's end, and sum up."""
        for phantom in phantoms:
            video = self._video(phantom.video_id)
            self._add(phantom, "video", phantom.video_id, video.subtract(phantom, self._rules))
        for (live_id, *_), streak in self._gifts.streaks.items():
            best = streak.best
            coins = best.coins * best.repeat_count
            counts = {"gifts": best.repeat_count, "gift_coins": coins}
            self._add(best, "live", live_id, counts)
        result = self._result
        self._acts.finish()
        for video_id, acts in self._acts.acts.items():
            first_open = self._acts.first_open
            result.boosts += boosts_of(video_id, acts, self._rules.weights, first_open)
        result.facts = self._facts.facts
        result.entries = self._gifts.entries + self._gifts.estimates()
        result.videos = {name: video.sum_up() for name, video in self._videos.items()}
        result.lives = {name: live.sum_up() for name, live in self._lives.items()}
        return result

    def _note_dead_letter(self, message: Message) -> None:
        event = message.event
        self._result.dead_letters[message.record.offset] = DeadLetter(
            message.stage,
            message.reason,
            message.detail,
            message.record.value or b"",
            None if event is None else event.event_time_ms,
        )

    def _count_video(self, event: VideoTarget) -> None:
        video = self._video(event.video_id)
        self._add(event, "video", event.video_id, video.count(event, self._rules))
        if isinstance(event, Follow | Unfollow):
            register = self._result.follows.setdefault(event.creator_id, {})
            note_last(register, event.user_id, event, on=event.type == "follow")

    def _count_live(self, event: AnyLiveEvent) -> None:
        live = self._lives.setdefault(event.live_id, Live())
        self._add(event, "live", event.live_id, live.count(event))
        if isinstance(event, Gift):
            self._gifts.frame(event)
        elif isinstance(event, GiftRefunded):
            self._gifts.refund(event)

    def _video(self, video_id: str) -> Video:
        if video_id not in self._videos:
            self._videos[video_id] = new_video(self._rules)
        return self._videos[video_id]

    def _add(self, event: AnySubjectEvent, kind: str, subject_id: str, counts: Counts) -> None:
        self._result.creators.setdefault((kind, subject_id), set()).add(event.creator_id)
        if not counts:
            return
        cell = self._result.cells.setdefault((minute_of(event), kind, subject_id), {})
        for name, amount in counts.items():
            cell[name] = cell.get(name, 0) + amount


def minute_of(event: PydanticEvent) -> int:
    """Return the start of the event's minute (rule 4)."""
    return event.event_time_ms // MINUTE_MS * MINUTE_MS


def subject(event: PydanticEvent) -> Subject:
    """Return kind and id of what an event is about."""
    if isinstance(event, LiveEvent):
        return ("live", event.live_id)
    return ("video", subject_of(event))


def count_partition(
    topic: str,
    partition: int,
    read: Callable[[], Iterable[Record]],
    rules: Rules,
) -> PartitionSums:
    """Count one partition; `read` is called twice and must give the same records both times."""
    taken_back, phantoms = _invalidations(read(), rules)
    judge = Judge(rules)
    counting = PartitionCount(topic, partition, rules, judge.taken_back)
    for record in read():
        counting.count(judge.judge(record), taken_back=record.offset in taken_back)
    return counting.finish(phantoms)


def _invalidations(records: Iterable[Record], rules: Rules) -> tuple[set[int], list[VideoTarget]]:
    judge = Judge(rules)
    for record in records:
        judge.judge(record)
    return judge.taken_back, judge.phantoms
