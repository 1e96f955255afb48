"""Grafana's board for who keeps this running."""

from __future__ import annotations

from dashboard.grafana_panels import Board, Panel

OPERATIONS = Board(
    "operations",
    "engage: operations",
    "What an operator looks at first: is everything read, is anything refused, do the tables stay small.",
    (
        (
            5,
            (
                Panel(
                    "Event time behind the newest",
                    "Of the slowest partition. Idle partitions go on by ticks, so this stays small.",
                    "stat",
                    6,
                    """SELECT dateDiff('second', min(max_event_time), max(max_event_time)) AS behind
                    FROM partitions FINAL""",
                    unit="s",
                    warn_above=120,
                ),
                Panel(
                    "Messages that were not counted",
                    "Dead letters and late events, as a share of all messages.",
                    "stat",
                    6,
                    """SELECT if(sum(messages) = 0, 0, sum(dead_letters) / sum(messages)) AS dead_letters,
                    if(sum(messages) = 0, 0, sum(p.late) / sum(messages)) AS late
                    FROM partitions AS p FINAL""",
                    unit="percentunit",
                    warn_above=0.01,
                ),
                Panel(
                    "Messages with unknown fields",
                    "They are counted, what is unknown is ignored: a producer may be newer than this version.",
                    "stat",
                    6,
                    "SELECT sum(unknown_fields) AS messages FROM partitions FINAL",
                ),
                Panel(
                    "Last settled day",
                    "Per program: `engage settle` books a day when all partitions have passed it.",
                    "table",
                    6,
                    "SELECT source, max(day) AS settled FROM settlements FINAL GROUP BY source ORDER BY source",
                ),
            ),
        ),
        (
            9,
            (
                Panel(
                    "Partitions",
                    "Next offset, newest event, and what became of the messages. `position` less the group's committed offset is never below 0.",
                    "table",
                    14,
                    """SELECT topic, p.partition AS partition, position, max_event_time, messages, counted,
                    duplicates, suppressed, late, dead_letters FROM partitions AS p FINAL
                    ORDER BY topic, partition""",
                ),
                Panel(
                    "Dead letters as they came",
                    "By the time at which they were written, by reason.",
                    "timeseries",
                    10,
                    """SELECT $__timeInterval(recorded_at) AS time, reason, count() AS letters
                    FROM dead_letters_log FINAL WHERE $__timeFilter(recorded_at)
                    GROUP BY time, reason ORDER BY time""",
                    stacked=True,
                ),
            ),
        ),
        (
            9,
            (
                Panel(
                    "Tables",
                    "Rows, bytes on the disk and parts. Hundreds of parts in one table mean that merges do not keep up.",
                    "table",
                    14,
                    """SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts,
                    uniqExact(partition) AS partitions FROM system.parts
                    WHERE database = currentDatabase() AND active GROUP BY table ORDER BY bytes DESC""",
                ),
                Panel(
                    "Late events by hour of their window",
                    "How far back late events reach.",
                    "timeseries",
                    10,
                    """SELECT toStartOfHour(window_start) AS time, sum(events) AS late FROM late_events
                    WHERE $__timeFilter(window_start) GROUP BY time ORDER BY time""",
                ),
            ),
        ),
    ),
    since="now-24h",
)
