"""The board of the workers: what they say of themselves at each scrape of Prometheus.

ClickHouse has what was counted; this has what is still to come, and what a worker does meanwhile.
"""

from __future__ import annotations

from dashboard.grafana_panels import Board, Panel, Series
from streams.metrics import (
    DEAD_LETTERS,
    DEDUP_BYTES,
    DELIVERY_RETRIES,
    FLUSH_SECONDS,
    LAG,
    PARTITIONS,
    READY,
    STAGE_EVENTS,
    STATE_BYTES,
    STATE_ITEMS,
    STUCK_SECONDS,
    UNFLUSHED,
    WATERMARK_DELAY,
    Metric,
)

STUCK_S = 60  # as in the alert EngageStuck


def _rate(counter: Metric) -> str:
    return f"rate({counter.series}[$__rate_interval])"


def _flush(share: float) -> str:
    bucket = f"{FLUSH_SECONDS.series}_bucket"
    return f"histogram_quantile({share}, sum by (le) (rate({bucket}[$__rate_interval])))"


_NOW = (
    Panel(
        "Workers",
        "Of those that answer: how many have the state of all their partitions, and how many partitions somebody owns.",
        "stat",
        8,
        (
            Series(f"sum({READY.series})", "ready"),
            Series(f"sum({PARTITIONS.series})", "partitions owned"),
        ),
    ),
    Panel(
        "Workers in trouble",
        f"Not ready: without the state of a partition. Stuck: no progress for {STUCK_S} s although there is work.",
        "stat",
        8,
        (
            Series(f"count({READY.series}) - sum({READY.series})", "not ready"),
            Series(f"sum({STUCK_SECONDS.series} > bool {STUCK_S})", "stuck"),
        ),
        warn_above=1,
    ),
    Panel(
        "Messages on their way",
        "Waiting in Kafka, and applied but not yet visible in ClickHouse.",
        "stat",
        8,
        (
            Series(f"sum({LAG.series})", "waiting"),
            Series(f"sum({UNFLUSHED.series})", "not yet visible"),
        ),
    ),
)
_FLOW = (
    Panel(
        "Messages per second by stage",
        "Applied to the state, visible in ClickHouse, saved in a checkpoint: all of them go at one pace, or a stage falls behind.",
        "timeseries",
        12,
        (Series(f"sum by (stage) ({_rate(STAGE_EVENTS)})", "{{stage}}"),),
        unit="cps",
    ),
    Panel(
        "Backlog",
        "Messages that are not yet applied, by topic. Grows while more come than the workers take.",
        "timeseries",
        12,
        (Series(f"sum by (topic) ({LAG.series})", "{{topic}}"),),
    ),
)
_DELAY = (
    Panel(
        "Event time behind the clock",
        "Of each topic's partitions the one that is furthest behind and the one that is least. Of a replayed log it is the log's age.",
        "timeseries",
        12,
        (
            Series(f"max by (topic) ({WATERMARK_DELAY.series})", "{{topic}}, most"),
            Series(f"min by (topic) ({WATERMARK_DELAY.series})", "{{topic}}, least"),
        ),
        unit="s",
    ),
    Panel(
        "Time of a flush",
        "From its snapshot to ClickHouse's last acknowledgement: half of the flushes took no longer, and 95 of 100.",
        "timeseries",
        12,
        (Series(_flush(0.5), "half"), Series(_flush(0.95), "95 of 100")),
        unit="s",
    ),
)
_FAULTS = (
    Panel(
        "Dead letters per second by reason",
        "Refused messages; only the reasons that there were in the time range.",
        "timeseries",
        12,
        (
            Series(
                # A worker has every reason from its start: those without a message would fill the legend.
                f"sum by (reason) ({_rate(DEAD_LETTERS)}) and "
                f"sum by (reason) (increase({DEAD_LETTERS.series}[$__range])) > 0",
                "{{reason}}",
            ),
        ),
        unit="cps",
        stacked=True,
    ),
    Panel(
        "Retries per second by worker",
        "Failed attempts to write to ClickHouse. Nothing is lost by them, but what people see stands still meanwhile.",
        "timeseries",
        12,
        (Series(f"sum by (instance) ({_rate(DELIVERY_RETRIES)})", "{{instance}}"),),
        unit="cps",
    ),
)
_MEMORY = (
    Panel(
        "State and remembered event ids",
        "Bytes by worker: the state's pages in the changelog, which a take-over reads, and the memory of the ids.",
        "timeseries",
        12,
        (
            Series(f"sum by (instance) ({STATE_BYTES.series})", "{{instance}}, state"),
            Series(f"sum by (instance) ({DEDUP_BYTES.series})", "{{instance}}, ids"),
        ),
        unit="bytes",
    ),
    Panel(
        "What the state holds",
        "Things in the state of all workers together.",
        "timeseries",
        12,
        (Series(f"sum by (item) ({STATE_ITEMS.series})", "{{item}}"),),
    ),
)

WORKERS = Board(
    "workers",
    "engage: workers",
    "What the workers say of themselves: do they keep up, what slows them, what do they hold.",
    ((5, _NOW), (9, _FLOW), (9, _DELAY), (9, _FAULTS), (9, _MEMORY)),
    since="now-1h",
)
