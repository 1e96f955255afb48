"""What programs are told: plain rows, read from the log's results. Times are UTC milliseconds.

Amounts are micro-units of their currency. A count below zero, which corrections of forgotten events
can leave behind, counts as zero.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from streams.subjects import Published


class Share(NamedTuple):
    """A collaborator's part of a video's earnings; the rest is the creator's."""

    creator_id: str
    share_bps: int


class Creator(NamedTuple):
    """A creator on one day; None = not known."""

    creator_id: str
    followers: int
    views_30d: int
    person_age_years: int | None = None
    account_age_days: int | None = None


class FundVideo(NamedTuple):
    """A video's counts of one pay day; authentic views are those that were not invalidated."""

    video_id: str
    creator_id: str
    authentic_views: int
    likes: int
    comments: int
    shares: int
    collaborators: tuple[Share, ...] = ()


class Quality(NamedTuple):
    """What the factors of Creator Rewards are made of: a video's counts of one UTC day."""

    views: int
    watch_ms: int
    completions: int
    search_views: int
    likes: int
    comments: int
    shares: int


class RewardsVideo(NamedTuple):
    """A video with all days of its qualified views; days are UTC, by number since 1970."""

    video_id: str
    creator_id: str
    published: Published | None
    qualified_by_day: Mapping[int, int]
    quality_by_day: Mapping[int, Quality]
    collaborators: tuple[Share, ...] = ()


class Click(NamedTuple):
    """A click on a creator's link; `live_id` where it was made inside a live, else empty."""

    event_id: str
    at_ms: int
    user_id: str
    creator_id: str
    seller_id: str
    product_id: str
    link_id: str = ""
    live_id: str = ""


class ProductView(NamedTuple):
    """A view of a video that shows products."""

    event_id: str
    at_ms: int
    user_id: str
    creator_id: str
    video_id: str
    product_ids: tuple[str, ...]


class OrderStep(NamedTuple):
    """One event of an order, as it came; refund_micros None = all that was paid.

    `reason` is why it was frozen, released or made ineligible.
    """

    kind: Literal["placed", "settled", "refunded", "frozen", "released", "ineligible"]
    event_id: str
    at_ms: int
    order_id: str
    user_id: str
    seller_id: str
    product_id: str
    paid_micros: int
    currency: str
    refund_micros: int | None = None
    reason: str = ""


class Registration(NamedTuple):
    """What is known of a creator; an empty birth date (`YYYY-MM-DD`) is not known."""

    registered_ms: int
    birth_date: str


class Order(NamedTuple):
    """An order with all that became of it. `frozen_by` and `ineligible_by` say why, else empty."""

    order_id: str
    placed_ms: int
    user_id: str
    seller_id: str
    product_id: str
    paid_micros: int
    currency: str
    settled_ms: int | None = None
    refunded_micros: int = 0
    frozen_by: str = ""
    ineligible_by: str = ""

    @property
    def kept_micros(self) -> int:
        """Return what the buyer paid and did not get back."""
        return self.paid_micros - self.refunded_micros


class Deal(NamedTuple):
    """A signed brand deal; a milestone is (views, share of the fee in bps)."""

    deal_id: str
    brand_id: str
    creator_id: str
    video_id: str
    signed_ms: int
    fee_micros: int
    currency: str
    milestones: tuple[tuple[int, int], ...]


class Post(NamedTuple):
    """A video's totals, for engagement rates."""

    video_id: str
    published_ms: int
    views: int
    likes: int
    comments: int
    shares: int
    favorites: int


class Balance(NamedTuple):
    """A creator's booked money in one currency, as of a pay day.

    `balance_micros` leaves out what was paid on this very pay day, which is `paid_today_micros`
    (positive). `held_micros` are the positive entries younger than the hold.
    """

    creator_id: str
    currency: str
    balance_micros: int
    held_micros: int = 0
    paid_today_micros: int = 0


class LedgerAmount(NamedTuple):
    """What a balance is made of: a booked entry, payouts included."""

    creator_id: str
    currency: str
    source: str
    occurred_at_ms: int
    amount_micros: int
