"""A small day for the dashboard to show: rows whose sums a person can check."""

from __future__ import annotations

import json
from typing import Any

from scripts.settlement.video_earnings import add_up
from tests.unit.clickhouse_rows import HOUR_MS, Tables, video

DAY_MS = 24 * HOUR_MS
NOW_MS = 1_741_737_599_999  # 2025-03-11 23:59:59.999
JUST_BEFORE = "toDateTime('2025-03-11 23:59:59', 'UTC')"
MIDNIGHT_MS = NOW_MS + 1 - DAY_MS
# What an id may be: it comes from strangers, and must neither break SQL nor become HTML.
NASTY = "'); DROP TABLE ledger -- \\ \t\n <img src=x onerror=alert(1)>"
STREAK = "gift:l1:u1:rose:g%3A1"
COMMISSION = "affiliate:o1:0-7f"
LARGE_MICROS = 2**53 + 1  # a browser's numbers would lose the last micro-unit


def fill(tables: Tables, url: str, database: str) -> None:
    """Write the day, as `tables` does into this database."""
    tables.write(
        "partitions", partition(0, 700), partition(1, 300, max_event_time=NOW_MS - HOUR_MS)
    )
    tables.write("windows_1m", *_windows())
    tables.write("video_totals", *_videos())
    tables.write("engagements", *(_act(i, f"v{1 + i % 2}", f"u{i % 3}") for i in range(8)))
    tables.write("live_totals", *_lives())
    tables.write("ledger", *_ledger())
    add_up(url, database)
    tables.write("estimates", estimate("v1", "c1", 122_800), estimate("v2", NASTY, 7))
    tables.write("follows", *(_follow("c1", f"u{i}") for i in range(3)))
    late = {"type": "like", "kind": "video", "window_start": (MIDNIGHT_MS - DAY_MS) // 1000}
    tables.write("late", *({**late, "version": i} for i in range(4)))
    tables.write("dead_letters_log", *_dead_letters())
    tables.write("gift_streaks", _streak())
    tables.write("order_events", *_orders())
    tables.write("explanations", explanation(COMMISSION, _steps()))
    tables.write("boosts_log", *_decisions())
    tables.write("experiments", *_experiment())


def partition(number: int, messages: int, *, version: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "topic": "engagement.events",
        "partition": number,
        "position": messages,
        "max_event_time": NOW_MS,
        "messages": messages,
        "counted": messages - 30,
        "duplicates": 16,
        "suppressed": 2,
        "late": 2,
        "dead_letters": 10,
        "by_type": {"view": messages - 60, "like": 50},
        "version": version,
        **more,
    }


def window(ago_minutes: int, subject: str, *, version: int = 1, **more: Any) -> dict[str, Any]:
    start_s = NOW_MS // 60_000 * 60 - ago_minutes * 60
    row = {"window_start": start_s, "kind": "video", "subject_id": subject, "creator_id": "c1"}
    return row | {"pane": 1, "version": version, **more}


def _windows() -> list[dict[str, Any]]:
    videos = [
        window(
            minutes, f"v{1 + minutes % 3}", views=minutes % 7 + 1, likes=minutes % 3, impressions=9
        )
        for minutes in (0, 1, 5, 30, 59, 60, 61, 300, 1439, 1440, 9000)
    ]
    live = window(3, "l1", kind="live", views=4, likes=20, gifts=3, gift_coins=300)
    return [*videos, live, window(2, NASTY, views=5, shares=1)]


def _videos() -> list[dict[str, Any]]:
    def one(name: str, views: int, likes: int, **more: Any) -> dict[str, Any]:
        return video(
            name,
            pool="Another" if name in ("v1", "v2") else "First",
            creator_id=more.pop("creator_id", "c1"),
            content_type=more.pop("content_type", "comedy"),
            duration_ms=30_000,
            published_at=MIDNIGHT_MS,
            views=views,
            likes=likes,
            completions=views // 4,
            score=NOW_MS / (6 * HOUR_MS) + more.pop("points_log2"),
            fast_score=NOW_MS / HOUR_MS + 3,
            **more,
        )

    return [
        one(
            "v1",
            400,
            40,
            points_log2=8.0,
            hashtags=["fyp", "diy"],
            sound_id="a1",
            feeds=["for_you:300", "search:100"],
        ),
        one("v2", 300, 60, points_log2=7.0, hashtags=["fyp"], creator_id="c2", content_type="pets"),
        one(
            "v3",
            100,
            1,
            points_log2=9.0,
            challenge_id="ch1",
            creator_id="c2",
            feeds=["profile:100"],
        ),
        one(NASTY, 50, 0, points_log2=1.0, hashtags=[NASTY], creator_id=NASTY),
    ]


def _act(number: int, video_id: str, user_id: str) -> dict[str, Any]:
    return {
        "video_id": video_id,
        "user_id": user_id,
        "event_id": f"e{number}",
        "type": "like",
        "event_time": NOW_MS - 12_000 * (number + 1),
        "creator_id": "c1",
        "counted": 1,
        "version": 1,
    }


def _lives() -> list[dict[str, Any]]:
    on_air = {"live_id": "l1", "creator_id": "c1", "started_at": NOW_MS - HOUR_MS, "viewers_now": 3}
    ended = {"live_id": "l2", "creator_id": NASTY, "started_at": MIDNIGHT_MS}
    return [
        {**on_air, "views": 4, "likes": 20, "gifts": 3, "gift_coins": 300, "version": 1},
        {**ended, "ended_at": MIDNIGHT_MS + HOUR_MS, "gift_coins": 12, "version": 2},
    ]


def _ledger() -> list[dict[str, Any]]:
    def entry(name: str, creator: str, micros: int, **more: Any) -> dict[str, Any]:
        return {
            "entry_id": name,
            "occurred_at": NOW_MS - HOUR_MS,
            "creator_id": creator,
            "source": "gift",
            "state": "final",
            "amount_micros": micros,
            "currency": "USD",
            "reference": "live:l1",
            "rate_version": "gift-1",
            "version": 1,
            **more,
        }

    return [
        entry(STREAK, "c1", 77_092_500),
        entry(f"{STREAK}:1", "c1", -12_500, state="adjustment", reason="better frame"),
        entry("gift:2", NASTY, LARGE_MICROS),
        entry("gift:3", "c2", 5_000_000, currency="EUR"),
        entry("deal:1", "c2", 9_000_000, source="brand_deal", occurred_at=NOW_MS - 9 * DAY_MS),
        entry(COMMISSION, "c9", 10_774_800, source="affiliate", reference="order:o1"),
        entry("payout:c9", "c9", -10_000_000, source="payout", reference="day:2025-03-11"),
    ]


def _streak() -> dict[str, Any]:
    return {
        "live_id": "l1",
        "user_id": "u1",
        "gift_id": "rose",
        "group_id": "g:1",
        "creator_id": "c1",
        "occurred_at": NOW_MS - HOUR_MS,
        "repeat_count": 30_832,
        "coins": 1,
        "order_ids": ["go1"],
        "state": "final",
        "version": 1,
    }


def _orders() -> list[dict[str, Any]]:
    order = {
        "user_id": "u7",
        "order_id": "o1",
        "creator_id": "c9",
        "seller_id": "s1",
        "product_id": "p1",
        "quantity": 2,
        "paid_micros": 89_790_000,
        "currency": "USD",
    }
    return [
        {**order, "type": "order_placed", "event_id": "e1", "event_time": NOW_MS - 9, "version": 1},
        {**order, "type": "order_settled", "event_id": "e2", "event_time": NOW_MS, "version": 2},
    ]


def _steps() -> list[list[Any]]:
    return [
        ["paid and kept", 89_790_000, "USD", ""],
        ["rate", 1_200, "bps", "the highest in force in 30 days"],
        ["large", LARGE_MICROS, "USD", ""],
        ["amount", 10_774_800, "USD", "half-even"],
    ]


def explanation(entry_id: str, steps: list[list[Any]]) -> dict[str, Any]:
    return {"entry_id": entry_id, "text": json.dumps(steps), "version": 1}


def _decisions() -> list[dict[str, Any]]:
    def decision(video: str, pool: str, verdict: str, minute: int, after: str) -> dict[str, Any]:
        return {
            "video_id": video,
            "pool": pool,
            "verdict": verdict,
            "decided_at": MIDNIGHT_MS + minute * 60_000,
            "weights_version": "contribution-1",
            "decision_id": f"{video}:{pool}" + (":1" if minute > 100 else ""),
            "reason": "surely above" if verdict == "promote" else "in between",
            "measure": 1.5,
            "lower_bound": 1.0,
            "upper_bound": 2.0,
            "threshold": 0.813,
            "impressions": 300 if pool == "First" else 1_000,
            "pool_after": after,
            "version": 1,
        }

    # Names that sort the other way round than the pools follow each other.
    return [
        decision("v1", "First", "hold", 10, "First"),
        decision("v1", "First", "promote", 110, "Another"),
        decision("v2", "First", "promote", 20, "Another"),
        decision("v2", "Another", "stop", 30, "Another"),
    ]


def estimate(name: str, creator: str, micros: int, *, version: int = 1) -> dict[str, Any]:
    return {
        "entry_id": f"creator_rewards:{name}:2025-03-11",
        "occurred_at": MIDNIGHT_MS,
        "creator_id": creator,
        "source": "creator_rewards",
        "state": "estimated",
        "amount_micros": micros,
        "currency": "USD",
        "reference": f"video:{name}",
        "rate_version": "cr-1",
        "version": version,
    }


def _follow(creator: str, user: str) -> dict[str, Any]:
    return {"creator_id": creator, "user_id": user, "following": 1, "event_id": user, "version": 1}


def _dead_letters() -> list[dict[str, Any]]:
    return [
        {
            "topic": "engagement.events",
            "partition": number % 2,
            "offset": number,
            "stage": "decode",
            "reason": "malformed_json" if number % 3 else "unknown_type",
            "detail": f"detail {number}",
            "raw": b"{",
            "version": number,
        }
        for number in range(1, 9)
    ]


def _experiment() -> list[dict[str, Any]]:
    def found(measure: str, change: float, margin: float, **more: Any) -> dict[str, Any]:
        return {
            "experiment": "likes",
            "question": "What is a like worth?",
            "treatment": "likes x 3",
            "group_name": "chosen",
            "measure": measure,
            "weights": "as shipped",
            "seeds": 8,
            "control_mean": 1_000.0,
            "change": change,
            "change_low": change - margin,
            "change_high": change + margin,
            "version": 1,
            **more,
        }

    ratio = {"has_ratio": 1, "per_1000_likes": 400.0, "per_1000_low": 100.0, "per_1000_high": 700.0}
    return [
        found("views", 200.0, 150.0, **ratio),
        found("earnings", 2_500_000.0, 4_000_000.0, control_mean=40_000_000.0),
        found("views", -20.0, 30.0, group_name="others"),
        found("views", 1.0, 5.0, treatment="placebo"),
        found("views", 9_999.0, 1.0, treatment="placebo", version=0),  # an older run of it
    ]
