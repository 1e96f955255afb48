"""What the events are made of: topics, limits, field types and the bases of the models."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, Protocol

from annotated_types import Interval
from pydantic import BaseModel, ConfigDict, StringConstraints

ENGAGEMENT_TOPIC = "engagement.events"
COMMERCE_TOPIC = "commerce.events"
DEAD_LETTER_TOPIC = "engagement.dead-letters"

MESSAGE_BYTES_MAX = 1 << 20
EVENT_TIME_MS_MAX = 4_102_444_800_000  # 2100-01-01
SHARE_BPS_MAX = 10_000

Id = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Label = Annotated[str, StringConstraints(max_length=256)]
Text = Annotated[str, StringConstraints(max_length=4096)]
Cause = Annotated[str, StringConstraints(min_length=1, max_length=256)]
BirthDate = Annotated[
    str,
    StringConstraints(
        min_length=10, max_length=10, pattern="^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
    ),
]
Currency = Annotated[str, StringConstraints(min_length=3, max_length=3, pattern="^[A-Z]{3}$")]
Feed = Literal["for_you", "following", "profile", "search", "shop", "other"]

TimeMs = Annotated[int, Interval(ge=0, le=EVENT_TIME_MS_MAX)]
SpanMs = Annotated[int, Interval(ge=0, le=31 * 86_400_000)]
Micros = Annotated[int, Interval(ge=0, le=1 << 62)]
Coins = Annotated[int, Interval(ge=1, le=10_000_000)]
Count = Annotated[int, Interval(ge=1, le=1_000_000)]
Quantity = Annotated[int, Interval(ge=0, le=1_000_000)]
ViewGoal = Annotated[int, Interval(ge=0, le=10**12)]
ShareBps = Annotated[int, Interval(ge=0, le=SHARE_BPS_MAX)]


class Model(BaseModel):
    """Base of everything on the wire: nothing is converted, unknown fields are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Collaborator(Model):
    """A creator who shares a video's earnings."""

    creator_id: Id
    share_bps: ShareBps


class Milestone(Model):
    """What a brand deal pays, in parts of its fee, once the video has this many views."""

    views: ViewGoal
    share_bps: ShareBps


class BaseEvent(Model):
    """The fields of every event. `id` is unique for its producer; times are UTC."""

    topic: ClassVar[str]
    key_field: ClassVar[str]

    id: Id
    event_time_ms: TimeMs
    user_id: Id
    device_id: Id | None = None
    sent_at_ms: TimeMs | None = None


class VideoKeyed(BaseEvent):
    """Lives in the partition of its video."""

    topic: ClassVar[str] = ENGAGEMENT_TOPIC
    key_field: ClassVar[str] = "video_id"

    video_id: Id


class VideoEvent(VideoKeyed):
    """Something a user does with a video."""

    creator_id: Id


class LiveEvent(BaseEvent):
    """Lives in the partition of its live session."""

    topic: ClassVar[str] = ENGAGEMENT_TOPIC
    key_field: ClassVar[str] = "live_id"

    live_id: Id
    creator_id: Id


class UserKeyed(BaseEvent):
    """Lives in the partition of its user."""

    topic: ClassVar[str] = COMMERCE_TOPIC
    key_field: ClassVar[str] = "user_id"


class CommerceEvent(UserKeyed):
    """Lives in the partition of its buyer, so that a click and its order meet."""

    product_id: Id
    seller_id: Id
    creator_id: Id | None = None
    link_id: Id | None = None


class OrderEvent(CommerceEvent):
    """One step of an order; amounts are of the whole order line."""

    order_id: Id
    quantity: Quantity
    paid_micros: Micros
    currency: Currency
    refund_micros: Micros | None = None


class OrderHoldEvent(OrderEvent):
    """A decision about what an order pays, with its reason."""

    reason: Cause


class ControlEvent(BaseEvent):
    """Not about a subject: written by workers, into a partition of their choice of any source topic."""

    topic: ClassVar[str] = ENGAGEMENT_TOPIC
    key_field: ClassVar[str] = "user_id"


class HasShare(Protocol):
    """A collaborator, of the models or of the wire types."""

    @property
    def share_bps(self) -> int: ...  # noqa: D102 - the protocol's own docstring says it


def check_collaborators(collaborators: Iterable[HasShare] | None) -> None:
    """Refuse a split of more than the whole: the one rule that no single field can state.

    Raises:
        ValueError: the shares add up to more than 10,000 basis points.
    """
    if collaborators and sum(part.share_bps for part in collaborators) > SHARE_BPS_MAX:
        raise ValueError("collaborators: the shares add up to more than 10000 basis points")
