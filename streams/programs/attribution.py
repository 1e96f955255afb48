"""Attribution: the one interaction of the buyer that an order is credited to.

A click within 7 days or a view within 1 day before the order, of any product of the same shop; a
click beats a view, then the most recent wins, of equal times the greater event id. A click inside a
live counts for 30 minutes only. Windows are in the affiliate terms valid when the order was placed;
both ends belong to a window. Rule and figures: ads.tiktok.com, about TikTok Shop Ads attribution.

What a seller did for its own shop wins like any other: then nobody else is paid. Whom the order
itself names is a claim, not an interaction, and is not looked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from schemas.rate_rows import AffiliateTerms
from streams.programs.facts import Click, Order, ProductView


class Interaction(NamedTuple):
    """What an order may be credited to; only a view names its video."""

    kind: Literal["click", "live click", "view"]
    at_ms: int
    event_id: str
    creator_id: str
    video_id: str = ""

    @property
    def strength(self) -> tuple[bool, int, str, str, str]:
        """Return what orders interactions: the greatest wins."""
        return (self.kind != "view", self.at_ms, self.event_id, self.creator_id, self.video_id)


class Interactions:
    """Clicks and views of products, found by buyer.

    A product is of a shop if any click says so. Where the clicks are not all there are, `shops` says
    it for the others: (product, seller).
    """

    def __init__(
        self,
        clicks: Iterable[Click],
        views: Iterable[ProductView],
        *,
        shops: Iterable[tuple[str, ...]] = (),
    ) -> None:
        self._clicks: dict[tuple[str, str], list[Click]] = defaultdict(list)
        self._views: dict[str, list[ProductView]] = defaultdict(list)
        self._shops: dict[str, set[str]] = defaultdict(
            set
        )  # product -> sellers, as links name them
        for click in clicks:
            self._clicks[click.user_id, click.seller_id].append(click)
            self._shops[click.product_id].add(click.seller_id)
        for product_id, seller_id in shops:
            self._shops[product_id].add(seller_id)
        for view in views:
            self._views[view.user_id].append(view)

    def winner(self, order: Order, terms: AffiliateTerms) -> Interaction | None:
        """Return what the order is credited to, if anything."""
        found = (*self._clicked(order, terms), *self._viewed(order, terms))
        return max(found, key=lambda one: one.strength, default=None)

    def _clicked(self, order: Order, terms: AffiliateTerms) -> Iterator[Interaction]:
        for click in self._clicks.get((order.user_id, order.seller_id), ()):
            window_ms = terms.live_click_window_ms if click.live_id else terms.click_window_ms
            if click.creator_id and 0 <= order.placed_ms - click.at_ms <= window_ms:
                kind: Literal["click", "live click"] = "live click" if click.live_id else "click"
                yield Interaction(kind, click.at_ms, click.event_id, click.creator_id)

    def _viewed(self, order: Order, terms: AffiliateTerms) -> Iterator[Interaction]:
        for view in self._views.get(order.user_id, ()):
            in_time = 0 <= order.placed_ms - view.at_ms <= terms.view_window_ms
            if in_time and any(self._is_of_shop(p, order) for p in view.product_ids):
                yield Interaction("view", view.at_ms, view.event_id, view.creator_id, view.video_id)

    def _is_of_shop(self, product_id: str, order: Order) -> bool:
        return product_id == order.product_id or order.seller_id in self._shops.get(product_id, ())
