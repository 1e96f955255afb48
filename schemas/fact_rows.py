"""Rows of the fact tables: single counted events, as settlement reads them.

Of a row with `counted` = 0, which an invalidation has written, only the key says something.
"""

from schemas.row_types import (
    Flag,
    Milliseconds,
    Natural,
    Number,
    OptionalNumber,
    Row,
    Small,
    Text,
    Texts,
    Word,
)


class OrderEvent(Row):
    """One step of an order; `refund_micros` is absent where all that was paid goes back.

    `reason` is why it was frozen, released or made ineligible, else empty.
    """

    user_id: Text
    order_id: Text
    type: Word
    event_id: Text
    source: Small
    event_time: Milliseconds
    creator_id: Text
    seller_id: Text
    product_id: Text
    link_id: Text
    quantity: Number
    paid_micros: Number
    currency: Word
    refund_micros: OptionalNumber
    reason: Text
    version: Natural


class AffiliateClick(Row):
    """A click on a product link; `live_id` where it was made inside a live."""

    user_id: Text
    event_id: Text
    source: Small
    event_time: Milliseconds
    creator_id: Text
    seller_id: Text
    product_id: Text
    link_id: Text
    live_id: Text
    version: Natural


class ProductView(Row):
    """A view of a video whose publication named these products when the view came."""

    user_id: Text
    video_id: Text
    event_id: Text
    source: Small
    event_time: Milliseconds
    creator_id: Text
    product_ids: Texts
    counted: Flag
    version: Natural


class SearchView(Row):
    """A view that came from a search."""

    video_id: Text
    event_id: Text
    source: Small
    event_time: Milliseconds
    counted: Flag
    version: Natural


class SharedView(Row):
    """A view of a video whose publication named collaborators when the view came."""

    video_id: Text
    user_id: Text
    event_id: Text
    source: Small
    event_time: Milliseconds
    counted: Flag
    version: Natural


class Deal(Row):
    """A signed brand deal; a milestone is written `views:share_bps`."""

    video_id: Text
    deal_id: Text
    event_id: Text
    source: Small
    event_time: Milliseconds
    creator_id: Text
    brand_id: Text
    fee_micros: Number
    currency: Word
    milestones: Texts
    counted: Flag
    version: Natural


class FollowAction(Row):
    """A follow or an unfollow; the last one before a time by (event_time, event_id) stood then."""

    creator_id: Text
    user_id: Text
    event_id: Text
    source: Small
    event_time: Milliseconds
    following: Flag
    counted: Flag
    version: Natural


class CreatorRegistration(Row):
    """What is known of a creator; the last by (event_time, event_id) stands. No birth date: empty."""

    creator_id: Text
    event_id: Text
    source: Small
    event_time: Milliseconds
    registered_at: Milliseconds
    birth_date: Text
    version: Natural


class Engagement(Row):
    """A like, comment, reply, share, favorite or follow; `creator_id` is whom the event names."""

    video_id: Text
    user_id: Text
    event_id: Text
    type: Word
    source: Small
    event_time: Milliseconds
    creator_id: Text
    counted: Flag
    version: Natural


FACT_TABLES: dict[str, type[Row]] = {
    "order_events": OrderEvent,
    "affiliate_clicks": AffiliateClick,
    "product_views": ProductView,
    "search_views": SearchView,
    "shared_views": SharedView,
    "deals": Deal,
    "follow_actions": FollowAction,
    "creator_registrations": CreatorRegistration,
    "engagements": Engagement,
}
