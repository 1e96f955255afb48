"""The public views of money, of creators, and of what kind of content does well."""

from __future__ import annotations

from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from streams.intervals import per_1000_views
from tests.unit.clickhouse_rows import Row, Tables, rows, video

DAY_S = 86_400
START_S = 1_650_000_000 // DAY_S * DAY_S


def entry(name: str, amount: int, **more: Any) -> Row:
    return {
        "entry_id": name,
        "occurred_at": START_S * 1000,
        "creator_id": "c",
        "source": "gift",
        "state": "final",
        "amount_micros": amount,
        "currency": "USD",
        "reference": "live:l",
        "rate_version": "r1",
        "version": 1,
        **more,
    }


def test_money(client: Client, tables: Tables) -> None:
    rewards = {"source": "creator_rewards", "state": "estimated", "reference": "video:v"}
    next_day = {"occurred_at": (START_S + DAY_S) * 1000}
    tables.write("ledger", entry("g1", 100), entry("g1:refund", -100, state="adjustment"))
    tables.write("ledger", entry("g1", 100), entry("g2", 7, creator_id="d", currency="EUR"))
    tables.write(
        "estimates",
        entry("r:day1", 1_000, **rewards),
        entry("r:day2", 20, **rewards, **next_day),
        entry("r:day2", 50, **rewards, **next_day, version=2),
        entry("g3", 9, state="estimated"),
    )
    tables.write("estimates", entry("g3", 0, state="estimated", version=5))
    columns = "toString(day), creator_id, source, amount_micros, entries"
    assert rows(client, f"SELECT {columns} FROM earnings_daily ORDER BY ALL") == [
        ("2022-04-15", "c", "creator_rewards", 1_000, 1),
        ("2022-04-15", "c", "gift", 0, 2),
        ("2022-04-16", "c", "creator_rewards", 50, 1),
    ]
    columns = "toString(day), source, currency, amount_micros, entries"
    assert rows(client, f"SELECT {columns} FROM earnings_by_source ORDER BY ALL") == [
        ("2022-04-15", "creator_rewards", "USD", 1_000, 1),
        ("2022-04-15", "gift", "EUR", 7, 1),
        ("2022-04-15", "gift", "USD", 0, 2),
        ("2022-04-16", "creator_rewards", "USD", 50, 1),
    ]
    day = START_S // DAY_S
    tables.write("settlements", {"source": "creator_rewards", "day": day, "version": 1})
    ledger = "SELECT entry_id, state, amount_micros FROM earnings_ledger ORDER BY entry_id"
    assert rows(client, ledger) == [
        ("g1", "final", 100),
        ("g1:refund", "adjustment", -100),
        ("g2", "final", 7),
        ("r:day2", "estimated", 50),
    ]
    assert rows(client, "SELECT * FROM balances ORDER BY ALL") == [("c", "USD", 0), ("d", "EUR", 7)]


def test_an_estimate_of_a_shared_video_is_shown_in_its_parts(
    client: Client, tables: Tables
) -> None:
    shared = {"source": "creator_rewards", "state": "estimated"}
    parts = ["a:b%:334", "c:333", "nobody:0", "ü\n:-333"]
    tables.write("estimates", entry("r:v:1", 1, **shared, version=1, parts=["gone:1"]))
    tables.write("estimates", entry("r:v:1", 334, **shared, version=2, parts=parts))
    tables.write("estimates", entry("r:v:2", 0, **shared, parts=["c:0"]))
    assert rows(client, "SELECT * EXCEPT (occurred_at) FROM earnings_ledger ORDER BY ALL") == [
        (f"r:v:1:{name}", creator, *("creator_rewards", "estimated"), micros, "USD", "live:l", "r1")
        for name, creator, micros in (
            ("a%3Ab%25", "a:b%", 334),
            ("c", "c", 333),
            ("ü\n", "ü\n", -333),
        )
    ]
    sums = "SELECT creator_id, amount_micros, entries FROM earnings_daily ORDER BY ALL"
    assert rows(client, sums) == [("a:b%", 334, 1), ("c", 333, 1), ("ü\n", -333, 1)]


def test_creators_are_all_who_did_or_got_anything(client: Client, tables: Tables) -> None:
    tables.write(
        "video_totals",
        video(
            "a", creator_id="c", views=100, likes=5, comments=4, shares=1, replies=1, published_at=1
        ),
        video("b", creator_id="c", views=100, published_at=1),
    )
    tables.write("live_totals", {"live_id": "l", "creator_id": "c", "started_at": 1, "gifts": 3})
    follow = {"creator_id": "c", "user_id": "u", "following": 1, "event_time_ms": 5, "version": 1}
    tables.write(
        "follows",
        follow,
        {**follow, "source": 1, "following": 0, "event_time_ms": 4},
        {**follow, "user_id": "w", "event_id": "e1"},
        {**follow, "user_id": "w", "event_id": "e2", "following": 0, "source": 1},
        {**follow, "creator_id": "left", "following": 0},
    )
    tables.write("ledger", entry("g", 70), entry("g:adj", -20, state="adjustment"))
    tables.write("estimates", entry("r", 9, state="estimated", creator_id="hoping"))
    assert rows(
        client,
        "SELECT creator_id, followers, videos, views, gifts, engagement_rate, reply_rate, "
        "earnings_micros FROM creators ORDER BY creator_id",
    ) == [
        ("c", 1, 2, 200, 3, 0.05, 0.25, 50),
        ("hoping", 0, 0, 0, 0, 0.0, 0.0, 0),
        ("left", 0, 0, 0, 0, 0.0, 0.0, 0),
    ]


def test_amounts_of_different_currencies_are_not_added_up(client: Client, tables: Tables) -> None:
    tables.write("video_totals", video("a", creator_id="c", views=1))
    tables.write("ledger", entry("g1", 100, reference="video:a"))
    everything = [
        "SELECT creator_id, earnings_micros FROM creators",
        "SELECT dimension, value, earnings_micros FROM content_performance ORDER BY ALL",
        "SELECT * FROM earnings_daily",
        "SELECT * FROM balances WHERE currency = 'USD'",
    ]
    before = [rows(client, query) for query in everything]
    assert before[0] == [("c", 100)]
    tables.write("ledger", entry("g2", 7, reference="video:a", currency="EUR"))
    assert [rows(client, query) for query in everything] == before
    assert rows(
        client, "SELECT creator_id, amount_micros FROM balances WHERE currency = 'EUR'"
    ) == [("c", 7)]


def test_content_performance(client: Client, tables: Tables) -> None:
    monday_noon_ms = 1_649_678_400_000  # 2022-04-11 12:00 UTC
    tables.write(
        "video_totals",
        video(
            "a",
            content_type="dance",
            hashtags=["x", "y", "x"],
            sound_id="s",
            duration_ms=15_000,
            is_original=1,
            published_at=monday_noon_ms,
            views=2_000,
            likes=10,
        ),
        video("b", hashtags=["x"], duration_ms=0, views=1_000, likes=20),
    )
    tables.write("ledger", entry("1", 5, reference="video:a"), entry("2", 100, reference="live:a"))
    tables.write("estimates", entry("3", 2, reference="video:a", state="estimated"))
    names = "dimension, value, videos, views, likes, likes_per_1000_views, earnings_micros"
    shown = rows(client, f"SELECT {names} FROM content_performance ORDER BY dimension, value")
    assert shown == [
        ("content_type", "dance", 1, 2_000, 10, 5.0, 7),
        ("content_type", "unknown", 1, 1_000, 20, 20.0, 0),
        ("hashtag", "x", 2, 3_000, 30, 10.0, 7),
        ("hashtag", "y", 1, 2_000, 10, 5.0, 7),
        ("hour", "12", 1, 2_000, 10, 5.0, 7),
        ("length", "15-30 s", 1, 2_000, 10, 5.0, 7),
        ("length", "unknown", 1, 1_000, 20, 20.0, 0),
        ("originality", "original", 1, 2_000, 10, 5.0, 7),
        ("sound", "s", 1, 2_000, 10, 5.0, 7),
        ("weekday", "Monday", 1, 2_000, 10, 5.0, 7),
    ]


def test_small_samples_shrink_to_what_is_usual(client: Client, tables: Tables) -> None:
    tables.write(
        "video_totals",
        video("big", content_type="dance", views=99_990, likes=1_989, completions=25_000),
        video("small", content_type="cats", views=10, likes=11, challenge_id="z"),
        video("taken", content_type="odd", views=-3, likes=-2),
    )
    columns = "likes_per_1000_views, likes_per_1000_shrunk, likes_per_1000_low, likes_per_1000_high"
    usual = (1_989 + 11 - 2) / (99_990 + 10 - 3)
    for value, likes, views in (("dance", 1_989, 99_990), ("cats", 11, 10), ("odd", -2, -3)):
        (shown,) = rows(
            client,
            f"SELECT {columns} FROM content_performance "
            f"WHERE dimension = 'content_type' AND value = '{value}'",
        )
        assert shown[0] == pytest.approx(1_000 * likes / views)
        wanted = per_1000_views(likes, views, 1_000 * usual, 1_000, 1.96)
        assert shown[1:] == pytest.approx(tuple(wanted), rel=1e-12)
    query = "SELECT value, completion_rate FROM content_performance WHERE dimension = 'challenge'"
    assert rows(client, query) == [("z", 0.0)]


def test_the_main_feed_is_that_of_most_views(client: Client, tables: Tables) -> None:
    tables.write(
        "video_totals",
        video("a", feeds=["following:3", "for_you:5", "search:-1"], views=7),
        video("b", feeds=["following:3", "for_you:2"], views=5),
        video("b", source=1, feeds=["for_you:1"], views=1),
        video("c", feeds=["shop:0"], likes=1),
    )
    query = "SELECT value, videos, views FROM content_performance WHERE dimension = 'main_feed'"
    assert sorted(rows(client, query)) == [("following", 1, 6), ("for_you", 1, 7)]
