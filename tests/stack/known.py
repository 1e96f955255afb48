"""A generated log with a hand-written end, whose answers are known without counting anything."""

from __future__ import annotations

import json
from typing import Any

from scripts.generator.model import Spec, generate
from tests.oracle.events import DAY_MS, MINUTE_MS, T0_MS, event, invalidated, line_of

VIDEO, LIVE, CREATOR = "known-v", "known-l", "known-c"
BROKEN_RAW = b'{"type":"like","id":"broken","video_id":"known-v","user_id":"\xff\x00'
BROKEN_HEX = BROKEN_RAW.hex().upper()
COIN_MICROS = 2_500  # schemas/rates.toml, gift preset A

# What the views must say of the hand-written end.
TOTALS = {
    "impressions": 0,
    "views": 4,
    "qualified_views": 2,  # of u1, the first of two, and of u3; u2 watched too short
    "watch_ms": 6_000 + 7_000 + 5_000 + 90_000,
    "completions": 1,
    "likes": 3,
    "unlikes": 1,
    "comments": 0,  # the only one is invalidated
    "shares": 0,  # the only one is late
    "net_likes": 2,
    "unique_viewers": 3,
}
GIFTS = {"gifts": 3, "gift_coins": 30, "views": 1}
GIFT_MICROS = 30 * COIN_MICROS


def make_log(seed: int, events: int, *, hours: float = 48.0) -> list[bytes]:
    """Return the lines of a generated log, with duplicates, late and broken ones, and its end."""
    lines = [message.value for message in generate(Spec(seed=seed, events=events, hours=hours))]
    return lines + known_end(last_minute_ms(lines))


def known_end(start_ms: int) -> list[bytes]:
    """Return the hand-written messages; all but the late one happen in the minute that begins."""
    at = start_ms - T0_MS

    def video(kind: str, user: str, second: int, **fields: Any) -> dict[str, Any]:
        made = event(kind, at=at + second * 1_000, user_id=user, **fields)
        return made | {"video_id": VIDEO, "creator_id": CREATOR, "id": f"known-{made['id']}"}

    def live(kind: str, second: int, **fields: Any) -> dict[str, Any]:
        made = event(kind, at=at + second * 1_000, user_id="u1", **fields)
        return made | {"live_id": LIVE, "creator_id": CREATOR, "id": f"known-{made['id']}"}

    like = video("like", "u1", 2)
    comment = video("comment", "u1", 3)
    undone = invalidated(comment, at=at + 9_000)
    told = [
        video("video_published", CREATOR, 1),
        like,
        like,
        video("like", "u2", 3),
        video("like", "u3", 3),
        video("unlike", "u2", 4),
        comment,
        video("view", "u1", 5, watch_ms=6_000),
        video("view", "u1", 6, watch_ms=7_000),
        video("view", "u2", 7, watch_ms=5_000),
        video("view", "u3", 8, watch_ms=90_000),
        video("share", "u3", 8) | {"event_time_ms": start_ms - 2 * DAY_MS},
        undone | {"id": f"known-{undone['id']}"},
        live("live_joined", 1),
        *(live("gift", 1 + n, repeat_count=n, repeat_end=n == 3) for n in (1, 2, 3)),
    ]
    return [*map(line_of, told), BROKEN_RAW]


def last_minute_ms(lines: list[bytes]) -> int:
    """Return the start of the minute after everything in the log."""
    last_ms = max((_time_ms(line) for line in lines), default=T0_MS)
    return (last_ms // MINUTE_MS + 1) * MINUTE_MS


def _time_ms(line: bytes) -> int:
    try:
        time_ms = json.loads(line)["event_time_ms"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
    return time_ms if type(time_ms) is int and time_ms < 2 * T0_MS else 0
