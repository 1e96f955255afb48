"""Facts: what settlement and analytics are told of single events, born whole, one row for each that counts.

What a row says is a function of the event and of the log before it alone, and its version is an
offset: so the same run, applied again after a crash, gives the same rows. Nothing of it is kept in
the state.

An invalidation writes the row of its target again with `counted` = 0; of such a row only the key
says something.
"""

from collections.abc import Sequence
from typing import Any

from schemas import wire
from schemas.fact_rows import FACT_TABLES
from schemas.row_types import columns_of
from streams.subjects import Video

OrderHold = wire.OrderFrozen | wire.OrderReleased | wire.OrderIneligible
OrderStep = wire.OrderPlaced | wire.OrderSettled | wire.OrderRefunded | OrderHold
Fact = tuple[Any, ...]

_SOURCE_AT = {table: columns_of(model).index("source") for table, model in FACT_TABLES.items()}


class Facts:
    """Facts noted since the last flush: for each table its rows, without the source partition.

    The last value of each is the offset, until `take` makes a version of it. `counted` is 1, or 0
    for a fact that is taken back.
    """

    __slots__ = tuple(FACT_TABLES)

    def __init__(self) -> None:
        self.order_events: list[Fact] = []
        self.affiliate_clicks: list[Fact] = []
        self.product_views: list[Fact] = []
        self.search_views: list[Fact] = []
        self.shared_views: list[Fact] = []
        self.deals: list[Fact] = []
        self.follow_actions: list[Fact] = []
        self.creator_registrations: list[Fact] = []
        self.engagements: list[Fact] = []

    def take(self, source: int, base: int) -> dict[str, list[Sequence[Any]]]:
        """Return the columns per table, and forget them."""
        taken: dict[str, list[Sequence[Any]]] = {}
        for table, at in _SOURCE_AT.items():
            rows: list[Fact] = getattr(self, table)
            if rows:
                *columns, offsets = zip(*rows, strict=True)
                columns.insert(at, (source,) * len(rows))
                taken[table] = [*columns, [base + offset for offset in offsets]]
                setattr(self, table, [])
        return taken

    def order(self, event: OrderStep, offset: int) -> None:
        """Note one step of an order."""
        self.order_events.append(
            (
                event.user_id,
                event.order_id,
                wire.TYPE_OF[type(event)],
                event.id,
                event.event_time_ms,
                event.creator_id or "",
                event.seller_id,
                event.product_id,
                event.link_id or "",
                event.quantity,
                event.paid_micros,
                event.currency,
                event.refund_micros,
                event.reason if isinstance(event, OrderHold) else "",
                offset,
            )
        )

    def click(self, event: wire.AffiliateClick, offset: int) -> None:
        """Note a click on a product link."""
        self.affiliate_clicks.append(
            (
                event.user_id,
                event.id,
                event.event_time_ms,
                event.creator_id or "",
                event.seller_id,
                event.product_id,
                event.link_id or "",
                event.live_id or "",
                offset,
            )
        )

    def product_view(
        self, video: Video, event: wire.View, product_ids: tuple[str, ...], n: int, offset: int
    ) -> None:
        """Note a view of a video that shows these products, counted (1) or taken back (0).

        Texts that the video has are taken from there: the event's own copies need not be kept.
        """
        creator_id = video.creator_id
        if event.creator_id != creator_id:
            creator_id = event.creator_id
        name = (event.user_id, video.id, event.id, event.event_time_ms)
        self.product_views.append((*name, creator_id, product_ids, n, offset))

    def search_view(self, video: Video, event: wire.View, n: int, offset: int) -> None:
        """Note a view that came from a search, counted (1) or taken back (0)."""
        self.search_views.append((video.id, event.id, event.event_time_ms, n, offset))

    def shared_view(self, video: Video, event: wire.View, n: int, offset: int) -> None:
        """Note a view of a video that has collaborators, counted (1) or taken back (0)."""
        name = (video.id, event.user_id, event.id, event.event_time_ms)
        self.shared_views.append((*name, n, offset))

    def deal(self, event: wire.DealSigned, counted: int, offset: int) -> None:
        """Note a signed deal."""
        self.deals.append(
            (
                event.video_id,
                event.deal_id,
                event.id,
                event.event_time_ms,
                event.creator_id,
                event.brand_id,
                event.fee_micros,
                event.currency,
                tuple(f"{milestone.views}:{milestone.share_bps}" for milestone in event.milestones),
                counted,
                offset,
            )
        )

    def registration(self, event: wire.CreatorRegistered, offset: int) -> None:
        """Note what is known of a creator."""
        self.creator_registrations.append(
            (
                event.user_id,
                event.id,
                event.event_time_ms,
                event.registered_at_ms,
                event.birth_date or "",
                offset,
            )
        )

    def follow_action(
        self, event: wire.Follow | wire.Unfollow, following: int, counted: int, offset: int
    ) -> None:
        """Note a follow or an unfollow."""
        self.follow_actions.append(
            (
                event.creator_id,
                event.user_id,
                event.id,
                event.event_time_ms,
                following,
                counted,
                offset,
            )
        )

    def engagement(
        self, video: Video, event: wire.VideoEvent, kind: str, n: int, offset: int
    ) -> None:
        """Note what somebody did with a video, counted (1) or taken back (-1)."""
        creator_id = video.creator_id
        if event.creator_id != creator_id:
            creator_id = event.creator_id
        name = (video.id, event.user_id, event.id, kind, event.event_time_ms)
        self.engagements.append((*name, creator_id, int(n > 0), offset))
