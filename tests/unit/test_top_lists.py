"""Top lists: of the real log at the end of each day, and the same rows read at two times."""

from __future__ import annotations

import random
from math import log, log2
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from scripts.logs import open_log
from scripts.recount import recount
from scripts.recount.checks import trending_check, windows_check
from scripts.recount.compare import compare
from scripts.recount.model import DAY_MS
from sinks.embedded import EmbeddedClickHouse
from sinks.writer import Writer
from tests.oracle import records_from_lines
from tests.simulation.core import by_partition, new_core
from tests.simulation.ruleset import rule_set
from tests.unit.clickhouse_rows import HOUR_MS, Tables, rows, video

PARTITIONS = 4
DAYS = 7
RULES = rule_set()


@pytest.mark.data
@pytest.mark.slow
def test_lists_at_the_end_of_each_day_are_those_of_the_audit(
    data_dir: Path, client: Client, clickhouse: EmbeddedClickHouse, migrated: str
) -> None:
    """What stands in ClickHouse when a day has been counted, against a recount of the log so far."""
    log_file = open_log(data_dir / "kuairand_log.csv.gz", "kuairand")
    taken = list(log_file.records())
    days = [0 if r.event_time_ms is None else r.event_time_ms // DAY_MS for r in taken]
    assert days == sorted(days)
    records = records_from_lines((r.value for r in taken), PARTITIONS)
    cores = {tp: new_core(tp, RULES.pipeline) for tp in by_partition(records)}
    ends = [i for i in range(1, len(days)) if days[i] != days[i - 1]] + [len(days)]
    assert len(ends) == DAYS
    start = 0
    with Writer(clickhouse.url, migrated) as writer:
        for end in ends:
            for tp, run in by_partition(records[start:end]).items():
                cores[tp].apply(run)
                for table, columns in cores[tp].flush().items():
                    writer.write(table, columns)
            expected = recount(records[:end], RULES.plain)
            for check in (trending_check(expected), windows_check(expected)):
                report = compare(check, rows(client, check.sql))
                assert report.differences == [], check.view
                assert report.rows
            start = end


def test_the_same_rows_read_at_two_times_are_what_recomputing_says(
    client: Client, tables: Tables, rng: random.Random
) -> None:
    """Scores and ranks stay, velocities are those of the events as of the reading time."""
    start_ms = 1_741_600_000_000
    events = {
        f"v{n}": [
            (rng.choice((1.0, 7.0, 60.0)), start_ms + rng.randrange(20 * HOUR_MS)) for _ in range(5)
        ]
        for n in range(30)
    }

    def left(name: str, half_life_ms: int, at_ms: int) -> float:
        return sum(w * 2 ** ((t - at_ms) / half_life_ms) for w, t in events[name])

    def stored(name: str, half_life_ms: int) -> float:
        return log2(left(name, half_life_ms, start_ms)) + start_ms / half_life_ms

    tables.write(
        "video_totals",
        *(
            video(name, score=stored(name, 6 * HOUR_MS), fast_score=stored(name, HOUR_MS))
            for name in events
        ),
    )
    seen = []
    for version, hours in ((1, 20), (2, 44)):
        now_ms = start_ms + hours * HOUR_MS
        tables.write("partitions", {"topic": "t", "max_event_time": now_ms, "version": version})
        shown = rows(
            client,
            "SELECT entity_id, score, velocity, acceleration FROM trending_now "
            "WHERE kind = 'video' ORDER BY rank",
        )
        order = sorted(events, key=lambda name: -left(name, 6 * HOUR_MS, now_ms))
        assert [row[0] for row in shown] == order, "as if every score were decayed again"
        for name, _, velocity, acceleration in shown:
            fast = left(name, HOUR_MS, now_ms) * log(2)
            slow = left(name, 6 * HOUR_MS, now_ms) * log(2) / 6
            assert velocity == pytest.approx(fast, rel=1e-6)
            gained = (fast - slow) * log(2) / 5
            assert acceleration == pytest.approx(gained, rel=1e-6, abs=1e-6 * (fast + slow))
        seen.append([row[:2] for row in shown])
    assert seen[0] == seen[1]
