"""The public views: right for every order, repetition and split of the rows that were written."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.rows import COUNTERS, NO_SCORE
from tests.unit.clickhouse_rows import HOUR_MS, Row, Tables, rows, video

DAY_S = 86_400
START_S = 1_650_000_000 // DAY_S * DAY_S


def window(minute: int, subject: str, **more: Any) -> Row:
    return {
        "window_start": START_S + 60 * minute,
        "kind": "video",
        "subject_id": subject,
        "creator_id": f"c-{subject}",
        "version": 1,
        **more,
    }


def test_a_cell_adds_its_panes_and_partitions_up(client: Client, tables: Tables) -> None:
    tables.write("windows_1m", window(0, "a", pane=1, views=3, version=3))
    tables.write(
        "windows_1m",
        window(0, "a", pane=1, views=5, likes=1, version=7),
        window(0, "a", pane=9, views=-1, version=9),
        window(0, "a", source=2, views=10),
        window(0, "a", kind="live", views=100),
    )
    tables.write("windows_1m", window(0, "a", pane=1, views=4, version=5))
    query = "SELECT subject_id, creator_id, views, likes FROM engagement_1m WHERE kind = 'video'"
    assert rows(client, query) == [("a", "c-a", 14, 1)]


def test_a_cell_that_was_taken_back_is_not_shown(client: Client, tables: Tables) -> None:
    tables.write(
        "windows_1m",
        window(0, "a", pane=1, views=1),
        window(0, "a", pane=2, views=-1),
        window(1, "a", views=0),
        window(2, "a", unlikes=1),
    )
    for unit, shown in (("m", 1), ("h", 1), ("d", 1)):
        assert rows(client, f"SELECT count(), sum(views) FROM engagement_1{unit}") == [(shown, 0)]


def test_hours_and_days_are_sums_of_minutes(
    client: Client, tables: Tables, rng: random.Random
) -> None:
    """Random windows in random blocks, some written again with older or equal versions."""
    latest: dict[tuple[Any, ...], Row] = {}
    written: list[Row] = []
    for version in range(1, 600):
        row = window(
            rng.randrange(3 * 1440),
            rng.choice("abc"),
            source=rng.randrange(2),
            pane=rng.randrange(2),
            version=version,
            **{name: rng.choice([0, 0, 1, -1, 300, 10**12]) for name in COUNTERS},
        )
        if rng.random() < 0.3 and latest:
            key = rng.choice(list(latest))
            row |= dict(zip(("window_start", "subject_id", "source", "pane"), key, strict=True))
            row["creator_id"] = f"c-{row['subject_id']}"
        key = (row["window_start"], row["subject_id"], row["source"], row["pane"])
        latest[key] = row
        written.append(row)
    written += rng.choices(written, k=300)
    rng.shuffle(written)
    while written:
        size = rng.randrange(1, 200)
        tables.write("windows_1m", *written[:size])
        del written[:size]
    for unit, seconds in (("m", 60), ("h", 3600), ("d", DAY_S)):
        wanted: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0] * len(COUNTERS))
        for row in latest.values():
            cell = wanted[row["window_start"] // seconds * seconds, row["subject_id"]]
            for index, name in enumerate(COUNTERS):
                cell[index] += row[name]
        shown = rows(
            client,
            f"SELECT toUnixTimestamp(window_start), subject_id, creator_id, {', '.join(COUNTERS)} "
            f"FROM engagement_1{unit}",
        )
        assert {(row[0], row[1]): list(row[3:]) for row in shown} == {
            key: counters for key, counters in wanted.items() if any(counters)
        }
        assert all(row[2] == f"c-{row[1]}" for row in shown)


@pytest.mark.parametrize("unit", "mhd")
def test_a_filter_on_time_prunes_partitions(client: Client, tables: Tables, unit: str) -> None:
    tables.write("windows_1m", *(window(1440 * day, "a", views=1) for day in range(10)))
    plan = rows(
        client,
        f"EXPLAIN indexes = 1 SELECT sum(views) FROM engagement_1{unit} "
        f"WHERE window_start >= toDateTime({START_S + 8 * DAY_S}, 'UTC')",
    )
    text = "\n".join(line for (line,) in plan)
    assert "Parts: 2/10" in text, text


def test_videos_merge_partitions_and_the_last_publication_stands(
    client: Client, tables: Tables
) -> None:
    tables.write(
        "video_totals",
        video("a", source=0, content_type="dance", published_at=5_000, duration_ms=7, version=3),
        video("a", source=1, content_type="cats", published_at=9_000, duration_ms=6, version=1),
        video("a", source=2, duration_ms=99, views=5, net_likes=2, version=9, pool="L2"),
        video("b", source=0, duration_ms=40, views=1, version=1),
        video("b", source=1, duration_ms=50, views=1, version=2, creator_id="last"),
    )
    tables.write("video_totals", video("a", source=2, views=6, net_likes=1, version=10, pool="L3"))
    assert rows(
        client,
        "SELECT video_id, creator_id, content_type, duration_ms, toUnixTimestamp64Milli(published_at),"
        " views, net_likes, pool FROM videos ORDER BY video_id",
    ) == [("a", "c-a", "cats", 6, 9_000, 6, 1, "L3"), ("b", "last", "", 50, 0, 2, 0, "")]


def test_what_was_wholly_taken_back_is_not_shown(client: Client, tables: Tables) -> None:
    tables.write(
        "video_totals",
        video("gone", views=1),
        video("quiet", published_at=5),
        video("liked", net_likes=1),
    )
    tables.write("video_totals", video("gone", views=0, version=2))
    tables.write("live_totals", {"live_id": "gone"}, {"live_id": "on", "started_at": 5})
    assert rows(client, "SELECT video_id FROM videos ORDER BY video_id") == [("liked",), ("quiet",)]
    assert rows(client, "SELECT live_id FROM lives") == [("on",)]


def test_lives(client: Client, tables: Tables) -> None:
    live = {"live_id": "l", "creator_id": "c", "started_at": 1_000, "version": 1}
    tables.write(
        "live_totals",
        {**live, "gifts": 1, "viewers_now": 3},
        {**live, "source": 1, "started_at": 0, "ended_at": 9_000, "gifts": 2, "unique_viewers": 4},
    )
    query = "SELECT creator_id, toUnixTimestamp(started_at), toUnixTimestamp(ended_at), gifts, "
    assert rows(client, query + "unique_viewers, viewers_now FROM lives") == [("c", 1, 9, 3, 4, 3)]


def test_trending_ranks_every_kind(client: Client, tables: Tables, rng: random.Random) -> None:
    now_ms = 1_650_000_000_000
    base, fast_base = now_ms / (6 * HOUR_MS), now_ms / HOUR_MS
    videos = [
        video(
            f"v{number}",
            creator_id=f"c{number % 5}",
            hashtags=rng.sample(["x", "y", "z", "x"], k=rng.randrange(4)),
            sound_id=rng.choice(["", "s1", "s2"]),
            challenge_id=rng.choice(["", "h1"]),
            published_at=1,
            score=base + rng.choice([rng.uniform(-900, 20), 3.0]),
            fast_score=fast_base + rng.uniform(-50, 20),
        )
        for number in range(60)
    ]
    videos.append(video("old", score=3.0, fast_score=1.0))  # 1970: nothing may overflow
    videos.append(video("none", views=1))
    tables.write("video_totals", *videos)
    tables.write("partitions", {"topic": "t", "max_event_time": now_ms, "version": 1})
    points: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in videos:
        if row["score"] == NO_SCORE:
            continue
        points["video", row["video_id"]].append(row)
        points["creator", row["creator_id"]].append(row)
        for tag in set(row.get("hashtags", [])):
            points["hashtag", tag].append(row)
        for kind in ("sound", "challenge"):
            if row.get(f"{kind}_id"):
                points[kind, row[f"{kind}_id"]].append(row)
    shown = {(row[0], row[1]): row[2:] for row in rows(client, "SELECT * FROM trending_now")}
    assert shown.keys() == points.keys()
    for key, members in points.items():
        top = max(row["score"] for row in members)
        score = top + math.log2(math.fsum(2 ** (row["score"] - top) for row in members))
        velocity = math.fsum(2 ** (row["fast_score"] - fast_base) for row in members) * math.log(2)
        assert shown[key][0] == pytest.approx(score, rel=1e-12)
        assert shown[key][1] == pytest.approx(velocity, rel=1e-6)
        slow = math.fsum(2 ** (row["score"] - base) for row in members) * math.log(2) / 6
        constants_h = 6 / math.log(2) - 1 / math.log(2)
        acceleration = (velocity - slow) / constants_h
        assert shown[key][3] == pytest.approx(acceleration, rel=1e-6, abs=1e-6 * (velocity + slow))
    for kind in ("video", "creator", "hashtag", "sound", "challenge"):
        ranked = rows(client, f"SELECT * FROM trending_now WHERE kind = '{kind}' ORDER BY rank")
        assert [row[4] for row in ranked] == list(range(1, len(ranked) + 1))
        assert ranked == sorted(ranked, key=lambda row: (-row[2], row[1]))
    for row in videos[:60]:  # the score of a video is what was stored, to the bit
        assert shown["video", row["video_id"]][0] == row["score"]


def test_a_video_in_two_partitions_trends_with_both(client: Client, tables: Tables) -> None:
    tables.write(
        "video_totals",
        video("a", source=0, score=100.0, fast_score=10.0),
        video("a", source=1, score=100.0, fast_score=NO_SCORE),
        video("a", source=2, score=NO_SCORE, fast_score=NO_SCORE),
    )
    assert rows(client, "SELECT score FROM trending_now WHERE kind = 'video'") == [(101.0,)]


def test_logs_count_a_message_once(client: Client, tables: Tables) -> None:
    late = {"window_start": START_S, "kind": "video", "subject_id": "a", "type": "view"}
    for _ in range(2):
        tables.write("late", {**late, "version": 1}, {**late, "version": 2, "type": "like"})
        tables.write("late", {**late, "version": 3}, {**late, "version": 1, "source": 1})
        letter = {
            "topic": "t",
            "offset": 3,
            "reason": "malformed_json",
            "raw": b"{\xff",
            "version": 3,
        }
        tables.write("dead_letters_log", letter, {**letter, "partition": 1})
        boost = {
            "video_id": "a",
            "pool": "L1",
            "verdict": "promote",
            "decided_at": 5,
            "lower_bound": 0.9,
            "version": 1,
        }
        tables.write("boosts_log", boost)
    query = "SELECT subject_id, type, events FROM late_events ORDER BY type"
    assert rows(client, query) == [("a", "like", 1), ("a", "view", 3)]
    query = "SELECT `partition`, `offset`, reason, hex(raw) FROM dead_letters ORDER BY `partition`"
    assert rows(client, query) == [
        (0, 3, "malformed_json", "7BFF"),
        (1, 3, "malformed_json", "7BFF"),
    ]
    query = "SELECT video_id, pool, verdict, lower_bound FROM boosts"
    assert rows(client, query) == [("a", "L1", "promote", 0.9)]
    counted = Counter(row[0] for row in rows(client, "SELECT type FROM late FINAL"))
    assert counted == {"view": 3, "like": 1}


def test_leaders_of_hopping_windows(client: Client, tables: Tables, rng: random.Random) -> None:
    """Each window is the five minutes before its end, also where minutes are taken back."""
    end = 1_440 - 1
    tables.write("partitions", {"topic": "t", "max_event_time": (START_S + 60 * end) * 1_000 + 5})
    tables.write(
        "video_totals",
        video("a", creator_id="c", hashtags=["x", "y", "x"], published_at=1),
        video("b", creator_id="c", hashtags=["x"], sound_id="s", published_at=1),
    )
    cells = [
        window(
            end - rng.randrange(-2, 70),
            rng.choice("ab"),
            pane=pane,
            views=rng.randrange(9),
            **{name: rng.choice([0, 1, -1, 3]) for name in ("likes", "unlikes", "shares")},
        )
        for pane in range(150)
    ]
    tables.write("windows_1m", *cells)
    tables.write("windows_1m", window(end - 1, "a", kind="live", views=99))
    entities = {
        "a": [("video", "a"), ("creator", "c"), ("hashtag", "x"), ("hashtag", "y")],
        "b": [("video", "b"), ("creator", "c"), ("hashtag", "x"), ("sound", "s")],
    }
    wanted: dict[tuple[int, str, str], Counter[str]] = defaultdict(Counter)
    for last in range(end - 59, end + 1):
        for cell in cells:
            if last - 5 <= (cell["window_start"] - START_S) // 60 < last:
                for entity in entities[cell["subject_id"]]:
                    sums = wanted[START_S + 60 * last, *entity]
                    sums["views"] += cell["views"]
                    sums["likes"] += cell["likes"] - cell["unlikes"]
                    sums["all"] += cell["likes"] - cell["unlikes"] + cell["shares"]
    shown = rows(
        client,
        "SELECT toUnixTimestamp(window_end), kind, entity_id, views, likes, engagements, rank "
        "FROM trending_windows ORDER BY ALL",
    )
    assert {row[:3]: row[3:6] for row in shown} == {
        key: (sums["views"], sums["likes"], sums["all"])
        for key, sums in wanted.items()
        if sums["views"] > 0 or sums["all"] > 0
    }
    assert len({row[0] for row in shown}) == 60
    for key in {row[:2] for row in shown}:
        ranked = sorted((row for row in shown if row[:2] == key), key=lambda row: row[6])
        assert [row[6] for row in ranked] == list(range(1, len(ranked) + 1))
        assert ranked == sorted(ranked, key=lambda row: (-row[5], -row[3], row[2]))
