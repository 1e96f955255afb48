"""What the worker keeps of a video and of a live: one object each, found once per event."""

from typing import NamedTuple

from schemas.wire import VideoPublished
from streams.dedup import subject_salt
from streams.gifts import Streak
from streams.promotion import Promotion
from streams.registers import Registers
from streams.scores import Decayed
from streams.viewers import Viewers
from streams.windows import ZERO, Pane

SOLD, SHARED = 1, 2  # bits: views of a video that sells products, that has collaborators
DURATIONS_MAX = 16

StreakKey = tuple[str, str, str]  # user_id, gift_id, group_id


class Published(NamedTuple):
    """One video_published event; the greatest (event_time_ms, event_id) stands."""

    event_time_ms: int
    event_id: str
    creator_id: str
    duration_ms: int
    content_type: str
    hashtags: tuple[str, ...]
    sound_id: str
    challenge_id: str
    is_original: bool
    is_promoted: bool
    collaborators: tuple[tuple[str, int], ...]
    product_ids: tuple[str, ...]

    @classmethod
    def of(cls, event: VideoPublished) -> "Published":
        """Return what is kept of the event."""
        return cls(
            event.event_time_ms,
            event.id,
            event.creator_id,
            event.duration_ms,
            event.content_type,
            tuple(event.hashtags),
            event.sound_id or "",
            event.challenge_id or "",
            event.is_original,
            event.is_promoted,
            tuple((c.creator_id, c.share_bps) for c in event.collaborators or ()),
            tuple(event.product_ids or ()),
        )


class Subject:
    """What videos and lives share: identity, panes and totals.

    `total` is the counters over all time as of the last flush; `gone` the minutes of panes that
    left memory since the last checkpoint. `changed` is the offset of the last event that changed
    anything, `shown` what it was at the last flush, `written` at the last checkpoint.
    """

    __slots__ = (
        "changed",
        "creator_id",
        "dirty",
        "gone",
        "id",
        "panes",
        "salt",
        "shown",
        "total",
        "written",
    )
    kind = ""

    def __init__(self, key: bytes) -> None:
        self.id = key.decode()
        self.salt = subject_salt(key)
        self.creator_id = ""
        self.panes: dict[int, Pane] = {}
        self.total = list(ZERO)
        self.gone: list[int] = []
        self.changed = -1
        self.shown = -1
        self.written = -1
        self.dirty = False

    def close(self, minute: int) -> None:
        """Let a pane leave memory; the total has all of it then."""
        pane = self.panes.pop(minute)
        if pane.dirty:
            pane.take_change(self.total)
        self.gone.append(minute)


class Video(Subject):
    """Everything about one video."""

    __slots__ = (
        "days",
        "days_changed_from",
        "durations_ms",
        "earns",
        "fact_bits",
        "fact_bits_ever",
        "fast_score",
        "favorites",
        "feeds",
        "half_lives_ms",
        "likes",
        "product_ids",
        "promotion",
        "published",
        "qualified",
        "score",
        "viewers",
    )
    kind = "video"

    def __init__(self, key: bytes, half_lives_ms: tuple[int, int]) -> None:
        super().__init__(key)
        self.half_lives_ms = half_lives_ms
        self.score = Decayed()
        self.fast_score = Decayed()
        self.viewers = Viewers()
        self.likes = Registers()
        self.favorites = Registers()
        self.promotion = Promotion(self.id)
        self.published: tuple[Published, ...] = ()  # sorted by (event_time_ms, event_id)
        self.product_ids: tuple[str, ...] = ()  # of the publication that stands
        self.fact_bits = 0  # which views of it are facts now: SOLD, SHARED
        self.fact_bits_ever = 0  # by any publication that ever stood: a view may be a fact by it
        self.durations_ms: dict[int, int] = {}  # views by the duration they told
        self.feeds: dict[str, int] = {}  # views by the feed that showed the video
        self.days: dict[int, int] = {}  # qualified views by UTC day number
        self.qualified = 0  # the sum of days
        self.days_changed_from: int | None = None  # first day whose estimate may have changed
        self.earns = False  # once published and above the reward threshold

    def publish(self, published: tuple[Published, ...]) -> None:
        """Set the publications, in order; the last one stands, and which views are facts by it."""
        self.published = published
        self.product_ids = published[-1].product_ids if published else ()
        is_shared = bool(published and published[-1].collaborators)
        self.fact_bits = (SOLD if self.product_ids else 0) | (SHARED if is_shared else 0)
        self.fact_bits_ever |= self.fact_bits

    def reestimate(self, day: int, floor_views: int) -> None:
        """Note that estimates from a day on may have changed.

        Whether a video ever earns is decided here, event by event, so that it does not depend on
        where flushes fall; below the threshold no rows are needed.
        """
        self.earns = self.earns or bool(self.published and self.qualified >= floor_views)
        if self.days_changed_from is None or day < self.days_changed_from:
            self.days_changed_from = day

    def note_duration(self, duration_ms: int, n: int) -> None:
        """Count a duration that no view has told before; of many only the longest are kept."""
        self.durations_ms[duration_ms] = n
        if len(self.durations_ms) > DURATIONS_MAX:
            del self.durations_ms[min(self.durations_ms)]

    def duration_ms_max(self) -> int:
        """Return the highest duration that a view told: the video's, if it was never published."""
        return max((ms for ms, views in self.durations_ms.items() if views > 0), default=0)

    @property
    def metadata(self) -> Published | None:
        """Return the publication that stands."""
        return self.published[-1] if self.published else None

    def log_scores(self) -> tuple[float, float]:
        """Return the log scores for the two half-lives."""
        half_life_ms, fast_half_life_ms = self.half_lives_ms
        return self.score.log_score(half_life_ms), self.fast_score.log_score(fast_half_life_ms)


class Live(Subject):
    """Everything about one live session."""

    __slots__ = (
        "changed_refunds",
        "changed_streaks",
        "changed_users",
        "ended_ms",
        "here",
        "joined",
        "presence",
        "refunded_orders",
        "started_ms",
        "streaks",
    )
    kind = "live"

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self.started_ms = 0
        self.ended_ms = 0
        self.here = 0  # users whose last of joined and left is joined
        self.joined: set[str] = set()
        self.presence: dict[str, tuple[int, str, bool]] = {}
        self.streaks: dict[StreakKey, Streak] = {}
        self.refunded_orders: set[str] = set()
        self.changed_users: set[str] = set()
        self.changed_streaks: set[StreakKey] = set()
        self.changed_refunds: set[str] = set()
