"""Every metric that a worker exposes: its name, kind, unit and meaning, in the one place that has them.

Names follow Prometheus: base units (seconds, bytes) last, `_total` is added to counters. A counter
counts what this process did since it started; a gauge is what holds at the moment of the scrape.
`deploy/prometheus/alerts.yml` may use these names and those of the client's process collector only.
"""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """How a metric is to be read."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """One metric; its name carries the unit where that is not a plain number of things."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def series(self) -> str:
        """Return the name as queries use it."""
        return f"{self.name}_total" if self.kind is Kind.COUNTER else self.name


_PLACE = ("topic", "partition")

STAGE_EVENTS = Metric(
    "engage_stage_events",
    Kind.COUNTER,
    "messages",
    "Messages that passed a stage: applied to the state, visible in ClickHouse, saved in a checkpoint",
    ("topic", "stage"),
)
STAGE_SECONDS = Metric(
    "engage_stage_seconds",
    Kind.COUNTER,
    "seconds",
    "Time spent in a stage: decode, apply, rows, deliver (to ClickHouse), save (a checkpoint)",
    ("stage",),
)
EVENTS = Metric(
    "engage_events",
    Kind.COUNTER,
    "messages",
    "Messages by what became of them: duplicates, suppressed, late, dead_letters, or counted",
    ("topic", "fate"),
)
DEAD_LETTERS = Metric(
    "engage_dead_letters",
    Kind.COUNTER,
    "messages",
    "Refused messages by reason (schemas/failures.py)",
    ("topic", "reason"),
)
ROWS = Metric("engage_rows", Kind.COUNTER, "rows", "Rows that ClickHouse acknowledged", ("table",))
DELIVERY_RETRIES = Metric(
    "engage_delivery_retries", Kind.COUNTER, "attempts", "Failed attempts to write to ClickHouse"
)
STACK_DUMPS = Metric(
    "engage_stack_dumps",
    Kind.COUNTER,
    "dumps",
    "Times that all stacks were written to the log because nothing moved although there was work",
)
FLUSH_SECONDS = Metric(
    "engage_flush_seconds",
    Kind.HISTOGRAM,
    "seconds",
    "How long a flush took, from its snapshot to its last acknowledgement",
)
LAG = Metric(
    "engage_consumer_lag_messages",
    Kind.GAUGE,
    "messages",
    "Messages in the partition that are not yet applied, as of the last fetch",
    _PLACE,
)
UNFLUSHED = Metric(
    "engage_unflushed_messages",
    Kind.GAUGE,
    "messages",
    "Messages applied but not yet visible in ClickHouse",
    _PLACE,
)
WATERMARK_DELAY = Metric(
    "engage_watermark_delay_seconds",
    Kind.GAUGE,
    "seconds",
    "How far the partition's event time is behind the clock; absent before its first event",
    _PLACE,
)
PARTITIONS = Metric(
    "engage_partitions", Kind.GAUGE, "partitions", "Partitions that this worker owns", ("topic",)
)
STATE_ITEMS = Metric(
    "engage_state_items",
    Kind.GAUGE,
    "items",
    "What the state holds: videos, lives, open_panes, streak_deadlines, invalidated, followed_creators",
    ("topic", "item"),
)
STATE_BYTES = Metric(
    "engage_state_bytes",
    Kind.GAUGE,
    "bytes",
    "Size of the pages in the changelog that are alive, which a take-over reads",
    _PLACE,
)
DEDUP_IDS = Metric(
    "engage_dedup_ids", Kind.GAUGE, "ids", "Event ids remembered inside the horizon", _PLACE
)
DEDUP_BYTES = Metric(
    "engage_dedup_bytes", Kind.GAUGE, "bytes", "Memory of the remembered event ids", _PLACE
)
READY = Metric("engage_ready", Kind.GAUGE, "bool", "1 while every assigned partition has its state")
STUCK_SECONDS = Metric(
    "engage_stuck_seconds",
    Kind.GAUGE,
    "seconds",
    "How long there has been work without any progress; 0 while it moves or rests",
)

METRICS = (
    *(STAGE_EVENTS, STAGE_SECONDS, EVENTS, DEAD_LETTERS, ROWS, DELIVERY_RETRIES, STACK_DUMPS),
    *(FLUSH_SECONDS, LAG, UNFLUSHED, WATERMARK_DELAY, PARTITIONS, STATE_ITEMS, STATE_BYTES),
    *(DEDUP_IDS, DEDUP_BYTES, READY, STUCK_SECONDS),
)
