"""Rows of the ClickHouse tables: one model per base table, the contract between worker and sink.

Every row is the whole value of its key, never a difference, and carries in `version` the
incarnation of its topic (above bit 40) and the offset of the last event that changed it.
Writing a row twice, late or in another block therefore changes nothing.

The Python value of a time is an integer (milliseconds, or seconds where the field says so): the
hot path never builds datetimes. `clickhouse_types` gives the column types that the migrations
declare; a test holds the two together.
"""

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field

INT64_MAX = 2**63 - 1
UINT64_MAX = 2**64 - 1
UINT32_MAX = 2**32 - 1
TIME_MS_MAX = 4_102_444_800_000
NO_SCORE = -1e308  # stands for log2 of nothing: minus infinity is not a value to sort or add by


class ColumnType(str):
    """Annotation of a field: the ClickHouse type of its column."""

    __slots__ = ()


Text = Annotated[str, ColumnType("String")]
Raw = Annotated[bytes, ColumnType("String")]
Word = Annotated[str, ColumnType("LowCardinality(String)")]
Texts = Annotated[list[str], ColumnType("Array(String)")]
Number = Annotated[int, Field(ge=-INT64_MAX, le=INT64_MAX), ColumnType("Int64")]
Natural = Annotated[int, Field(ge=0, le=UINT64_MAX), ColumnType("UInt64")]
Small = Annotated[int, Field(ge=0, le=UINT32_MAX), ColumnType("UInt32")]
Flag = Annotated[int, Field(ge=0, le=1), ColumnType("UInt8")]
Real = Annotated[float, Field(allow_inf_nan=False), ColumnType("Float64")]
Milliseconds = Annotated[int, Field(ge=0, le=TIME_MS_MAX), ColumnType("DateTime64(3, 'UTC')")]
Seconds = Annotated[int, Field(ge=0, le=TIME_MS_MAX // 1000), ColumnType("DateTime('UTC')")]
Days = Annotated[int, Field(ge=0, le=TIME_MS_MAX // 86_400_000), ColumnType("Date")]
OptionalMilliseconds = Annotated[
    int | None,
    Field(ge=0, le=TIME_MS_MAX),
    ColumnType("Nullable(DateTime64(3, 'UTC'))"),
]
Counts = Annotated[dict[str, int], ColumnType("Map(LowCardinality(String), UInt64)")]


class Row(BaseModel):
    """Base of all rows: strict, frozen, no unknown columns."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Counters(Row):
    """The counters of a window or a total; corrections may make one negative."""

    impressions: Number
    views: Number
    qualified_views: Number
    watch_ms: Number
    completions: Number
    likes: Number
    unlikes: Number
    comments: Number
    replies: Number
    shares: Number
    favorites: Number
    follows: Number
    profile_views: Number
    not_interested: Number
    reports: Number
    gifts: Number
    gift_coins: Number


COUNTERS: tuple[str, ...] = tuple(Counters.model_fields)


class WindowKey(Row):
    """Key of a minute: `pane` is the version that opened it, a cell may have several panes."""

    window_start: Seconds
    kind: Word
    subject_id: Text
    creator_id: Text
    source: Small
    pane: Natural


class Window(Counters, WindowKey):
    """One pane of one minute of one video or live, from one partition."""

    version: Natural


class VideoHead(Row):
    """What a video is, before its counters."""

    video_id: Text
    source: Small
    creator_id: Text
    content_type: Word
    duration_ms: Number
    published_at: Milliseconds
    is_original: Flag
    is_promoted: Flag
    hashtags: Texts
    sound_id: Text
    challenge_id: Text
    collaborators: Texts
    product_ids: Texts


class VideoTotal(Counters, VideoHead):
    """A video's metadata, totals, registers and scores, from one partition.

    `score` is log2 of the sum of weight * 2^(time / half-life), so it compares at any reading
    time; NO_SCORE where that sum is not above zero.
    """

    net_likes: Number
    net_favorites: Number
    unique_viewers: Number
    pool: Word
    score: Real
    fast_score: Real
    half_life_ms: Number
    fast_half_life_ms: Number
    weights_version: Word
    version: Natural


class LiveHead(Row):
    """What a live session is, before its counters."""

    live_id: Text
    source: Small
    creator_id: Text
    started_at: Milliseconds
    ended_at: Milliseconds


class LiveTotal(Counters, LiveHead):
    """A live session's totals, from one partition."""

    unique_viewers: Number
    viewers_now: Number
    version: Natural


class Follow(Row):
    """One partition's last word on whether a user follows a creator."""

    creator_id: Text
    user_id: Text
    source: Small
    following: Flag
    event_time_ms: Number
    event_id: Text
    version: Natural


class GiftStreak(Row):
    """A gift streak at its best frame; `state` is open, final or refunded."""

    live_id: Text
    user_id: Text
    gift_id: Text
    group_id: Text
    source: Small
    creator_id: Text
    occurred_at: Milliseconds
    repeat_count: Number
    coins: Number
    order_ids: Texts
    state: Word
    version: Natural


class Estimate(Row):
    """Money expected but not booked; cumulative under its key, an amount of 0 means gone."""

    entry_id: Text
    occurred_at: Milliseconds
    creator_id: Text
    source: Word
    state: Word
    amount_micros: Number
    currency: Word
    reference: Text
    rate_version: Word
    version: Natural


class LedgerEntry(Row):
    """Booked money. Never changes: a correction is another entry."""

    entry_id: Text
    occurred_at: Milliseconds
    creator_id: Text
    source: Word
    state: Word
    amount_micros: Number
    currency: Word
    reference: Text
    rate_version: Word
    reason: Word
    version: Natural


class Explanation(Row):
    """The arithmetic behind an entry that settlement booked: JSON of [label, value, unit, note]."""

    entry_id: Text
    text: Text
    version: Natural


class Settlement(Row):
    """A program's day that is settled: its estimates are no longer shown."""

    source: Word
    day: Days
    settled_at: Milliseconds
    rate_version: Word
    version: Natural


class LateEvent(Row):
    """An event that came after the horizon, and the cell it would have counted in."""

    source: Small
    offset: Natural
    window_start: Seconds
    kind: Word
    subject_id: Text
    type: Word
    event_time: Milliseconds
    version: Natural


class DeadLetterRow(Row):
    """A message that could not be used, with its raw bytes."""

    topic: Word
    partition: Small
    offset: Natural
    stage: Word
    reason: Word
    detail: Text
    raw: Raw
    event_time: OptionalMilliseconds
    recorded_at: Milliseconds
    version: Natural


class Boost(Row):
    """A promotion decision."""

    video_id: Text
    pool: Word
    verdict: Word
    decided_at: Milliseconds
    weights_version: Word
    version: Natural


class PartitionState(Row):
    """How far a partition is counted: `position` is the next offset."""

    topic: Word
    partition: Small
    position: Natural
    max_event_time: Milliseconds
    messages: Natural
    counted: Natural
    duplicates: Natural
    suppressed: Natural
    late: Natural
    dead_letters: Natural
    unknown_fields: Natural
    by_type: Counts
    version: Natural


TABLES: dict[str, type[Row]] = {
    "windows_1m": Window,
    "video_totals": VideoTotal,
    "live_totals": LiveTotal,
    "follows": Follow,
    "gift_streaks": GiftStreak,
    "ledger": LedgerEntry,
    "estimates": Estimate,
    "settlements": Settlement,
    "explanations": Explanation,
    "late": LateEvent,
    "dead_letters_log": DeadLetterRow,
    "boosts_log": Boost,
    "partitions": PartitionState,
}


def clickhouse_types(model: type[Row]) -> dict[str, str]:
    """Column names of a row and their ClickHouse types, in the order of the table."""
    hints: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        hints.update(getattr(base, "__annotations__", {}))
    return {name: _column_type(name, hints[name]) for name in model.model_fields}


def _column_type(name: str, annotation: object) -> str:
    for note in get_args(annotation)[1:]:
        if isinstance(note, ColumnType):
            return str(note)
    raise TypeError(f"column {name} has no ClickHouse type")


COLUMNS: dict[str, tuple[str, ...]] = {
    table: tuple(clickhouse_types(model)) for table, model in TABLES.items()
}
