"""Top lists: of the real log at the end of each day, and the same rows read at two times."""

from __future__ import annotations

import random
from collections import defaultdict
from math import log, log2
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from scripts.logs import open_log
from scripts.recount import recount
from scripts.recount.checks import top_windows_check, trending_check, windows_check
from scripts.recount.compare import compare
from scripts.recount.model import DAY_MS
from sinks.embedded import EmbeddedClickHouse
from sinks.writer import Writer
from tests.oracle import records_from_lines
from tests.oracle.events import event, line_of
from tests.simulation.core import by_partition, new_core
from tests.simulation.ruleset import rule_set
from tests.unit.clickhouse_rows import HOUR_MS, Row, Tables, rows, video

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
    start, short_rows = 0, 0
    with Writer(clickhouse.url, migrated) as writer:
        for end in ends:
            for tp, run in by_partition(records[start:end]).items():
                cores[tp].apply(run)
                for table, columns in cores[tp].flush().items():
                    writer.write(table, columns)
            expected = recount(records[:end], RULES.plain)
            checks = (trending_check, windows_check, top_windows_check)
            for check in (one(expected) for one in checks):
                report = compare(check, rows(client, check.sql))
                assert report.differences == [], check.view
                if check.view == "top_windows":  # a minute of so small a log may be without any
                    short_rows += report.rows
                else:
                    assert report.rows
            start = end
    assert short_rows


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


def test_points_that_halved_until_a_float_holds_no_more_are_those_of_the_audit(
    client: Client, clickhouse: EmbeddedClickHouse, migrated: str
) -> None:
    """After 1,022 half-lives a float loses bits, and at 1,075 the last: who rounds how is no difference."""
    fast_ms = RULES.pipeline.weights.fast_half_life_ms
    likes = [event("like", at=-ago * fast_ms, video_id=f"v{ago}") for ago in range(1_100, 999, -1)]
    records = records_from_lines(map(line_of, [*likes, event("like", video_id="now")]), 1)
    (core,) = (new_core(tp, RULES.pipeline) for tp in by_partition(records))
    core.apply(records)
    with Writer(clickhouse.url, migrated) as writer:
        for table, columns in core.flush().items():
            writer.write(table, columns)
    check = trending_check(recount(records, RULES.plain))
    found = rows(client, check.sql)
    assert compare(check, found).differences == []
    velocities = {row[1]: row[3] for row in found if row[0] == "video"}
    assert velocities["v1000"] > 1e-305
    assert 0 <= velocities["v1099"] < 1e-320


def test_the_short_windows_are_what_plain_counting_says(
    client: Client, tables: Tables, rng: random.Random
) -> None:
    """Of events told twice, invalidated ones and rows in any order, in blocks of any size."""
    newest_ms = 1_741_600_000_000 + rng.randrange(120_000)
    entities = {
        "a": {("video", "a"), ("creator", "c"), ("hashtag", "x"), ("hashtag", "y")},
        "b": {("video", "b"), ("creator", "c"), ("hashtag", "x"), ("sound", "s")},
        "d": {("video", "d"), ("creator", "c-d")},  # never published
    }
    tables.write(
        "video_totals",
        video("a", creator_id="c", hashtags=["x", "y", "x"], published_at=1),
        video("b", creator_id="c", hashtags=["x"], sound_id="s", published_at=1),
        video("d"),
        video("quiet", creator_id="c", hashtags=["x"]),
    )
    partitions = [{"topic": "t", "partition": n, "version": 1} for n in range(2)]
    tables.write("partitions", partitions[0] | {"max_event_time": newest_ms - 70_000})
    tables.write("partitions", partitions[1] | {"max_event_time": newest_ms})
    kinds = ("like", "comment", "share", "favorite", "follow", "reply")
    written: list[Row] = []
    standing: list[Row] = []
    for number in range(400):
        act: Row = {
            "video_id": rng.choice("aabd"),
            "user_id": f"u{rng.randrange(12)}",
            "event_id": f"e{number}",
            "type": rng.choice(kinds),
            "event_time": newest_ms - rng.randrange(-20_000, 400_000) // rng.choice((1, 5_000)),
            "creator_id": "c",
            "counted": 1,
            "version": number,
        }
        written.append(act)
        if rng.random() < 0.2:
            written.append(act | {"counted": 0, "version": number + 1_000, "type": "like"})
        else:
            standing.append(act)
    written += rng.choices(written, k=200)
    rng.shuffle(written)
    while written:
        size = rng.randrange(1, 200)
        tables.write("engagements", *written[:size])
        del written[:size]
    last_ms = newest_ms - newest_ms % 5_000
    wanted: dict[tuple[int, str, str], list[str]] = defaultdict(list)
    for end_ms in range(last_ms - 295_000, last_ms + 1, 5_000):
        for act in standing:
            if act["type"] != "reply" and end_ms - 60_000 <= act["event_time"] < end_ms:
                for entity in entities[act["video_id"]]:
                    wanted[end_ms, *entity].append(act["user_id"])
    shown = rows(
        client,
        "SELECT toUnixTimestamp(window_end) * 1000, kind, entity_id, engagements, users, rank "
        "FROM top_windows ORDER BY ALL",
    )
    assert {row[:3]: row[3:5] for row in shown} == {
        key: (len(users), len(set(users))) for key, users in wanted.items()
    }
    assert len({row[0] for row in shown}) == 60
    for window in {row[:2] for row in shown}:
        ranked = sorted((row for row in shown if row[:2] == window), key=lambda row: row[5])
        assert [row[5] for row in ranked] == list(range(1, len(ranked) + 1))
        assert ranked == sorted(ranked, key=lambda row: (-row[3], -row[4], row[2]))
