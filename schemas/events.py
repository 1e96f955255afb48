"""The definition of every event: strict pydantic models, and the rules of a valid message.

The wire types of the hot path (wire.py), JSON Schema and AsyncAPI are generated from these models.

A message is an event when all of this holds; `parse_event` here and `streams.decode` agree on it:
- 1 byte to 1 MiB of UTF-8, without a byte order mark, holding one JSON object of RFC 8259: no NaN
  or Infinity, no lone surrogates, nothing after it but white space, at most 200 levels deep
  (an empty array is no level), no integer of more than 4,300 digits. This holds inside unknown
  fields too.
- Of equal keys in one object the last stands, also for `type`.
- No value is converted: 1.0, "1" and true are not integers, 1 is not a boolean. (JSON Schema calls
  1.0 an integer; we do not, for a float cannot hold every amount.)
- A field that may be absent and has no default value may also be null, which means absent.
- Unknown fields are ignored and counted; everything else outside the models is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, Self, get_args

from annotated_types import Len
from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import from_json

from schemas.base import (
    MESSAGE_BYTES_MAX,
    BaseEvent,
    BirthDate,
    Coins,
    Collaborator,
    CommerceEvent,
    ControlEvent,
    Count,
    Currency,
    Feed,
    Id,
    Label,
    LiveEvent,
    Micros,
    Milestone,
    OrderEvent,
    OrderHoldEvent,
    Quantity,
    SpanMs,
    Text,
    TimeMs,
    UserKeyed,
    VideoEvent,
    VideoKeyed,
    check_collaborators,
)
from schemas.failures import Reason
from schemas.refusals import EventError, classify


class VideoPublished(VideoEvent):
    """A video's metadata; the one with the greatest (event_time_ms, id) stands."""

    type: Literal["video_published"]
    duration_ms: SpanMs
    content_type: Label
    hashtags: Annotated[tuple[Id, ...], Len(0, 64)]
    sound_id: Id | None = None
    challenge_id: Id | None = None
    is_original: bool
    is_promoted: bool
    collaborators: Annotated[tuple[Collaborator, ...], Len(0, 16)] | None = None
    product_ids: Annotated[tuple[Id, ...], Len(0, 64)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_collaborators(self.collaborators)
        return self


class Impression(VideoEvent):
    """A video was shown."""

    type: Literal["impression"]
    feed: Feed


class View(VideoEvent):
    """A play of any length; loops make watch_ms longer than duration_ms."""

    type: Literal["view"]
    watch_ms: SpanMs
    duration_ms: SpanMs
    feed: Feed
    is_promoted: bool | None = None


class Like(VideoEvent):
    """A like."""

    type: Literal["like"]


class Unlike(VideoEvent):
    """A like taken back."""

    type: Literal["unlike"]


class Share(VideoEvent):
    """A share."""

    type: Literal["share"]


class Favorite(VideoEvent):
    """A video put among the favorites."""

    type: Literal["favorite"]


class Unfavorite(VideoEvent):
    """A video taken out of the favorites."""

    type: Literal["unfavorite"]


class Follow(VideoEvent):
    """A follow of the creator, from this video."""

    type: Literal["follow"]


class Unfollow(VideoEvent):
    """A follow of the creator taken back."""

    type: Literal["unfollow"]


class ProfileView(VideoEvent):
    """A visit to the creator's profile, from this video."""

    type: Literal["profile_view"]


class NotInterested(VideoEvent):
    """A user asks for less like this."""

    type: Literal["not_interested"]


class Report(VideoEvent):
    """A user reports the video."""

    type: Literal["report"]


class Comment(VideoEvent):
    """A comment."""

    type: Literal["comment"]
    comment_id: Id


class CommentDeleted(VideoEvent):
    """A comment taken back."""

    type: Literal["comment_deleted"]
    comment_id: Id


class Reply(VideoEvent):
    """The creator answers a comment."""

    type: Literal["reply"]
    comment_id: Id
    in_reply_to: Id


class DealSigned(VideoEvent):
    """A brand pays for this video, in parts as it reaches its milestones."""

    type: Literal["deal_signed"]
    deal_id: Id
    brand_id: Id
    fee_micros: Micros
    currency: Currency
    milestones: Annotated[tuple[Milestone, ...], Len(0, 32)]


VideoTarget = Annotated[
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
    | DealSigned,
    Field(discriminator="type"),
]


class Invalidated(VideoKeyed):
    """Makes its targets, whole events of the same video, as if they had never been sent."""

    type: Literal["invalidated"]
    targets: Annotated[tuple[VideoTarget, ...], Len(0, 1000)]
    reason: Text


class LiveStarted(LiveEvent):
    """A live session begins."""

    type: Literal["live_started"]


class LiveEnded(LiveEvent):
    """A live session ends."""

    type: Literal["live_ended"]


class LiveJoined(LiveEvent):
    """A viewer comes."""

    type: Literal["live_joined"]


class LiveLeft(LiveEvent):
    """A viewer goes."""

    type: Literal["live_left"]


class LiveLike(LiveEvent):
    """Taps on the screen since the viewer's last message."""

    type: Literal["live_like"]
    count: Count = 1


class Gift(LiveEvent):
    """One frame of a gift streak: `repeat_count` is the running total, `coins` the unit price."""

    type: Literal["gift"]
    gift_id: Id
    coins: Coins
    group_id: Id
    repeat_count: Count
    repeat_end: bool
    order_id: Id


class GiftRefunded(LiveEvent):
    """The coins of an order were paid back."""

    type: Literal["gift_refunded"]
    order_id: Id
    reason: Text


class AffiliateClick(CommerceEvent):
    """A click on a creator's product link, inside that live if any; it may have no order yet."""

    type: Literal["affiliate_click"]
    live_id: Id | None = None
    order_id: Id | None = None
    quantity: Quantity | None = None
    paid_micros: Micros | None = None
    currency: Currency | None = None
    refund_micros: Micros | None = None


class OrderPlaced(OrderEvent):
    """An order was paid."""

    type: Literal["order_placed"]


class OrderSettled(OrderEvent):
    """An order passed its after-sales period."""

    type: Literal["order_settled"]


class OrderRefunded(OrderEvent):
    """Money went back to the buyer; without refund_micros all that was paid."""

    type: Literal["order_refunded"]


class OrderFrozen(OrderHoldEvent):
    """An order is held for a risk: it pays nothing until it is released."""

    type: Literal["order_frozen"]


class OrderReleased(OrderHoldEvent):
    """An order is held no longer."""

    type: Literal["order_released"]


class OrderIneligible(OrderHoldEvent):
    """An order pays nothing, for good: canceled, fraud, against the rules."""

    type: Literal["order_ineligible"]


class CreatorRegistered(UserKeyed):
    """What is known of a creator's account and person; `user_id` is the creator."""

    type: Literal["creator_registered"]
    registered_at_ms: TimeMs
    birth_date: BirthDate | None = None


class Tick(ControlEvent):
    """Event time went on in an idle partition of any source topic, as its worker says; no more."""

    type: Literal["tick"]


PydanticEvent = Annotated[
    VideoTarget
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
    | Tick,
    Field(discriminator="type"),
]


@dataclass(frozen=True, slots=True)
class EventSpec:
    """Where events of one type go: their topic, the field that is the record key, their model."""

    topic: str
    key_field: str
    model: type[BaseEvent]


def _specs() -> dict[str, EventSpec]:
    specs: dict[str, EventSpec] = {}
    targets, *others = get_args(get_args(PydanticEvent)[0])
    for model in (*get_args(get_args(targets)[0]), *others):
        (name,) = get_args(model.model_fields["type"].annotation)
        specs[name] = EventSpec(model.topic, model.key_field, model)
    return specs


EVENT_TYPES: Mapping[str, EventSpec] = MappingProxyType(_specs())

_ADAPTER: TypeAdapter[PydanticEvent] = TypeAdapter(PydanticEvent)


def parse_event(raw: bytes | None) -> PydanticEvent:
    """The event that a message holds, by the rules at the top of this file.

    Raises:
        EventError: the message is no event; of several faults the first in field order is named.
    """
    if not raw:
        raise EventError(Reason.EMPTY, "the message has no value")
    if len(raw) > MESSAGE_BYTES_MAX:
        raise EventError(Reason.TOO_LARGE, f"{len(raw)} bytes, at most {MESSAGE_BYTES_MAX}")
    try:
        raw.decode("utf-8")
        from_json(raw, allow_inf_nan=False)
    except UnicodeDecodeError as error:
        detail = f"{error.reason} at byte {error.start}"
        raise EventError(Reason.INVALID_UTF8, detail) from error
    except ValueError as error:
        raise EventError(Reason.MALFORMED_JSON, str(error)) from error
    try:
        return _ADAPTER.validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise EventError(*classify(first, tags=EVENT_TYPES)) from error
