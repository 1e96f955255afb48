"""One example message per event type: in the published schemas, and what the tests start from."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_TIME_MS = 1_650_812_741_000


def _event(name: str, **fields: Any) -> dict[str, Any]:
    common = {
        "id": f"u17-{name}-1",
        "type": name,
        "event_time_ms": _TIME_MS,
        "user_id": "u17",
        "device_id": "d17",
        "sent_at_ms": _TIME_MS + 250,
    }
    return {**common, **fields}


def _video(name: str, **fields: Any) -> dict[str, Any]:
    return _event(name, video_id="v2630", creator_id="c9", **fields)


def _live(name: str, **fields: Any) -> dict[str, Any]:
    return _event(name, live_id="l5", creator_id="c9", **fields)


def _product(name: str, **fields: Any) -> dict[str, Any]:
    return _event(name, product_id="p3", seller_id="s2", creator_id="c9", link_id="k8", **fields)


_ORDER = {"order_id": "o71", "quantity": 2, "paid_micros": 25_980_000, "currency": "USD"}

_ALL = (
    _video(
        "video_published",
        duration_ms=61_000,
        content_type="comedy",
        hashtags=["fyp", "cats"],
        sound_id="snd4",
        challenge_id="ch1",
        is_original=True,
        is_promoted=False,
        collaborators=[{"creator_id": "c12", "share_bps": 2_500}],
        product_ids=["p3"],
    ),
    _video("impression", feed="for_you"),
    _video("view", watch_ms=15_300, duration_ms=61_000, feed="for_you", is_promoted=False),
    _video("like"),
    _video("unlike"),
    _video("share"),
    _video("favorite"),
    _video("unfavorite"),
    _video("follow"),
    _video("unfollow"),
    _video("profile_view"),
    _video("not_interested"),
    _video("report"),
    _video("comment", comment_id="cm1"),
    _video("comment_deleted", comment_id="cm1"),
    _video("reply", comment_id="cm2", in_reply_to="cm1"),
    _video(
        "deal_signed",
        deal_id="deal6",
        brand_id="b4",
        fee_micros=500_000_000,
        currency="USD",
        milestones=[{"views": 0, "share_bps": 4_000}, {"views": 100_000, "share_bps": 6_000}],
    ),
    _event(
        "invalidated",
        video_id="v2630",
        targets=[
            _video("like"),
            _video("view", watch_ms=15_300, duration_ms=61_000, feed="for_you"),
        ],
        reason="lockstep group",
    ),
    _live("live_started"),
    _live("live_ended"),
    _live("live_joined"),
    _live("live_left"),
    _live("live_like", count=15),
    _live(
        "gift",
        gift_id="5655",
        coins=1,
        group_id="g1",
        repeat_count=7,
        repeat_end=False,
        order_id="o70",
    ),
    _live("gift_refunded", order_id="o70", reason="refunded by the app store"),
    _product("affiliate_click", live_id="l5"),
    _product("order_placed", **_ORDER),
    _product("order_settled", **_ORDER),
    _product("order_refunded", **_ORDER, refund_micros=12_990_000),
    _product("order_frozen", **_ORDER, reason="payment under review"),
    _product("order_released", **_ORDER, reason="payment confirmed"),
    _product("order_ineligible", **_ORDER, reason="canceled before delivery"),
    _event("creator_registered", registered_at_ms=_TIME_MS - 86_400_000, birth_date="1999-02-28"),
    _event("tick"),
)

EXAMPLES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {example["type"]: MappingProxyType(example) for example in _ALL}
)
