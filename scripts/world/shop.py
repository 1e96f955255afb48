"""Buying: a product on a video is opened, bought, settled or given back."""

from __future__ import annotations

from scripts.world.assumptions import Assumptions
from scripts.world.chance import Chance, For
from scripts.world.diary import MINUTE_MS, Diary
from scripts.world.people import User
from scripts.world.videos import Video

_TEMPTED_AFTER_MS = 3_000
_BOUGHT_AFTER_MS = 4 * MINUTE_MS
_SETTLED_AFTER_MS = 12 * 60 * MINUTE_MS
_GIVEN_BACK_AFTER_MS = 8 * 60 * MINUTE_MS


class Shop:
    """All orders of one world."""

    def __init__(self, chance: Chance, assumed: Assumptions, diary: Diary) -> None:
        self._chance = chance
        self._assumed = assumed
        self._diary = diary
        self._orders = 0

    def tempt(self, user: User, video: Video, at_ms: int, watch_ms: int, keenness: float) -> None:
        """Let somebody who has watched open the product, and buy it."""
        creator, who = video.creator, (user.number, video.number)
        if creator.product_id is None or watch_ms < _TEMPTED_AFTER_MS:
            return
        if self._chance(For.CLICK, *who) >= self._assumed.click_share * keenness:
            return
        line = {"product_id": creator.product_id, "seller_id": creator.seller_id}
        if not creator.sells_own:
            line |= {"creator_id": creator.id, "link_id": f"{creator.product_id}/link"}
            self._diary.add("affiliate_click", at_ms, user.id, **line)
        if self._chance(For.ORDER, *who) < self._assumed.order_share:
            self._buy(user, video, at_ms + _BOUGHT_AFTER_MS, line)

    def _buy(self, user: User, video: Video, at_ms: int, line: dict[str, str | None]) -> None:
        self._orders += 1
        order = line | {"order_id": f"{user.id}/{self._orders}"}
        paid = {"quantity": 1, "paid_micros": video.creator.price_micros, "currency": "USD"}
        self._diary.add("order_placed", at_ms, user.id, **order, **paid)
        if self._chance(For.REFUND, user.number, video.number) < self._assumed.refund_share:
            self._diary.add(
                "order_refunded", at_ms + _GIVEN_BACK_AFTER_MS, user.id, **order, **paid
            )
        else:
            self._diary.add("order_settled", at_ms + _SETTLED_AFTER_MS, user.id, **order, **paid)
