"""Rows of the ClickHouse tables: one model per base table, the contract between worker and sink.

Every row is the whole value of its key, never a difference, and carries in `version` the
incarnation of its topic (above bit 40) and the offset of the last event that changed it.
Writing a row twice, late or in another block therefore changes nothing.

The Python value of a time is an integer (milliseconds, or seconds where the field says so): the
hot path never builds datetimes. `clickhouse_types` gives the column types that the migrations
declare; a test holds the two together.
"""

from schemas.fact_rows import FACT_TABLES
from schemas.row_types import (
    Counts,
    Days,
    Flag,
    Milliseconds,
    Natural,
    Number,
    OptionalMilliseconds,
    Raw,
    Real,
    Row,
    Seconds,
    Small,
    Text,
    Texts,
    Word,
    clickhouse_types,
    columns_of,
)

__all__ = ["COLUMNS", "COUNTERS", "NO_SCORE", "TABLES", "Row", "clickhouse_types"]

NO_SCORE = -1e308  # stands for log2 of nothing: minus infinity is not a value to sort or add by


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
    feeds: Texts


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
    """Money expected but not booked; cumulative under its key, an amount of 0 means gone.

    `parts` are what each creator has of a shared amount, `creator:micros`; of one that is not shared
    there are none.
    """

    entry_id: Text
    occurred_at: Milliseconds
    creator_id: Text
    source: Word
    state: Word
    amount_micros: Number
    currency: Word
    reference: Text
    rate_version: Word
    parts: Texts
    version: Natural


class LedgerEntry(Row):
    """Booked money. Never changes: a correction is another entry.

    `rate_card` names all rates that might have applied, where settlement chose by facts; else empty.
    """

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
    rate_card: Word
    version: Natural


class Explanation(Row):
    """The arithmetic behind an entry that settlement booked: JSON of [label, value, unit, note]."""

    entry_id: Text
    text: Text
    version: Natural


class VideoEarnings(Row):
    """What a video has earned by so many booked entries as `version` says, estimates left out."""

    video_id: Text
    currency: Word
    amount_micros: Number
    version: Natural


class PayoutPlan(Row):
    """One entry of what a payout is to pay: JSON of a SettledEntry, under the plan's digest."""

    plan: Text
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
    """A decision about a video in a traffic pool, with the figures behind it.

    `measure` is what the pool goes by (a value, or a rate), between its bounds; the threshold is
    a quantile of the cohort. `pool_after` is the pool that the decision leaves the video in.
    """

    video_id: Text
    pool: Word
    verdict: Word
    decided_at: Milliseconds
    weights_version: Word
    decision_id: Text
    reason: Word
    measure: Real
    lower_bound: Real
    upper_bound: Real
    threshold: Real
    impressions: Number
    pool_after: Word
    version: Natural


class BurstRow(Row):
    """A burst of a hashtag, sound or challenge; `ended_at` of 0: it lasts. Not found again: counted 0."""

    kind: Word
    entity_id: Text
    began_at: Milliseconds
    ended_at: Milliseconds
    z: Real
    events: Real
    expected: Real
    rules_version: Word
    counted: Flag
    version: Natural


class BurstRun(Row):
    """Up to which event time bursts were looked for."""

    name: Word
    through: Milliseconds
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


class Heartbeat(Row):
    """Whose worker reads a partition, by its own clock, and how many messages it has not applied yet.

    No count depends on it: `version` is the time, in milliseconds.
    """

    topic: Word
    partition: Small
    beat_at: Milliseconds
    waiting: Natural
    stopped: Flag
    version: Natural


class ExperimentRow(Row):
    """What a simulated experiment found for one measure: means over worlds with 95 % intervals.

    `per_1000_likes` is 0 with `has_ratio` = 0 where the treatment did not change likes. Measures of
    money are in micro-USD.
    """

    experiment: Word
    question: Text
    treatment: Word
    group_name: Word
    measure: Word
    weights: Word
    seeds: Small
    control_mean: Real
    change: Real
    change_low: Real
    change_high: Real
    has_ratio: Flag
    per_1000_likes: Real
    per_1000_low: Real
    per_1000_high: Real
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
    "video_earnings": VideoEarnings,
    "payout_plans": PayoutPlan,
    "late": LateEvent,
    "dead_letters_log": DeadLetterRow,
    "boosts_log": Boost,
    "bursts_log": BurstRow,
    "burst_runs": BurstRun,
    "partitions": PartitionState,
    "heartbeats": Heartbeat,
    "experiments": ExperimentRow,
    **FACT_TABLES,
}


COLUMNS: dict[str, tuple[str, ...]] = {table: columns_of(model) for table, model in TABLES.items()}
