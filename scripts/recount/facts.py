"""Facts of a partition's log, in plain code: what settlement looks at event by event.

A fact is a counted event. One that was invalidated in the end is none. Whether a view is a product
view, or one of a shared video, is decided at its place in the log: by the publication of its video that stands there, of those
counted and not taken back so far the one with the greatest (event time, id).
"""

from collections.abc import Set
from dataclasses import dataclass, field

from schemas.events import (
    AffiliateClick,
    Comment,
    CreatorRegistered,
    DealSigned,
    Favorite,
    Follow,
    Like,
    OrderFrozen,
    OrderIneligible,
    OrderPlaced,
    OrderRefunded,
    OrderReleased,
    OrderSettled,
    PydanticEvent,
    Reply,
    Share,
    Unfollow,
    VideoPublished,
    View,
)

Step = OrderPlaced | OrderSettled | OrderRefunded | OrderFrozen | OrderReleased | OrderIneligible


@dataclass(frozen=True, slots=True)
class OrderStep:
    """One counted event of an order."""

    type: str
    event_id: str
    event_time_ms: int
    user_id: str
    order_id: str
    creator_id: str
    seller_id: str
    product_id: str
    link_id: str
    quantity: int
    paid_micros: int
    currency: str
    refund_micros: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Click:
    """One counted click on a product link."""

    event_id: str
    event_time_ms: int
    user_id: str
    creator_id: str
    seller_id: str
    product_id: str
    link_id: str
    live_id: str


@dataclass(frozen=True, slots=True)
class ProductView:
    """One view of a video that showed products then."""

    event_id: str
    event_time_ms: int
    user_id: str
    video_id: str
    creator_id: str
    product_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchView:
    """One view that came from a search."""

    event_id: str
    event_time_ms: int
    video_id: str


@dataclass(frozen=True, slots=True)
class SharedView:
    """One view of a video that had collaborators then."""

    event_id: str
    event_time_ms: int
    user_id: str
    video_id: str


@dataclass(frozen=True, slots=True)
class Deal:
    """One signed deal; a milestone is (views, share of the fee in bps)."""

    event_id: str
    event_time_ms: int
    video_id: str
    deal_id: str
    creator_id: str
    brand_id: str
    fee_micros: int
    currency: str
    milestones: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FollowAction:
    """One follow or unfollow."""

    event_id: str
    event_time_ms: int
    user_id: str
    creator_id: str
    following: bool


@dataclass(frozen=True, slots=True)
class Registration:
    """What one event says of a creator; without a birth date that is empty."""

    event_id: str
    event_time_ms: int
    creator_id: str
    registered_at_ms: int
    birth_date: str


@dataclass(frozen=True, slots=True)
class Engagement:
    """One like, comment, reply, share, favorite or follow."""

    event_id: str
    event_time_ms: int
    type: str
    user_id: str
    video_id: str
    creator_id: str


Place = tuple[int, int]  # partition, offset
Name = tuple[int | str, ...]  # partition, whose it is, event id, event time


@dataclass(slots=True)
class Facts:
    """All facts of a log: orders, clicks and registrations by their place, as each message counts;
    others by name.

    (An id that comes again after the horizon, with another time, is another event; rule 3.)
    """

    orders: dict[Place, OrderStep] = field(default_factory=dict)
    clicks: dict[Place, Click] = field(default_factory=dict)
    registrations: dict[Place, Registration] = field(default_factory=dict)
    product_views: dict[Name, ProductView] = field(default_factory=dict)
    search_views: dict[Name, SearchView] = field(default_factory=dict)
    shared_views: dict[Name, SharedView] = field(default_factory=dict)
    deals: dict[Name, Deal] = field(default_factory=dict)
    follows: dict[Name, FollowAction] = field(default_factory=dict)
    engagements: dict[Name, Engagement] = field(default_factory=dict)

    def add(self, other: "Facts") -> None:
        """Add the facts of another partition."""
        self.orders |= other.orders
        self.clicks |= other.clicks
        self.registrations |= other.registrations
        self.product_views |= other.product_views
        self.search_views |= other.search_views
        self.shared_views |= other.shared_views
        self.deals |= other.deals
        self.follows |= other.follows
        self.engagements |= other.engagements


class FactCount:
    """Collects the facts of one partition.

    `taken_back` are the offsets of messages invalidated up to the place in the log that is being
    counted: the judge's own set, which grows as it reads on.
    """

    def __init__(self, partition: int, taken_back: Set[int]) -> None:
        self.facts = Facts()
        self._partition = partition
        self._taken_back = taken_back
        self._publications: dict[str, dict[int, VideoPublished]] = {}  # video -> offset -> event

    def count(self, event: PydanticEvent, offset: int, *, in_the_end: bool) -> None:
        """Take one counted event; `in_the_end` tells whether it was never invalidated."""
        if isinstance(event, VideoPublished):  # while it stood, it made facts of views
            self._publications.setdefault(event.video_id, {})[offset] = event
        if not in_the_end:
            return
        facts, place = self.facts, (self._partition, offset)
        if isinstance(event, Like | Comment | Reply | Share | Favorite | Follow):
            facts.engagements[self._name(event, event.video_id)] = Engagement(
                event.id,
                event.event_time_ms,
                event.type,
                event.user_id,
                event.video_id,
                event.creator_id,
            )
        if isinstance(event, Step):
            facts.orders[place] = order_step(event)
        elif isinstance(event, AffiliateClick):
            facts.clicks[place] = click(event)
        elif isinstance(event, CreatorRegistered):
            facts.registrations[place] = registration(event)
        elif isinstance(event, View):
            self._view(event)
        elif isinstance(event, DealSigned):
            facts.deals[self._name(event, event.video_id, event.deal_id)] = deal(event)
        elif isinstance(event, Follow | Unfollow):
            facts.follows[self._name(event, event.creator_id, event.user_id)] = FollowAction(
                event.id,
                event.event_time_ms,
                event.user_id,
                event.creator_id,
                event.type == "follow",
            )

    def _view(self, event: View) -> None:
        if event.feed == "search":
            self.facts.search_views[self._name(event, event.video_id)] = SearchView(
                event.id, event.event_time_ms, event.video_id
            )
        published = self._published_now(event.video_id)
        if published is None:
            return
        if published.product_ids:
            self.facts.product_views[self._name(event, event.user_id, event.video_id)] = (
                ProductView(
                    event.id,
                    event.event_time_ms,
                    event.user_id,
                    event.video_id,
                    event.creator_id,
                    published.product_ids,
                )
            )
        if published.collaborators:
            self.facts.shared_views[self._name(event, event.video_id, event.user_id)] = SharedView(
                event.id, event.event_time_ms, event.user_id, event.video_id
            )

    def _published_now(self, video_id: str) -> VideoPublished | None:
        """Return the publication that stands at this place in the log."""
        standing = [
            publication
            for offset, publication in self._publications.get(video_id, {}).items()
            if offset not in self._taken_back
        ]
        if not standing:
            return None
        return max(standing, key=lambda publication: (publication.event_time_ms, publication.id))

    def _name(self, event: PydanticEvent, *whose: str) -> Name:
        return (self._partition, *whose, event.id, event.event_time_ms)


def order_step(event: Step) -> OrderStep:
    """Return what an event says about its order."""
    return OrderStep(
        event.type,
        event.id,
        event.event_time_ms,
        event.user_id,
        event.order_id,
        event.creator_id or "",
        event.seller_id,
        event.product_id,
        event.link_id or "",
        event.quantity,
        event.paid_micros,
        event.currency,
        event.refund_micros,
        getattr(event, "reason", ""),
    )


def registration(event: CreatorRegistered) -> Registration:
    """Return what an event says about a creator."""
    return Registration(
        event.id,
        event.event_time_ms,
        event.user_id,
        event.registered_at_ms,
        event.birth_date or "",
    )


def click(event: AffiliateClick) -> Click:
    """Return what an event says about a click."""
    return Click(
        event.id,
        event.event_time_ms,
        event.user_id,
        event.creator_id or "",
        event.seller_id,
        event.product_id,
        event.link_id or "",
        event.live_id or "",
    )


def deal(event: DealSigned) -> Deal:
    """Return what an event says about a deal."""
    return Deal(
        event.id,
        event.event_time_ms,
        event.video_id,
        event.deal_id,
        event.creator_id,
        event.brand_id,
        event.fee_micros,
        event.currency,
        tuple((milestone.views, milestone.share_bps) for milestone in event.milestones),
    )
