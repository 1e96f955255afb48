"""Rows of the tables that settlement reads, of which only the interesting columns are named."""

from __future__ import annotations

from datetime import date
from typing import Any

from streams.programs.days import DAY_MS
from tests.unit.clickhouse_rows import Row

DAY = date(2025, 3, 10)
START_MS = 1_741_564_800_000  # 2025-03-10 00:00 UTC
END_MS = START_MS + DAY_MS
START_S, END_S = START_MS // 1000, END_MS // 1000
DAY_NUMBER = START_MS // DAY_MS
ODD_ID = "größe:1%3A'\\\t漢"


def minute(video_id: str, at_s: int, **more: Any) -> Row:
    return {
        "window_start": at_s,
        "kind": "video",
        "subject_id": video_id,
        "creator_id": "of-window",
        "version": 1,
        **more,
    }


def follow(creator_id: str, user_id: str, at_ms: int, **more: Any) -> Row:
    return {
        "creator_id": creator_id,
        "user_id": user_id,
        "event_id": f"f{at_ms}",
        "event_time": at_ms,
        "following": 1,
        "counted": 1,
        "version": 1,
        **more,
    }


def step(kind: str, event_id: str, **more: Any) -> Row:
    return {
        "order_id": "o",
        "user_id": "u",
        "type": f"order_{kind}",
        "event_id": event_id,
        "event_time": START_MS,
        "seller_id": "s",
        "product_id": "p",
        "paid_micros": 9,
        "currency": "USD",
        "version": 1,
        **more,
    }


def click(event_id: str, **more: Any) -> Row:
    return {
        "user_id": "u",
        "event_id": event_id,
        "event_time": START_MS,
        "creator_id": "c",
        "seller_id": "s",
        "product_id": "p",
        "link_id": "l",
        "version": 1,
        **more,
    }


def product_view(event_id: str, **more: Any) -> Row:
    return {
        "user_id": "u",
        "video_id": "v",
        "event_id": event_id,
        "event_time": END_MS - 1,
        "creator_id": "of-view",
        "product_ids": ["other", "p"],
        "counted": 1,
        "version": 1,
        **more,
    }


def entry(name: str, amount: int, at_ms: int, **more: Any) -> Row:
    return {
        "entry_id": name,
        "occurred_at": at_ms,
        "creator_id": "c",
        "source": "gift",
        "state": "final",
        "amount_micros": amount,
        "currency": "USD",
        "version": 1,
        **more,
    }
