"""The wire types of the hot path; generated from the models by `python -m schemas.export`.

Do not edit. The base classes are for annotations and isinstance; only the tagged ones are decoded.
Unknown fields are refused here so that they can be counted: decode with streams/decode.py.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.base import check_collaborators
from schemas.events import EVENT_TYPES

Id = Annotated[str, Meta(min_length=1, max_length=256)]
Label = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=4096)]
Cause = Annotated[str, Meta(min_length=1, max_length=256)]
BirthDate = Annotated[
    str,
    Meta(
        min_length=10, max_length=10, pattern="^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
    ),
]
Currency = Annotated[str, Meta(min_length=3, max_length=3, pattern="^[A-Z]{3}$")]
Feed = Literal["for_you", "following", "profile", "search", "shop", "other"]
TimeMs = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
SpanMs = Annotated[int, Meta(ge=0, le=2_678_400_000)]
Micros = Annotated[int, Meta(ge=0, le=4_611_686_018_427_387_904)]
Coins = Annotated[int, Meta(ge=1, le=10_000_000)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Quantity = Annotated[int, Meta(ge=0, le=1_000_000)]
ViewGoal = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
ShareBps = Annotated[int, Meta(ge=0, le=10_000)]


class Collaborator(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A creator who shares a video's earnings."""

    creator_id: Id
    share_bps: ShareBps


class Milestone(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """What a brand deal pays, in parts of its fee, once the video has this many views."""

    views: ViewGoal
    share_bps: ShareBps


class BaseEvent(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """The fields of every event. `id` is unique for its producer; times are UTC."""

    id: Id
    event_time_ms: TimeMs
    user_id: Id
    device_id: Id | None = None
    sent_at_ms: TimeMs | None = None


class VideoKeyed(BaseEvent, frozen=True, kw_only=True):
    """Lives in the partition of its video."""

    video_id: Id


class VideoEvent(VideoKeyed, frozen=True, kw_only=True):
    """Something a user does with a video."""

    creator_id: Id


class VideoPublished(
    VideoEvent,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="video_published",
):
    """A video's metadata; the one with the greatest (event_time_ms, id) stands."""

    duration_ms: SpanMs
    content_type: Label
    hashtags: Annotated[tuple[Id, ...], Meta(max_length=64)]
    sound_id: Id | None = None
    challenge_id: Id | None = None
    is_original: bool
    is_promoted: bool
    collaborators: Annotated[tuple[Collaborator, ...], Meta(max_length=16)] | None = None
    product_ids: Annotated[tuple[Id, ...], Meta(max_length=64)] | None = None

    def __post_init__(self) -> None:
        check_collaborators(self.collaborators)


class Impression(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="impression"):
    """A video was shown."""

    feed: Feed


class View(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="view"):
    """A play of any length; loops make watch_ms longer than duration_ms."""

    watch_ms: SpanMs
    duration_ms: SpanMs
    feed: Feed
    is_promoted: bool | None = None


class Like(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="like"):
    """A like."""


class Unlike(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="unlike"):
    """A like taken back."""


class Share(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="share"):
    """A share."""


class Favorite(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="favorite"):
    """A video put among the favorites."""


class Unfavorite(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="unfavorite"):
    """A video taken out of the favorites."""


class Follow(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="follow"):
    """A follow of the creator, from this video."""


class Unfollow(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="unfollow"):
    """A follow of the creator taken back."""


class ProfileView(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="profile_view"):
    """A visit to the creator's profile, from this video."""


class NotInterested(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="not_interested"):
    """A user asks for less like this."""


class Report(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="report"):
    """A user reports the video."""


class Comment(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="comment"):
    """A comment."""

    comment_id: Id


class CommentDeleted(
    VideoEvent,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="comment_deleted",
):
    """A comment taken back."""

    comment_id: Id


class Reply(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="reply"):
    """The creator answers a comment."""

    comment_id: Id
    in_reply_to: Id


class DealSigned(VideoEvent, frozen=True, kw_only=True, tag_field="type", tag="deal_signed"):
    """A brand pays for this video, in parts as it reaches its milestones."""

    deal_id: Id
    brand_id: Id
    fee_micros: Micros
    currency: Currency
    milestones: Annotated[tuple[Milestone, ...], Meta(max_length=32)]


Target = (
    VideoPublished
    | Impression
    | View
    | Like
    | Unlike
    | Share
    | Favorite
    | Unfavorite
    | Follow
    | Unfollow
    | ProfileView
    | NotInterested
    | Report
    | Comment
    | CommentDeleted
    | Reply
    | DealSigned
)


class Invalidated(VideoKeyed, frozen=True, kw_only=True, tag_field="type", tag="invalidated"):
    """Makes its targets, whole events of the same video, as if they had never been sent."""

    targets: Annotated[tuple[Target, ...], Meta(max_length=1000)]
    reason: Text


class LiveEvent(BaseEvent, frozen=True, kw_only=True):
    """Lives in the partition of its live session."""

    live_id: Id
    creator_id: Id


class LiveStarted(LiveEvent, frozen=True, kw_only=True, tag_field="type", tag="live_started"):
    """A live session begins."""


class LiveEnded(LiveEvent, frozen=True, kw_only=True, tag_field="type", tag="live_ended"):
    """A live session ends."""


class LiveJoined(LiveEvent, frozen=True, kw_only=True, tag_field="type", tag="live_joined"):
    """A viewer comes."""


class LiveLeft(LiveEvent, frozen=True, kw_only=True, tag_field="type", tag="live_left"):
    """A viewer goes."""


class LiveLike(LiveEvent, frozen=True, kw_only=True, tag_field="type", tag="live_like"):
    """Taps on the screen since the viewer's last message."""

    count: Count = 1


class Gift(LiveEvent, frozen=True, kw_only=True, tag_field="type", tag="gift"):
    """One frame of a gift streak: `repeat_count` is the running total, `coins` the unit price."""

    gift_id: Id
    coins: Coins
    group_id: Id
    repeat_count: Count
    repeat_end: bool
    order_id: Id


class GiftRefunded(LiveEvent, frozen=True, kw_only=True, tag_field="type", tag="gift_refunded"):
    """The coins of an order were paid back."""

    order_id: Id
    reason: Text


class UserKeyed(BaseEvent, frozen=True, kw_only=True):
    """Lives in the partition of its user."""


class CommerceEvent(UserKeyed, frozen=True, kw_only=True):
    """Lives in the partition of its buyer, so that a click and its order meet."""

    product_id: Id
    seller_id: Id
    creator_id: Id | None = None
    link_id: Id | None = None


class AffiliateClick(
    CommerceEvent,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="affiliate_click",
):
    """A click on a creator's product link, inside that live if any; it may have no order yet."""

    live_id: Id | None = None
    order_id: Id | None = None
    quantity: Quantity | None = None
    paid_micros: Micros | None = None
    currency: Currency | None = None
    refund_micros: Micros | None = None


class OrderEvent(CommerceEvent, frozen=True, kw_only=True):
    """One step of an order; amounts are of the whole order line."""

    order_id: Id
    quantity: Quantity
    paid_micros: Micros
    currency: Currency
    refund_micros: Micros | None = None


class OrderPlaced(OrderEvent, frozen=True, kw_only=True, tag_field="type", tag="order_placed"):
    """An order was paid."""


class OrderSettled(OrderEvent, frozen=True, kw_only=True, tag_field="type", tag="order_settled"):
    """An order passed its after-sales period."""


class OrderRefunded(OrderEvent, frozen=True, kw_only=True, tag_field="type", tag="order_refunded"):
    """Money went back to the buyer; without refund_micros all that was paid."""


class OrderHoldEvent(OrderEvent, frozen=True, kw_only=True):
    """A decision about what an order pays, with its reason."""

    reason: Id


class OrderFrozen(OrderHoldEvent, frozen=True, kw_only=True, tag_field="type", tag="order_frozen"):
    """An order is held for a risk: it pays nothing until it is released."""


class OrderReleased(
    OrderHoldEvent,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="order_released",
):
    """An order is held no longer."""


class OrderIneligible(
    OrderHoldEvent,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="order_ineligible",
):
    """An order pays nothing, for good: canceled, fraud, against the rules."""


class CreatorRegistered(
    UserKeyed,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="creator_registered",
):
    """What is known of a creator's account and person; `user_id` is the creator."""

    registered_at_ms: TimeMs
    birth_date: BirthDate | None = None


class ControlEvent(BaseEvent, frozen=True, kw_only=True):
    """Not about a subject: written by workers, into a partition of their choice of any source topic."""


class Tick(ControlEvent, frozen=True, kw_only=True, tag_field="type", tag="tick"):
    """Event time went on in an idle partition of any source topic, as its worker says; no more."""


Event = (
    VideoPublished
    | Impression
    | View
    | Like
    | Unlike
    | Share
    | Favorite
    | Unfavorite
    | Follow
    | Unfollow
    | ProfileView
    | NotInterested
    | Report
    | Comment
    | CommentDeleted
    | Reply
    | DealSigned
    | Invalidated
    | LiveStarted
    | LiveEnded
    | LiveJoined
    | LiveLeft
    | LiveLike
    | Gift
    | GiftRefunded
    | AffiliateClick
    | OrderPlaced
    | OrderSettled
    | OrderRefunded
    | OrderFrozen
    | OrderReleased
    | OrderIneligible
    | CreatorRegistered
    | Tick
)

CLASS_OF: Mapping[str, type[Event]] = {
    "video_published": VideoPublished,
    "impression": Impression,
    "view": View,
    "like": Like,
    "unlike": Unlike,
    "share": Share,
    "favorite": Favorite,
    "unfavorite": Unfavorite,
    "follow": Follow,
    "unfollow": Unfollow,
    "profile_view": ProfileView,
    "not_interested": NotInterested,
    "report": Report,
    "comment": Comment,
    "comment_deleted": CommentDeleted,
    "reply": Reply,
    "deal_signed": DealSigned,
    "invalidated": Invalidated,
    "live_started": LiveStarted,
    "live_ended": LiveEnded,
    "live_joined": LiveJoined,
    "live_left": LiveLeft,
    "live_like": LiveLike,
    "gift": Gift,
    "gift_refunded": GiftRefunded,
    "affiliate_click": AffiliateClick,
    "order_placed": OrderPlaced,
    "order_settled": OrderSettled,
    "order_refunded": OrderRefunded,
    "order_frozen": OrderFrozen,
    "order_released": OrderReleased,
    "order_ineligible": OrderIneligible,
    "creator_registered": CreatorRegistered,
    "tick": Tick,
}
TYPE_OF: Mapping[type[Event], str] = {model: name for name, model in CLASS_OF.items()}
TOPIC_OF: Mapping[type[Event], str] = {
    model: EVENT_TYPES[name].topic for name, model in CLASS_OF.items()
}
SUBJECT_FIELD: Mapping[type[Event], str] = {
    model: EVENT_TYPES[name].key_field for name, model in CLASS_OF.items()
}
