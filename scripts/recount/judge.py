"""Rules 1, 2, 3 and 10: what becomes of each message of one partition, in the log's order.

Of rule 10 only the names are settled here: which counted messages are taken back. The counting
(count.py) then leaves those out, as if they had never been sent; they still moved the event time
and made their copies duplicates, for those decisions are not counts. The edges, as decided here:

- What `targets` says is taken back: targets are the original events, whole. Here the message that
  was counted is left out instead, which is the same as long as they are; of a target that differs
  from its first copy (other than in its time, below) the recount would still remove the first copy.
- An id that was counted, forgotten and counted again stands for several messages; those with the
  target's event time are meant. (Metadata and money are never late, so their copies count again.)
- A target that never came, within the horizon: when it comes, it is suppressed. Should it come
  after the horizon passed, it is late.
- Copies of an event that come after its invalidation are suppressed, not duplicates: as if the
  first had never been sent, so there is nothing to be a copy of.
- A target that never came, or that was late, older than the horizon: nobody can tell it from a
  counted one that was forgotten, so it is taken as counted. Its counters, its play and its score,
  as `targets` tell them, are subtracted although they were never added ("phantom"). Registers and
  qualified pairs hold ids, so there is nothing of it to take out.
- An id is invalidated once, for ever: naming it again, in the same message or years later, does
  nothing. The same for an id whose event was suppressed.
- An invalidation cannot be invalidated (no such target type), nor can gifts and lives.
"""

from schemas.base import ControlEvent, UserKeyed
from schemas.events import EVENT_TYPES, Invalidated, PydanticEvent, VideoTarget, parse_event
from schemas.refusals import EventError
from scripts.recount.model import HOUR_MS, Fate, Message, Record, Rules

# Money and metadata are idempotent by keys of their own (rule 2); a signed deal is money too.
NEVER_LATE = frozenset(
    {
        "video_published",
        "gift",
        "gift_refunded",
        "live_started",
        "live_ended",
        "invalidated",
        "deal_signed",
        "tick",
    }
)
BEFORE_ALL_TIME_MS = -1


class Judge:
    """Judges the messages of one partition; give it every record once, in offset order.

    After the last record, `taken_back` holds the offsets of counted messages that were invalidated
    and `phantoms` the targets that were taken as counted without having been.
    """

    def __init__(self, rules: Rules) -> None:
        self.max_event_time_ms = BEFORE_ALL_TIME_MS
        self.taken_back: set[int] = set()
        self.phantoms: list[VideoTarget] = []
        self._rules = rules
        # subject -> event id -> (event time, offset) of the copy that stands; never emptied
        self._first_copies: dict[str, dict[str, tuple[int, int]]] = {}
        # the same of copies that were counted before, and forgotten; hardly ever any
        self._older_copies: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self._invalidated: set[tuple[str, str]] = set()

    def judge(self, record: Record) -> Message:
        """Decide one record's fate."""
        try:
            event = parse_event(record.value)
        except EventError as error:
            refused = ("decode", str(error.reason), error.detail)
            return self._message(record, None, Fate.DEAD_LETTER, refused)
        reason, detail = self._refuse(event, record)
        if reason:
            refused = ("admission", reason, detail)
            return self._message(record, event, Fate.DEAD_LETTER, refused)
        self.max_event_time_ms = max(self.max_event_time_ms, event.event_time_ms)
        fate = self._fate(event, record.offset)
        if fate is Fate.COUNTED and isinstance(event, Invalidated):
            self._invalidate(event)
        return self._message(record, event, fate, ("", "", ""))

    def _message(
        self, record: Record, event: PydanticEvent | None, fate: Fate, why: tuple[str, str, str]
    ) -> Message:
        return Message(record, fate, event, *why, self.max_event_time_ms)

    def _refuse(self, event: PydanticEvent, record: Record) -> tuple[str, str]:
        """Rule 1, admission: return the reason and the detail, or nothing."""
        if not belongs_to(event, record.topic):
            return "wrong_topic", ""
        if record.key != subject_of(event).encode():
            return "wrong_key", ""
        if event.event_time_ms > record.timestamp_ms + self._rules.ahead_ms_max:
            return "future_event_time", ""
        if event.type == "gift" and self._rules.rates.gift(event.event_time_ms) is None:
            return "missing_rate", "no gift rate then"
        if event.type == "gift" and self._rules.rates.refuses_unknown_gifts:
            row = self._rules.rates.catalogue(
                event.gift_id, event.event_time_ms, self._rules.region
            )
            if row is None:
                place = f"region {self._rules.region}"
                return "unknown_gift", f"not in the gift_catalogue of {place} then"
            if row.coins != event.coins:
                return "price_mismatch", f"{event.coins} coins; {row.version} says {row.coins}"
        if event.type == "invalidated":
            for target in event.targets:
                if target.video_id != event.video_id:
                    return "target_mismatch", f"target {target.id} is of video {target.video_id}"
        return "", ""

    def _fate(self, event: PydanticEvent, offset: int) -> Fate:
        """Rules 2 and 3, in this order: late, suppressed, duplicate, counted."""
        horizon = self.max_event_time_ms - self._rules.horizon_ms
        if event.event_time_ms < horizon and may_be_late(event):
            return Fate.LATE
        subject = subject_of(event)
        if (subject, event.id) in self._invalidated:
            return Fate.SUPPRESSED
        if self._remembers(subject, event.id):
            return Fate.DUPLICATE
        copies = self._first_copies.setdefault(subject, {})
        if event.id in copies:
            self._older_copies.setdefault((subject, event.id), []).append(copies[event.id])
        copies[event.id] = (event.event_time_ms, offset)
        return Fate.COUNTED

    def _remembers(self, subject: str, event_id: str) -> bool:
        """Rule 3: an hour's ids are forgotten once its end is not after the horizon."""
        copy = self._first_copies.get(subject, {}).get(event_id)
        if copy is None:
            return False
        event_time_ms, _ = copy
        hour_end_ms = (event_time_ms // HOUR_MS + 1) * HOUR_MS
        return hour_end_ms > self.max_event_time_ms - self._rules.horizon_ms

    def _invalidate(self, event: Invalidated) -> None:
        """Rule 10; see the top of this file."""
        horizon = self.max_event_time_ms - self._rules.horizon_ms
        for target in event.targets:
            name = (event.video_id, target.id)
            if name in self._invalidated:
                continue
            self._invalidated.add(name)
            copy = self._first_copies.get(event.video_id, {}).get(target.id)
            if copy is not None:
                copies = [*self._older_copies.get(name, []), copy]
                meant = [copy for copy in copies if copy[0] == target.event_time_ms]
                self.taken_back.update(offset for _, offset in meant or copies[-1:])
            elif target.event_time_ms < horizon:
                self.phantoms.append(target)


def subject_of(event: PydanticEvent) -> str:
    """Return the id that an event's record must have as its key."""
    subject: str = getattr(event, EVENT_TYPES[event.type].key_field)
    return subject


def belongs_to(event: PydanticEvent, topic: str) -> bool:
    """Tell whether an event is in the right topic; a tick is in each."""
    return isinstance(event, ControlEvent) or EVENT_TYPES[event.type].topic == topic


def may_be_late(event: PydanticEvent) -> bool:
    """Rule 2: some types have no lateness limit; a tick only moves the event time."""
    return not isinstance(event, UserKeyed) and event.type not in NEVER_LATE
