"""Small events for hand-written logs: `event("like", at=5)` is valid, and says what matters."""

import itertools
import json
from typing import Any

from schemas.events import EVENT_TYPES

T0_MS = 1_709_251_200_000  # 2024-03-01 00:00 UTC: the start of a minute, an hour and a day
SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_COMMERCE: dict[str, Any] = {"product_id": "p", "seller_id": "s"}
_ORDER = _COMMERCE | {"order_id": "o", "quantity": 1, "paid_micros": 5, "currency": "USD"}
_OWN_FIELDS: dict[str, dict[str, Any]] = {
    "video_published": {
        "duration_ms": 90_000,
        "content_type": "dance",
        "hashtags": [],
        "is_original": True,
        "is_promoted": False,
    },
    "impression": {"feed": "for_you"},
    "view": {"watch_ms": 6_000, "duration_ms": 90_000, "feed": "for_you"},
    "comment": {"comment_id": "c"},
    "comment_deleted": {"comment_id": "c"},
    "reply": {"comment_id": "r", "in_reply_to": "c"},
    "deal_signed": {
        "deal_id": "d",
        "brand_id": "b",
        "fee_micros": 1,
        "currency": "USD",
        "milestones": [],
    },
    "invalidated": {"targets": [], "reason": "bots"},
    "gift": {
        "gift_id": "rose",
        "coins": 10,
        "group_id": "g",
        "repeat_count": 1,
        "repeat_end": False,
        "order_id": "o",
    },
    "gift_refunded": {"order_id": "o", "reason": "store"},
    "affiliate_click": _COMMERCE,
    "order_placed": _ORDER,
    "order_settled": _ORDER,
    "order_refunded": _ORDER,
    "order_frozen": _ORDER | {"reason": "risk"},
    "order_released": _ORDER | {"reason": "checked"},
    "order_ineligible": _ORDER | {"reason": "canceled"},
    "creator_registered": {"registered_at_ms": T0_MS},
}
_numbers = itertools.count()


def event(kind: str, *, at: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a valid event `at` milliseconds after T0, with an id of its own unless given one.

    Without other words it is user u's, on creator c's video v or live l.
    """
    made: dict[str, Any] = {"type": kind, "id": f"e{next(_numbers):06}", "user_id": "u"}
    made["event_time_ms"] = T0_MS + at
    key_field = EVENT_TYPES[kind].key_field
    if key_field != "user_id":
        made[key_field] = key_field[0]
    if kind not in ("invalidated", "creator_registered", "tick"):
        made["creator_id"] = "c"
    return made | _OWN_FIELDS.get(kind, {}) | fields


def invalidated(*targets: dict[str, Any], at: int = 0, **fields: Any) -> dict[str, Any]:
    """Return an event that invalidates these, which are of one video."""
    video_id = targets[0]["video_id"]
    return event("invalidated", at=at, targets=list(targets), video_id=video_id, **fields)


def line_of(made: dict[str, Any]) -> bytes:
    """Return an event as it goes to Kafka."""
    return json.dumps(made).encode()
